"""The verdict as one sentence that claims no more than the figures hold."""

from prefloop.figures.estimate import EstimateFigure
from prefloop.figures.evaluation import WinRateFigures
from prefloop.figures.text import counted, fixed, model_title, named_share_interval, percent
from prefloop.records import REFERENCE

TUNED = "the tuned model"


def verdict_sentence(
    win_rate: WinRateFigures | None,
    kl: EstimateFigure | None,
    *,
    model: str,
    baseline: str = REFERENCE,
    task: str,
    why_not: str = "there are no verdicts",
) -> str:
    """Return the result in one sentence: who judged, how often, how sure, at what KL.

    "Prefers" is only said of the model if the whole interval lies above one half, of the baseline
    if it lies below; anything else is "no better". `why_not` is said where nobody judged.
    """
    ours = TUNED if model.startswith("policy/") else _named(model)
    theirs = _named(baseline)
    if win_rate is None:
        moved = f" Its KL from the reference is {fixed(kl.value, 1)} nats." if kl else ""
        return f"Whether {ours} is better at “{task}” was not judged: {why_not}.{moved}"
    distance = f", at a KL of {fixed(kl.value, 1)} nats" if kl else ""
    if kl and baseline != REFERENCE:
        distance += " from the reference"
    judge = f"The held-out judge ({win_rate.description})"
    rate = win_rate.rate
    prompts = counted(rate.n_clusters, "held-out prompt")
    if rate.lies_above(0.5):
        return (
            f"{judge} prefers {ours} on {percent(rate.value)} of {prompts} "
            f"({named_share_interval(rate)}){distance}."
        )
    if rate.lies_below(0.5):
        return (
            f"{judge} finds {ours} worse: it prefers {theirs} on {percent(1 - rate.value)} of "
            f"{prompts} ({named_share_interval(_mirrored(rate))}){distance}."
        )
    return (
        f"{judge} finds {ours} no better: it is preferred on {percent(rate.value)} of "
        f"{prompts}, and the {named_share_interval(rate)} holds 50 %{distance}."
    )


def _named(model: str) -> str:
    return "the reference" if model == REFERENCE else f"“{model_title(model)}”"


def _mirrored(rate: EstimateFigure) -> EstimateFigure:
    """Return the same rate as the share of the baseline."""
    low, high = (None if end is None else 1 - end for end in (rate.high, rate.low))
    return rate.model_copy(update={"value": 1 - rate.value, "low": low, "high": high})
