"""Figures on what the responses of one model have in common: openings, words, whole texts."""

from pydantic import BaseModel

from prefloop.figures.record import RECORD

TAKEN_OVER = 0.2
"""Rise of a share above which a word or an opening is reported: a fifth more of the answers."""

TIMES = 3.0
"""How much more often than before it must stand there; common words stand in many answers."""

SURE = 0.01
"""False discovery rate up to which a rise is no chance."""


class PhraseFigures(BaseModel):
    """How often one word or opening stands in the responses of the model and of the baseline."""

    model_config = RECORD

    phrase: str
    """In lower case, without punctuation."""
    share: float
    """Share of the model's responses."""
    baseline_share: float
    """Share of the baseline's responses."""
    q: float | None = None
    """False discovery rate of its rise among all words of the responses; `null` where it was not
    tested, as in openings and in files of earlier versions."""

    @property
    def has_taken_over(self) -> bool:
        """Whether it stands in many more responses than it did, by more than chance."""
        rise = self.share - self.baseline_share
        is_sure = self.q is None or self.q <= SURE
        return is_sure and rise > TAKEN_OVER and self.share >= TIMES * self.baseline_share


class RepetitionFigures(BaseModel):
    """What different responses share: a policy that learned one word, one opening or one text."""

    model_config = RECORD

    openings: tuple[PhraseFigures, ...]
    """The most repeated first three words, most often first; none that stands once only."""
    words: tuple[PhraseFigures, ...]
    """The words whose share of responses rose most, most first."""
    said_before: float | None
    """Share of the model's responses that it had given to another prompt, word for word."""
    baseline_said_before: float | None

    @property
    def taken_over(self) -> tuple[PhraseFigures, ...]:
        """Words and openings that stand in many more responses than they did."""
        return tuple(p for p in (*self.words, *self.openings) if p.has_taken_over)
