"""Finished runs beside each other as lines of text and rows of tables."""

from collections.abc import Sequence

from prefloop.figures.compared_runs import (
    ComparedRunFigures,
    RunPairFigures,
    RunsComparedFigures,
)
from prefloop.figures.estimate import EstimateFigure
from prefloop.figures.text import (
    NONE,
    at_most,
    count,
    counted,
    duration,
    memory,
    model_title,
    named_share_interval,
    number,
    number_interval,
    percent,
    share_interval,
)

NOT_RECORDED = "not recorded"

PAIR_COLUMNS = ("Run", "Beside", "Preferred on", "Wins", "Ties", "Losses", "Prompts")


def headline(figures: RunsComparedFigures) -> str:
    """Return which runs the judge prefers to which, as far as that is shown."""
    if not figures.pairs:
        return f"Which run is better is not judged: {figures.why_no_pairs}."
    shown = [pair for pair in figures.pairs if pair.is_shown]
    judge = f"the held-out judge ({figures.judge_description})"
    if not shown:
        return f"Not shown: {judge} prefers no run to another beyond chance."
    if len(figures.pairs) == 1:
        return _preferred(shown[0], judge)
    return _ranked(figures, judge)


def run_columns(figures: RunsComparedFigures) -> tuple[str, ...]:
    """Return the heading of each column of the runs."""
    reward = f"Reward ({figures.reward})" if figures.reward else "Reward"
    return (
        "Run",
        "Method",
        f"Preferred to the {model_title(figures.baseline)}",
        "KL (nats)",
        reward,
        "Of the best gain at its KL",
        "Episodes",
        "Training time",
        "Peak memory",
    )


def run_table(figures: RunsComparedFigures) -> list[tuple[str, ...]]:
    """Return a row for each run."""
    return [_row(run) for run in figures.runs]


def pair_table(figures: RunsComparedFigures) -> list[tuple[str, ...]]:
    """Return a row for every two runs."""
    return [
        (
            pair.run,
            pair.other,
            _share(pair.win_rate),
            count(pair.wins),
            count(pair.ties),
            count(pair.losses),
            count(pair.win_rate.n_clusters),
        )
        for pair in figures.pairs
    ]


def missing_lines(figures: RunsComparedFigures) -> list[str]:
    """Return why there is a dash in the table, each reason once with its runs."""
    names = {
        "kl": "KL",
        "reward": "reward",
        "share_of_best_gain": "share of the best gain",
        "cost": "training time and peak memory",
    }
    reasons: dict[tuple[str, str], list[str]] = {}
    for run in figures.runs:
        for name, why in run.missing.items():
            reasons.setdefault((names[name], why), []).append(run.name)
    return [
        f"No {what} of {', '.join(runs)}: {why or 'it was not measured'}."
        for (what, why), runs in reasons.items()
    ]


def settings_lines(figures: RunsComparedFigures) -> list[str]:
    """Return every setting that differs, with the value of each run."""
    return [f"{key}: {', '.join(values)}" for key, values in figures.settings.items()]


def baseline_line(figures: RunsComparedFigures) -> str:
    """Return the reward of the baseline; empty where nobody knows the reward."""
    known = {
        _estimate(run.baseline_reward): run.name
        for run in figures.runs
        if run.baseline_reward is not None
    }
    if not known:
        return ""
    title = model_title(figures.baseline)
    if len(known) == 1:
        return f"The {title} has a reward of {next(iter(known))}."
    each = ", ".join(f"{reward} beside {name}" for reward, name in known.items())
    return f"The {title} has a reward of {each}."


def _preferred(pair: RunPairFigures, judge: str) -> str:
    """Return which of two runs is preferred, where that is shown."""
    rate, winner, other = pair.win_rate, pair.run, pair.other
    if rate.lies_below(0.5):
        low, high = (None if end is None else 1 - end for end in (rate.high, rate.low))
        rate = rate.model_copy(update={"value": 1 - rate.value, "low": low, "high": high})
        winner, other = other, winner
    return (
        f"{winner} is better than {other}: {judge} prefers its response on {percent(rate.value)} "
        f"of {counted(rate.n_clusters, 'held-out prompt')} ({named_share_interval(rate)})."
    )


def _ranked(figures: RunsComparedFigures, judge: str) -> str:
    """Return which of several runs is preferred to which, and between which nothing is shown."""
    beaten: dict[str, list[str]] = {run.name: [] for run in figures.runs}
    for pair in figures.pairs:
        if pair.is_shown:
            names = (pair.run, pair.other)
            winner, other = names if pair.win_rate.lies_above(0.5) else names[::-1]
            beaten[winner].append(other)
    winners = [name for name, losers in beaten.items() if losers]
    by_wins = sorted(winners, key=lambda name: -len(beaten[name]))
    said = [f"{name} to {_all(beaten[name])}" for name in by_wins]
    open_pairs = [f"{p.run} and {p.other}" for p in figures.pairs if not p.is_shown]
    unknown = f" Nothing is shown between {', between '.join(open_pairs)}." if open_pairs else ""
    on = counted(figures.prompts, "held-out prompt")
    return f"On {on}, {judge} prefers {'; '.join(said)}.{unknown}"


def _all(names: Sequence[str]) -> str:
    """Return names in words.

    >>> _all(["one", "two", "three"])
    'one, two and three'
    """
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _row(run: ComparedRunFigures) -> tuple[str, ...]:
    cost = run.cost
    return (
        run.name,
        run.method,
        _share(run.win_rate),
        _estimate(run.kl) if run.kl_at_most is None else at_most(run.kl_at_most),
        _estimate(run.reward),
        _share_of_gain(run),
        count(run.episodes),
        duration(cost.total_seconds) if cost else NOT_RECORDED,
        memory(cost.peak_memory_bytes) if cost else NOT_RECORDED,
    )


def _share_of_gain(run: ComparedRunFigures) -> str:
    """Return the share of the best gain: where the KL is a bound, more could not be gained."""
    share = run.share_of_best_gain
    is_least = run.kl_at_most is not None and share is not None and share > 0
    return f"{'at least ' if is_least else ''}{percent(share)}"


def _share(figure: EstimateFigure) -> str:
    interval = share_interval(figure.low, figure.high)
    return f"{percent(figure.value)} ({interval})" if interval else percent(figure.value)


def _estimate(figure: EstimateFigure | None) -> str:
    if figure is None:
        return NONE
    interval = number_interval(figure.low, figure.high)
    return f"{number(figure.value)} ({interval})" if interval else number(figure.value)
