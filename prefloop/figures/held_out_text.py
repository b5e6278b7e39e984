"""What is taken out of a reward model's scores, in words: on terminal, report and card."""

from prefloop.figures.text import counted, percent, signed
from prefloop.figures.trust import HeldOutFigures


def held_out_text(figures: HeldOutFigures) -> str:
    """Return what the policy is not paid for, in one sentence."""
    terms = "; ".join(
        f"{term.scorer} ({signed(term.weight)} for one more)" for term in figures.terms
    )
    asked = counted(figures.questions, "training question")
    return (
        f"The policy is not paid for what goes with {terms}: {percent(figures.share)} of the "
        f"squared differences between the scores of {asked}."
    )
