"""Figures about prompts (`prompt_figures.json`): how many passages of a file gave none, and why."""

from pydantic import BaseModel

from prefloop.figures.record import RECORD
from prefloop.figures.text import count, counted

EXAMPLES = 3
"""Repeated passages that a sentence names."""


class PromptFigures(BaseModel):
    """What became of the passages of a prompt file."""

    model_config = RECORD

    source: str
    """The prompt file, as the run file names it."""
    passages: int
    """Passages that were looked at; with `prompts.limit` those until there were enough."""
    prompts: int
    left_out: dict[str, int]
    """Why passages gave no prompt, and how many for each reason."""
    repeats: tuple[str, ...]
    """Passages that give the prompt of an earlier one, such as `p.csv, line 4 repeats line 2`."""
    empty_rows: int
    """Rows of the file without text."""


def left_out_text(figures: PromptFigures) -> str:
    """Return in words which passages gave no prompt; "" if all gave one.

    >>> few = PromptFigures(source="p.txt", passages=200, prompts=20, repeats=(), empty_rows=0,
    ...     left_out={"come back changed from this model's tokenizer": 180})
    >>> left_out_text(few)
    "180 of 200 passages give no prompt: 180 come back changed from this model's tokenizer"
    """
    reasons = [f"{count(n)} {reason}" for reason, n in figures.left_out.items()]
    if figures.repeats:
        shown = "; ".join(figures.repeats[:EXAMPLES])
        more = len(figures.repeats) - EXAMPLES
        rest = f"; and {count(more)} more" if more > 0 else ""
        verb = "repeats" if len(figures.repeats) == 1 else "repeat"
        reasons.append(f"{count(len(figures.repeats))} {verb} another ({shown}{rest})")
    parts = []
    if reasons:
        n = sum(figures.left_out.values()) + len(figures.repeats)
        of = f"{count(n)} of {counted(figures.passages, 'passage')}"
        verb = "gives" if n == 1 else "give"
        parts.append(f"{of} {verb} no prompt: {', '.join(reasons)}")
    if figures.empty_rows:
        verb = "is" if figures.empty_rows == 1 else "are"
        parts.append(f"{counted(figures.empty_rows, 'row')} {verb} empty")
    return "; ".join(parts)
