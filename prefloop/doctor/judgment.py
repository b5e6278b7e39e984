"""Checks of the evaluation: is there a judge, has it judged, and does it prefer the policy?"""

from pathlib import Path

from prefloop.figures.check_result import CheckResult, CheckStatus
from prefloop.figures.repetition import RepetitionFigures
from prefloop.figures.text import percent
from prefloop.run_folder import RunFigures
from prefloop.settings.run import RunConfig

SAID_BEFORE = 0.1
"""Rise of the share of repeated responses above which a warning is given."""

ONE_WORD = (
    "The policy may please with little: read the pairs in the report. Raise policy.kl.coef or "
    "lower policy.kl.target, and ask labelers about such responses."
)


def check_evaluation(config: RunConfig, run: RunFigures, folder: Path) -> list[CheckResult]:
    """Return whether somebody other than the labelers judged, and the outcome."""
    judges = config.evaluation.judges
    if not judges:
        action = "Name a judge in evaluation.judges; no claim of improvement stands without one."
        return [_result("judge present", "warn", "evaluation.judges is empty.", action)]
    last = config.rounds - 1
    found = run.evaluation_of_round(last)
    if not (folder / "policy" / f"round-{last}").exists():
        message = f"{_named(judges)} will judge the last round's policy, which is not there yet."
        return [_result("judge present", "later", message)]
    figures = found.figures if found else None
    headline = figures.win_rate if figures else None
    if figures is None or headline is None:
        action = f"Run `prefloop evaluation {folder}`."
        message = "The last round's policy is not judged."
        return [_result("judged", "warn", message, action)]
    results = [_independence(run, last), *_repetition(figures.repetition)]
    for win_rate in figures.win_rates:
        if win_rate is not headline and win_rate.rate.lies_below(0.5):
            message = f"The judge {win_rate.judge} prefers {figures.baseline}."
            action = "The judges disagree, or the policy is worse: see the pairs in the report."
            results.append(_result(f"{win_rate.judge} agrees", "warn", message, action))
    check, rate = "judge prefers the policy", headline.rate
    if rate.lies_below(0.5):
        action = "Do not use this policy; see the pairs in the report for what it learned."
        return [*results, _result(check, "bad", figures.verdict, action)]
    if not rate.lies_above(0.5):
        action = "Nothing is shown: train longer, gather more labels, judge more prompts."
        return [*results, _result(check, "warn", figures.verdict, action)]
    return [*results, _result(check, "ok", figures.verdict)]


def _independence(run: RunFigures, last: int) -> CheckResult:
    """Return whether a judge of the last round rests on what labels rest on."""
    found = run.evaluation_of_round(last)
    win_rates = found.figures.win_rates if found else ()
    shared = {w.judge: ", ".join(w.shared_sources) for w in win_rates if w.shared_sources}
    if shared:
        parts = "; ".join(f"{judge} shares {sources}" for judge, sources in shared.items())
        action = "Name a judge in evaluation.judges that shares nothing with the labelers."
        return _result("judge is independent", "warn", f"With the labels, {parts}.", action)
    judges = _named([w.judge for w in win_rates])
    if not all(win_rate.fingerprint for win_rate in win_rates):
        action = f"Delete {found.path if found else 'the figures'} and run `prefloop evaluation`."
        message = f"Whether {judges} shares a source with labels was not checked by version 0.1."
        return _result("judge is independent", "warn", message, action)
    message = f"Judged by {judges}; no source shared with labels."
    return _result("judge is independent", "ok", message)


def _repetition(found: RepetitionFigures | None) -> list[CheckResult]:
    """Return whether a word, an opening or a whole text has spread over the responses."""
    if found is None:
        return []
    results = []
    if found.taken_over:
        text = "; ".join(
            f'"{p.phrase}" stands in {percent(p.share)} of the responses, before in '
            f"{percent(p.baseline_share)}"
            for p in found.taken_over
        )
        results.append(_result("no word has taken over", "warn", f"{text}.", ONE_WORD))
    elif found.words:
        most = found.words[0]
        message = (
            f'No word stands in many more responses than before; "{most.phrase}" rose most, from '
            f"{percent(most.baseline_share)} to {percent(most.share)}."
        )
        results.append(_result("no word has taken over", "ok", message))
    if found.said_before is not None:
        before = found.baseline_said_before or 0.0
        is_many = found.said_before - before > SAID_BEFORE
        message = (
            f"{percent(found.said_before)} of the responses were given to another prompt too, "
            f"before {percent(before)}."
        )
        status: CheckStatus = "warn" if is_many else "ok"
        results.append(_result("responses differ", status, message, ONE_WORD if is_many else ""))
    return results


def _named(judges: list[str]) -> str:
    return " and ".join(judges)


def _result(check: str, status: CheckStatus, message: str, action: str = "") -> CheckResult:
    return CheckResult(
        stage="evaluation", check=check, status=status, message=message, action=action
    )
