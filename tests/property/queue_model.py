"""The queue of questions as a few dictionaries: what the store must agree with.

One batch; nothing is fast here and nothing is stored.
"""

from dataclasses import dataclass, field, replace

SLACK_SECONDS = 60.0
PREFERENCES = ("best", "tie", "all_bad")


@dataclass
class Handed:
    """A question on somebody's screen."""

    id: str
    labeler: str
    question: str
    kind: str
    shown: tuple[str, ...]
    leased_at: float
    leased_until: float
    closed_at: float | None = None
    answer: str | None = None

    def is_leased(self, now: float) -> bool:
        """Whether it is the labeler's alone at a time."""
        is_running = self.leased_at <= now + SLACK_SECONDS and now < self.leased_until
        return self.closed_at is None and is_running


@dataclass
class Given:
    """An answer, whatever became of it."""

    id: str
    labeler: str
    question: str
    kind: str
    answer: str
    state: str = "live"


@dataclass
class Model:
    """What the queue would do if it were simple."""

    wanted: dict[str, int]
    is_frozen: bool = False
    handed: dict[str, Handed] = field(default_factory=dict)
    given: dict[str, Given] = field(default_factory=dict)

    def live(self, question: str, labeler: str, kind: str = "regular") -> Given | None:
        """The answer that stands."""
        place = (question, labeler, kind, "live")
        found = [
            x for x in self.given.values() if (x.question, x.labeler, x.kind, x.state) == place
        ]
        assert len(found) < 2
        return found[0] if found else None

    def has_answered(self, question: str, labeler: str) -> bool:
        """Whether somebody can give no opinion of their own any more."""
        return any(
            (x.question, x.labeler, x.state) == (question, labeler, "live") and x.kind != "retest"
            for x in self.given.values()
        )

    def has_been_handed(self, question: str, labeler: str) -> bool:
        """Whether somebody had a question on screen before, whatever became of it."""
        return any((x.question, x.labeler) == (question, labeler) for x in self.handed.values())

    def labels(self, question: str | None = None) -> list[Given]:
        """The labels that stand, of one question or all."""
        return [
            x
            for x in self.given.values()
            if x.kind == "regular" and x.state == "live" and question in (None, x.question)
        ]

    def answered(self, question: str) -> int:
        """How many preferences stand."""
        return sum(x.answer in PREFERENCES for x in self.labels(question))

    def is_open(self, question: str) -> bool:
        """Whether anybody may be asked."""
        flags = sum(x.answer == "flag" for x in self.labels(question))
        is_wanted = self.answered(question) < self.wanted[question]
        return not self.is_frozen and is_wanted and flags < 2

    def leased(self, question: str, now: float) -> list[Handed]:
        """Who has the question on screen as work."""
        return [
            view
            for view in self.handed.values()
            if view.question == question and view.kind == "regular" and view.is_leased(now)
        ]

    def has_room(self, question: str, labeler: str, now: float) -> bool:
        """Whether one more may be asked."""
        others = [v for v in self.leased(question, now) if v.labeler != labeler]
        is_short = self.answered(question) + len(others) < self.wanted[question]
        return self.is_open(question) and is_short

    def held(self, labeler: str, now: float) -> list[Handed]:
        """What a labeler sees after a reload."""
        found = [
            view
            for view in self.handed.values()
            if view.labeler == labeler and view.is_leased(now) and self._is_needed(view)
        ]
        return sorted(found, key=lambda view: (view.leased_at, view.id))

    def _is_needed(self, view: Handed) -> bool:
        if view.kind == "regular":
            return self.is_open(view.question) and not self.has_answered(
                view.question, view.labeler
            )
        # What was handed out in a batch that has closed looks alike, whatever it is.
        is_open = not self.is_frozen
        return is_open and self.live(view.question, view.labeler, view.kind) is None

    def free(self, labeler: str, now: float) -> set[str]:
        """The questions that a labeler may be given as new."""
        own = {
            v.question for v in self.handed.values() if v.labeler == labeler and v.is_leased(now)
        }
        return {
            question
            for question in self.wanted
            if question not in own
            and not self.has_answered(question, labeler)
            and self.has_room(question, labeler, now)
        }

    def renew(self, view: Handed, now: float) -> bool:
        """Let a lease begin anew, if it may."""
        if view.kind == "regular":
            is_open = self.has_room(view.question, view.labeler, now)
            is_open = is_open and not self.has_answered(view.question, view.labeler)
        else:
            is_open = not self.is_frozen
        is_renewable = view.is_leased(now) or is_open
        if view.closed_at is None and is_renewable:
            lease_seconds = view.leased_until - view.leased_at
            view.leased_at, view.leased_until = now, now + lease_seconds
            return True
        return False

    def give_back(self, view: Handed, now: float) -> None:
        """Let others have a question."""
        if view.closed_at is None:
            view.closed_at = now

    def submit(self, answer: Given, view: Handed, replaces: str | None, now: float) -> str:
        """Take an answer in; return the outcome."""
        known = self.given.get(answer.id)
        if known is not None:
            return "same" if replace(known, state="live") == answer else "conflict"
        live = self.live(view.question, view.labeler, view.kind)
        if replaces is None:
            if view.answer is not None or live is not None:
                return "conflict"
        else:
            if live is None or live.id != replaces or view.answer not in (None, replaces):
                return "conflict"
            if self.is_frozen or view.kind == "training":
                return "closed"
            live.state = "replaced"
        self.given[answer.id] = answer
        view.closed_at, view.answer = now, answer.id
        return "late" if self.is_frozen else "stored"

    def withdraw(self, name: str, labeler: str, now: float) -> str:
        """Take an answer back; return the outcome."""
        known = self.given.get(name)
        if known is None or known.labeler != labeler:
            return "refused"
        if known.state != "live":
            return "same" if known.state == "withdrawn" else "conflict"
        if self.is_frozen or known.kind == "training":
            return "closed"
        known.state = "withdrawn"
        for view in self.handed.values():
            if view.answer == name:
                lease_seconds = view.leased_until - view.leased_at
                view.leased_at, view.leased_until = now, now + lease_seconds
                view.closed_at = view.answer = None
        return "stored"
