"""A run in its second round with eight people, as it looks after a day and a half of work.

Everything goes in through the store's own doors, at times that lie in the past.
"""

import math
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.engine import Connection

from prefloop.records import Comparison, Label, Prompt, Sample
from prefloop.store.core import clock
from prefloop.store.store import Store
from prefloop.teamwork import Assignment, ClaimPolicy, Gold, Submission, Timing

OPENINGS = (
    "The old house at the corner of Mill Street",
    "When the train finally left the station, she",
    "My grandmother used to say that",
    "Nobody had expected the letter, least of all",
    "On the third morning the rain stopped and",
    "The boy put the last stone on the wall and",
    "In the back of the shop, behind the lamps,",
    "He had promised himself never to return, yet",
    "The committee met for the last time in spring, and",
    "Across the frozen lake a light",
)
ENDINGS = (
    (2.0, " stood open, warm with light, and she laughed at how long she had been afraid of it."),
    (1.6, " filled with music again, and every window on the street answered with a lamp."),
    (1.1, " felt lighter than it had for years; there was bread on the table and time to eat it."),
    (0.7, " was quiet, which for once was a kindness."),
    (0.2, " was there, as it had always been, and nothing about it had changed."),
    (-0.3, " had been on the list since March, together with two others of the same size."),
    (-0.8, " was cold, and the smell of the river came through the boards at night."),
    (-1.4, " meant nothing to anyone any more, and the door was nailed shut before winter."),
    (-1.9, " the the the of of and and and"),
)


@dataclass(frozen=True)
class Character:
    """How somebody labels."""

    name: str
    noise: float = 0.9
    seconds: float = 11.0
    hours: tuple[int, int] = (8, 18)
    habit: str = ""
    """`first`: takes what stands first. `random`: takes anything."""


TEAM = (
    Character("Ada", 0.7, 14.0, (8, 16)),
    Character("Grace", 0.8, 9.5, (9, 18)),
    Character("Katherine", 0.9, 12.0, (7, 13)),
    Character("Margaret the Patient", 0.6, 21.0, (10, 17)),
    Character("Linus", 1.2, 8.0, (12, 20)),
    Character("Edsger", 1.0, 10.0, (14, 22)),
    Character("Mallory", 0.0, 2.1, (9, 17), "first"),
    Character("Trent", 0.0, 3.0, (11, 19), "random"),
)
POLICY = ClaimPolicy(gold_share=0.12, retest_share=0.05, retest_after_seconds=3600.0)


@dataclass
class Seeding:
    """A store on its way from yesterday to now."""

    store: Store
    rng: random.Random
    worth: dict[str, float] = field(default_factory=dict)
    """How good each sample is."""
    n_answers: int = 0
    wait: Callable[[float], None] = lambda seconds: None
    """Let so many seconds pass."""

    def ask(self, round: int, questions: int) -> list[str]:
        """Draw samples for questions, open the batch; a third of it is wanted thrice."""
        prompts, samples, comparisons = [], [], []
        for number in range(questions):
            name = f"{round}-{number:04d}"
            opening = OPENINGS[number % len(OPENINGS)]
            prompts.append(Prompt(id=f"p{name}", text=opening, source="seed", split="train"))
            drawn = self.rng.sample(ENDINGS, 4)
            samples += [self._sample(name, place, round, *drawn[place]) for place in range(4)]
            comparisons.append(
                Comparison(
                    id=f"c{name}",
                    prompt_id=f"p{name}",
                    sample_ids=tuple(f"s{name}{place}" for place in range(4)),
                    round=round,
                    split="train",
                )
            )
        self.store.add_all(prompts=prompts, samples=samples, comparisons=comparisons)
        wanted = [(c.id, 3 if n % 3 == 0 else 1) for n, c in enumerate(comparisons)]
        self.store.queue.open_batch(round, wanted)
        return [comparison.id for comparison in comparisons]

    def _sample(self, name: str, place: int, round: int, worth: float, text: str) -> Sample:
        sample_id = f"s{name}{place}"
        self.worth[sample_id] = worth
        model = "reference" if round == 0 else f"policy/round-{round - 1}"
        return Sample(
            id=sample_id,
            prompt_id=f"p{name}",
            model=model,
            round=round,
            purpose="labels",
            text=text,
            response_ids=(1, 2, 3),
            is_ended=True,
            logprob=-40.0,
            ref_logprob=-44.0,
        )

    def work(self, who: Character, n: int, version: str) -> int:
        """Let somebody answer up to n questions; return how many there were."""
        done = 0
        while done < n:
            views = self.store.queue.claim(
                who.name, n=min(16, n - done), rng=self.rng, policy=POLICY
            )
            if not views:
                break
            for submission in [self._answer(who, view, version) for view in views]:
                self.wait(submission.label.seconds)
                self.store.answers.submit([submission])
            done += len(views)
        return done

    def _answer(self, who: Character, view: Assignment, version: str) -> Submission:
        shown = tuple(sample.id for sample in view.samples)
        chosen = self._choice(who, shown)
        draw = self.rng.random()
        answer = "best" if draw < 0.93 or who.habit else "tie" if draw < 0.96 else "skip"
        seconds = who.seconds * math.exp(self.rng.gauss(0, 0.4))
        self.n_answers += 1
        label = Label(
            id=str(UUID(int=self.rng.getrandbits(128), version=4)),
            comparison_id=view.comparison_id,
            labeler=who.name,
            answer=answer,  # type: ignore[arg-type]
            chosen=chosen if answer == "best" else None,
            shown=shown,
            seconds=seconds,
            instructions=version,
        )
        timing = Timing(active_seconds=0.95 * seconds, first_key_seconds=seconds / 2)
        return Submission(label=label, assignment_id=view.id, timing=timing)

    def _choice(self, who: Character, shown: tuple[str, ...]) -> str:
        if who.habit == "first" and self.rng.random() < 0.85:
            return shown[0]
        if who.habit:
            return self.rng.choice(shown)
        felt = {i: self.worth[i] + self.rng.gauss(0, who.noise) for i in shown}
        return max(shown, key=felt.__getitem__)

    def learn(self, round: int, labels: int) -> None:
        """Write what training a reward model on so many labels would have written."""
        for step in range(1, labels // 16 + 1):
            seen = 16 * step
            expected = 0.72 - 2.6 / math.sqrt(seen + 40)
            hits = sum(self.rng.random() < expected for _ in range(16))
            line = {"rewards/loss": 1.3 - expected, "rewards/accuracy": hits / 16, "labels": seen}
            place = {"stage": "rewards", "round": round, "update": step}
            self.store.updates.write("rewards", round, step, {**line, **place})

    def improve(self, round: int, first: int, last: int) -> None:
        """Write the updates of PPO from `first` to `last`, counted over the run."""
        for update in range(first, last + 1):
            share = 1 - math.exp(-update / 45)
            line = {
                "policy/score": 1.7 * share - 0.1 + self.rng.gauss(0, 0.1),
                "policy/kl": 6.1 * share + self.rng.gauss(0, 0.25),
                "policy/kl_coef": 0.12 * math.exp(0.004 * update),
                "policy/entropy": 4.1 - 0.006 * update + self.rng.gauss(0, 0.03),
            }
            place = {"stage": "policy", "round": round, "update": update}
            samples = [self._response(share) for _ in range(3)]
            self.store.updates.write("policy", round, update, {**line, **place}, samples)

    def _response(self, share: float) -> dict[str, object]:
        worth, text = max(self.rng.sample(ENDINGS, 2)) if share > 0.5 else self.rng.choice(ENDINGS)
        return {
            "prompt": self.rng.choice(OPENINGS),
            "response": text,
            "score": worth + self.rng.gauss(0, 0.2),
            "kl": 6 * share + self.rng.gauss(0, 1),
        }


def seed_store(
    store: Store,
    *,
    hours: int = 34,
    questions: int = 320,
    updates: int = 131,
    is_stopped: bool = False,
) -> dict[str, str]:
    """Fill an empty store; return the ids of its people by name.

    Round 0 is answered, frozen and learned from; round 1 is being answered while PPO goes on.
    """
    seeding = Seeding(store, random.Random(7))
    first = updates // 2
    with moved_clock() as ago:
        seeding.wait = ago.wait
        ago(hours)
        people = _people(store)
        asked = seeding.ask(0, questions)
        _publish(store, "1", is_major=True)
        for place in range(0, min(80, questions), 2):
            _know(seeding, asked[place], is_training=place % 16 == 0)
        half = hours // 2
        n = _days_of_work(seeding, ago, range(hours, half, -1), "1")
        store.queue.freeze(0)
        seeding.learn(0, max(n, 320))
        seeding.improve(0, 1, first)
        stop = store.stop_requests.pull("Linus", "Every other answer is empty, and I get them all.")
        store.stop_requests.stopped(stop.id, first)
        _beat(store, "stopped by the cord", first, (first // 2, first))
        looked = "A stop token was set wrongly; put right in run.yaml, ten samples read."
        store.stop_requests.release(stop.id, "Olga", looked, "roll_back", first // 2)
        _publish(store, "1.1", is_major=False)
        seeding.ask(1, 2 * questions)
        _days_of_work(seeding, ago, range(half, -1, -1), "1.1")
    store.exclusions.apply("always first", "Mallory", "Chose the first sample in 86 %.", "Olga")
    seeding.improve(1, first + 1, updates)
    _beat(store, "training the policy", updates, (first, updates - 10, updates - 1))
    if is_stopped:
        shown = [f"s1-0003{place}" for place in range(4)]
        stop = store.stop_requests.pull(
            "Grace", "These all end the same way. It found a trick.", shown
        )
        store.stop_requests.stopped(stop.id, updates)
    return people


class PastClock:
    """A clock that goes as the database's does, some hours behind."""

    def __init__(self) -> None:
        self.real = clock.database_seconds
        self.behind = 0.0

    def __call__(self, hours: float) -> None:
        """Set it to so many hours ago."""
        self.behind = 3600 * hours

    def wait(self, seconds: float) -> None:
        """Let seconds pass at once."""
        self.behind -= seconds

    def read(self, connection: Connection) -> float:
        return self.real(connection) - self.behind


@contextmanager
def moved_clock() -> Iterator[PastClock]:
    """Give the store a clock that can be set to so many hours ago."""
    moved = PastClock()
    clock.database_seconds = moved.read
    try:
        yield moved
    finally:
        clock.database_seconds = moved.real


def _people(store: Store) -> dict[str, str]:
    people = {"Olga": store.people.add("Olga", "owner").id}
    people["Vera"] = store.people.add("Vera", "viewer").id
    for who in TEAM:
        people[who.name] = store.people.add(who.name, "labeler").id
    return people


def _publish(store: Store, version: str, *, is_major: bool) -> None:
    text = (
        "Choose the ending that leaves the reader **warmest**.\n\n"
        "* A copy of the opening is no ending.\n* Broken sentences lose against whole ones.\n"
        "* If two are equally good, say *tie*.\n"
    )
    if version != "1":
        text += "\n> New: short is fine, if it is warm.\n"
    store.instructions.publish(version, "Which ending is warmest?", text, is_major, "Olga")


def _know(seeding: Seeding, comparison_id: str, *, is_training: bool) -> None:
    number = comparison_id.removeprefix("c")
    best = max((f"s{number}{place}" for place in range(4)), key=seeding.worth.__getitem__)
    why = "It is the only one with people, light and an open door in it."
    seeding.store.gold.add(
        Gold(
            comparison_id=comparison_id,
            chosen=best,
            explanation=why,
            is_training=is_training,
            created_by="Olga",
        )
    )


def _days_of_work(
    seeding: Seeding, ago: Callable[[float], None], hours_ago: range, version: str
) -> int:
    """Let everybody work in their hours; return how many answers there were."""
    before = seeding.n_answers
    for hour in hours_ago:
        of_day = (19 - hour) % 24
        for number, who in enumerate(TEAM):
            first, last = who.hours
            if first <= of_day < last:
                ago(hour + 0.5 - number / 20 if hour else 0.2)
                seeding.work(who, seeding.rng.randint(6, 14), version)
    return seeding.n_answers - before


def _beat(store: Store, phase: str, done: int, checkpoints: tuple[int, ...]) -> None:
    store.updates.heartbeat(phase=phase, round=1, done=done, total=200, checkpoints=checkpoints)
