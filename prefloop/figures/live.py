"""What people said of the policy while it trained, as figures and in words."""

from pydantic import BaseModel

from prefloop.figures.record import RECORD
from prefloop.figures.text import count, counted, percent, plain


class LiveFigures(BaseModel):
    """Answers to live questions: the policy in training against the reference, blindly."""

    model_config = RECORD

    since_update: int
    """The update after which the count began: 0, or that of a released stop or a roll back."""
    asked: int
    """Questions that were asked since."""
    people: tuple[str, ...]
    """Who answered, by name."""
    wins: int
    """Answers that took the policy's text."""
    ties: int
    losses: int
    """Answers that took the reference's text."""
    judged_update: int | None
    """The newest update that an answer is about; null without answers."""
    wealth: float
    """What a bet of 1 against the policy has become (`functional/e_process.py`)."""
    stops_at: float
    """The wealth at which the run is stopped: 1 over `audits.live.alpha`."""

    @property
    def answers(self) -> int:
        """How many answers count."""
        return self.wins + self.ties + self.losses

    @property
    def is_crossed(self) -> bool:
        """Whether people like the policy less than the reference, beyond doubt."""
        return self.wealth >= self.stops_at


def live_text(figures: LiveFigures) -> str:
    """Return in sentences what people said, and how far it is from a stop.

    >>> said = LiveFigures(since_update=0, asked=9, people=("ann", "ben"), wins=1, ties=0, losses=7,
    ...                    judged_update=40, wealth=12.4, stops_at=100.0)
    >>> live_text(said)[:70]
    'Of 8 answers by ann, ben, the newest about update 40, 1 took the text '
    >>> live_text(said)[-50:]
    ' has become 12; from 100 on it would stop the run.'
    """
    if not figures.asked:
        return (
            f"No live question was asked since update {figures.since_update}, where the count "
            "began again."
        )
    if not figures.answers:
        return f"Nobody has answered any of {counted(figures.asked, 'live question')}."
    what = "it stops the run" if figures.is_crossed else "it would stop the run"
    return (
        f"Of {counted(figures.answers, 'answer')} by {', '.join(figures.people)}, the newest about "
        f"update {figures.judged_update}, {count(figures.wins)} took the text of the policy, "
        f"{count(figures.losses)} that of the reference, with {counted(figures.ties, 'tie')}. A "
        f"bet of 1 on the reference has become {_wealth(figures.wealth)}; from "
        f"{plain(figures.stops_at)} on {what}."
    )


def stop_text(figures: LiveFigures) -> str:
    """Return why a run is stopped, and what to do next."""
    return (
        f"People prefer the reference to the policy. {live_text(figures)} A policy that they like "
        f"no less gets there in at most {percent(1 / figures.stops_at)} of runs. Read some of the "
        "texts, then roll back to an earlier checkpoint, or let it go on: the count begins again."
    )


def _wealth(value: float) -> str:
    """Return a wealth with two digits; beyond a million nobody needs more."""
    if value >= 1e6:
        return "more than 1,000,000"
    return count(round(value)) if value >= 10 else plain(round(value, 2))
