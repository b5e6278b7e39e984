"""A store in which something has happened in every table, and people who go on answering."""

import random
import uuid
from collections.abc import Sequence
from dataclasses import replace

from prefloop.records import Comparison, Label, Prompt, Sample, Verdict
from prefloop.store.labeling.adjudications import OwnersVerdict
from prefloop.store.store import Store
from prefloop.teamwork import Assignment, ClaimPolicy, Gold, Submission, Timing

INSTRUCTIONS = "1"
WORK_ONLY = ClaimPolicy(gold_share=0.0, retest_share=0.0)


def ask(store: Store, n_questions: int, *, wanted: int = 2, k: int = 4, first: int = 0) -> None:
    """Ask so many questions of so many samples, each of so many people, in round 0."""
    numbers = range(first, first + n_questions)
    samples = [sample(number, place) for number in numbers for place in range(k)]
    comparisons = [
        Comparison(
            id=f"question-{number}",
            prompt_id=f"prompt-{number}",
            sample_ids=tuple(f"sample-{number}-{place}" for place in range(k)),
            round=0,
            split="train" if number % 5 else "validation",
        )
        for number in numbers
    ]
    store.add_all(
        prompts=[prompt(number) for number in numbers], samples=samples, comparisons=comparisons
    )
    store.queue.open_batch(0, [(each.id, wanted) for each in comparisons])


def prompt(number: int) -> Prompt:
    """Return a prompt whose text holds what databases like to stumble over."""
    text = f"Prompt {number}: ünï, 'quotes', \"more\", 100 % \\ back, \u202e rtl, \U0001f600\r\n\t"
    return Prompt(id=f"prompt-{number}", text=text, source="here", split="train")


def sample(number: int, place: int) -> Sample:
    """Return a sample of a prompt."""
    return Sample(
        id=f"sample-{number}-{place}",
        prompt_id=f"prompt-{number}",
        model="reference",
        round=0,
        purpose="labels",
        text=f" sample {place} of {number}: \N{SNOWMAN}\u200d.",
        response_ids=(number, place, 13),
        is_ended=place % 2 == 0,
        logprob=-12.25 - 1 / 3 * number,
        ref_logprob=None if number % 3 else -11.1,
    )


def invite(store: Store, n_labelers: int) -> list[str]:
    """Let so many labelers in; return their names."""
    names = [f"labeler-{number}" for number in range(n_labelers)]
    for name in names:
        if store.people.by_name(name) is None:
            store.people.add(name, "labeler")
    return names


def publish(store: Store) -> None:
    """Publish the instructions that answers name. A server does so itself."""
    store.instructions.publish(INSTRUCTIONS, "Which is best?", "Read *all*.", True, "owner")


def submission(view: Assignment, luck: random.Random, *, name: str | None = None) -> Submission:
    """Return an answer to a view, as a browser would send it."""
    answer = luck.choices(["best", "tie", "all_bad", "skip", "flag"], weights=[80, 10, 6, 3, 1])[0]
    shown = tuple(each.id for each in view.samples)
    label = Label(
        id=name or str(uuid.UUID(int=luck.getrandbits(128), version=4)),
        comparison_id=view.comparison_id,
        labeler=view.labeler,
        answer=answer,  # type: ignore[arg-type]
        chosen=luck.choice(shown) if answer == "best" else None,
        shown=shown,
        seconds=round(luck.uniform(2, 90), 3),
        instructions=INSTRUCTIONS,
        note="näh; it's \N{SNOWMAN}" if luck.random() < 0.1 else "",
        confidence=luck.choice([None, 0.5, 1.0]),
    )
    timing = Timing(active_seconds=1.5, first_key_seconds=0.25, device="desktop")
    return Submission(label=label, assignment_id=view.id, timing=timing)


def answer_many(
    store: Store, names: Sequence[str], n_answers: int, luck: random.Random, policy: ClaimPolicy
) -> list[str]:
    """Let labelers answer in turn; return the ids of what was stored."""
    stored: list[str] = []
    while len(stored) < n_answers:
        sent = []
        for name in names:
            views = store.queue.claim(name, n=1, rng=luck, policy=policy)
            sent += [submission(view, luck) for view in views]
        if not sent:
            raise AssertionError(f"the questions ran out after {len(stored)} answers")
        receipts = store.answers.submit(sent)
        assert {receipt.outcome for receipt in receipts} <= {"stored", "late"}
        stored += [receipt.label_id for receipt in receipts]
    return stored


def fill_every_table(store: Store, *, n_questions: int = 40, n_answers: int = 60) -> list[str]:
    """Let something happen in every table; return the ids of the answers."""
    luck = random.Random(2019)
    publish(store)
    names = invite(store, 5)
    owner = store.people.add("owner", "owner")
    ask(store, n_questions)
    for number in range(4):
        gold = Gold(
            comparison_id=f"question-{number}",
            chosen=f"sample-{number}-1",
            explanation="It is the only one that is right.",
            is_training=number < 2,
            created_by="owner",
        )
        store.gold.add(gold)
    store.gold.end("question-3")
    policy = ClaimPolicy(
        gold_share=0.3, retest_share=0.3, retest_after_seconds=0.0, training_items=2
    )
    stored = answer_many(store, names, n_answers, luck, policy)
    live = store.labels()
    store.answers.withdraw(live[0].id, live[0].labeler)
    _enter(store, owner.id)
    _stop_and_go(store)
    rule = store.exclusions.apply("too fast", names[1], "Two seconds each.", "owner")
    store.exclusions.apply("too slow", names[2], "Two days each.", "owner")
    store.exclusions.undo(rule.id, "owner")
    _review(store, live[1])
    store.batch_shares.assign(0, {names[2]: 0.01}, "owner")
    store.add_verdicts([_verdict()])
    store.scores.add("lexicon", "settings and weights", {"sample-0-0": 1 / 3})
    store.add_event("note", {"text": "näh"})
    return stored


def _review(store: Store, label: Label) -> None:
    """A harmful question is held and released, another one held; an owner decides twice on one."""
    policy = ClaimPolicy(gold_share=0.0, retest_share=0.0)
    for view in store.queue.claim("labeler-4", n=2, rng=random.Random(1), policy=policy):
        flag = replace(submission(view, random.Random(view.id)), is_harmful=True)
        label_of_flag = replace(flag.label, note="Harmful", answer="flag", chosen=None)
        store.answers.submit([replace(flag, label=label_of_flag)])
    store.holds.release(store.holds.in_force()[0].comparison_id, "owner")
    verdict = OwnersVerdict(comparison_id=label.comparison_id, answer="tie", reason="Both fine.")
    first = store.adjudications.decide(verdict, "owner")
    store.adjudications.decide(replace(verdict, answer="skip", replaces=first.id), "owner")


def _enter(store: Store, person_id: str) -> None:
    code = store.access.invite(person_id)
    assert store.access.log_in_with_code(code) is not None
    store.access.invite(person_id)
    store.access.new_token(person_id, "a program")


def _stop_and_go(store: Store) -> None:
    for update in range(3):
        store.updates.write("policy", 0, update, {"policy/kl": update / 3}, [{"prompt": "näh"}])
    # The highest number that was given is no row's any more.
    store.updates.forget_after("policy", 1)
    store.updates.heartbeat(phase="policy", round=0, done=1, total=3, checkpoints=[1])
    cord = store.stop_requests.pull("labeler-0", "It copies.", ["sample-0-0"])
    store.stop_requests.stopped(cord.id, 1)
    store.stop_requests.release(cord.id, "owner", "The copies were real.", "resume")
    store.stop_requests.pull("labeler-1", "Again.", [])


def _verdict() -> Verdict:
    return Verdict(
        id="verdict-0",
        prompt_id="prompt-0",
        model="reference",
        baseline="reference",
        sample_id="sample-0-0",
        baseline_sample_id="sample-0-1",
        judge="lexicon",
        outcome=0.5,
        score=0.1,
        baseline_score=-2.5,
    )
