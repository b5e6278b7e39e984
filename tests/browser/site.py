"""A run that people label: a store with people and questions, and a server in front of it."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from prefloop.records import Comparison, Label, Prompt, Sample
from prefloop.store.store import Store
from prefloop.teamwork import ClaimPolicy, Gold, Role
from prefloop.web.config import WebSettings
from prefloop.web.serving import listening, make_server

QUESTION = "Which continuation is the best?"
INSTRUCTIONS = """Read **all** continuations before you choose.

* Judge what they say, not how long they are.
* If the best two are equally good, answer *tie*.
"""
MODEL = "policy/round-7"
"""Where the samples come from: appears in no page and in no answer to a labeler."""
SCORE = -123.4375
STARTED_SECONDS = 30.0

WORK_ONLY = ClaimPolicy(gold_share=0.0, retest_share=0.0)
SHORT = (
    ("The rain had not stopped for nine days.", (" She sang.", " It was wet.", " He laughed.")),
    ("He had never been to the sea.", (" So he went.", " The sea is water.")),
    ("The house goes to the cats.", (" He bowed.", " There were eleven.", " No.", " Yes.")),
)

Question = tuple[str, Sequence[str]]


def short_questions(n: int) -> list[Question]:
    """Return questions that differ in their prompts."""
    return [(f"{SHORT[i % 3][0]} ({i})", SHORT[i % 3][1]) for i in range(n)]


@dataclass
class Site:
    """A store and the address of its server."""

    store: Store
    settings: WebSettings
    address: str = ""
    people: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, role: Role = "labeler") -> str:
        """Add a person; return a code to log in with."""
        self.people[name] = self.store.people.add(name, role).id
        return self.code(name)

    def code(self, name: str) -> str:
        """Return a new code for somebody."""
        return self.store.access.invite(self.people[name])

    def publish(self, version: str, text: str = INSTRUCTIONS, *, is_major: bool = True) -> None:
        """Put a version of the instructions in force."""
        self.store.instructions.publish(version, QUESTION, text, is_major, "olga")

    def ask(
        self,
        questions: Sequence[Question],
        *,
        round: int = 7,
        wanted: int = 1,
        label_type: str | None = None,
    ) -> list[str]:
        """Open a batch of questions; return the ids of the comparisons."""
        prompts, samples, comparisons = [], [], []
        for number, (prompt, texts) in enumerate(questions):
            name = f"r{round}n{number}"
            prompts.append(Prompt(id=f"p{name}", text=prompt, source="here", split="train"))
            own = [_sample(f"s{name}-{i}", f"p{name}", text, round) for i, text in enumerate(texts)]
            samples += own
            asked = _comparison(f"c{name}", f"p{name}", own, round)
            comparisons.append(replace(asked, label_type=label_type))
        self.store.add_all(prompts=prompts, samples=samples, comparisons=comparisons)
        self.store.queue.open_batch(round, [(c.id, wanted) for c in comparisons])
        return [c.id for c in comparisons]

    def teach(self, comparison_id: str, explanation: str) -> None:
        """Make a question a lesson: its first sample is known to be best."""
        [comparison] = [c for c in self.store.comparisons() if c.id == comparison_id]
        self.store.gold.add(
            Gold(
                comparison_id=comparison_id,
                chosen=comparison.sample_ids[0],
                explanation=explanation,
                is_training=True,
                created_by="olga",
            )
        )

    def labels(self, labeler: str | None = None) -> list[Label]:
        """Return the labels that are on the disk."""
        return [x for x in self.store.labels() if labeler in (None, x.labeler)]

    def text(self, sample_id: str) -> str:
        """Return what a sample says."""
        return next(s.text for s in self.store.samples() if s.id == sample_id)


def _sample(name: str, prompt: str, text: str, round: int) -> Sample:
    return Sample(
        id=name,
        prompt_id=prompt,
        model=MODEL,
        round=round,
        purpose="labels",
        text=text,
        response_ids=(1,),
        is_ended=True,
        logprob=SCORE,
        ref_logprob=SCORE,
    )


def _comparison(name: str, prompt: str, samples: Sequence[Sample], round: int) -> Comparison:
    ids = tuple(s.id for s in samples)
    return Comparison(id=name, prompt_id=prompt, sample_ids=ids, round=round, split="train")


@contextmanager
def serving(folder: Path, **settings: object) -> Iterator[Site]:
    """Serve a new store with an owner and instructions until the block ends."""
    with Store.open(folder / "prefloop.db") as store:
        chosen = WebSettings(**({"claims": WORK_ONLY} | settings))  # type: ignore[arg-type]
        site = Site(store, chosen)
        site.add("olga", "owner")
        site.publish("1")
        with running(site):
            yield site


@contextmanager
def running(site: Site) -> Iterator[None]:
    """Run the server of a site in a thread."""
    ready = threading.Event()

    def on_ready(address: str) -> None:
        site.address = address
        ready.set()

    with listening(site.settings) as door:
        server = make_server(site.store, site.settings, on_ready=on_ready)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]})
        thread.start()
        try:
            assert ready.wait(STARTED_SECONDS), "the server did not start"
            yield
        finally:
            server.should_exit = True
            thread.join()
