"""Validation labels of known labelers, and reward models that go by one thing."""

import re
from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np

from prefloop.audits.rewards import AuditedModel
from prefloop.figures.trust import TrustFigures
from prefloop.records import Answer, Comparison, Label, Prompt
from prefloop.rewards.trust import validation_figures
from prefloop.run_folder import TrustFile
from prefloop.scorers.build import CheckedScorer
from prefloop.scorers.scorer import Scores
from prefloop.store.store import Store
from prefloop.text.overlap import copied_share
from prefloop.text.words import words
from tests.unit.comparisons.builders import make_samples

PLAIN = re.findall(
    r"\w+",
    "the road ran past an old mill and down to river where boat lay tied post while someone "
    "carried baskets from house clock in hall struck four before rain came over hill with sound",
)
VIVID = ("crimson", "velvet", "thunder", "amber", "whisper")
"""Words that labelers like; no list of prefloop holds them, and no prompt."""

LABELERS = tuple(f"labeler {i}" for i in range(6))

Rule = Callable[[str, str], float]
"""From a prompt and a text to a score."""


def vividness(prompt: str, text: str) -> float:
    """Return what labelers reward: the share of vivid words, times ten."""
    found = words(text)
    return 10.0 * sum(word in VIVID for word in found) / len(found) if found else 0.0


def length(prompt: str, text: str) -> float:
    """Return the score of a reward model that learned to count words."""
    return float(len(words(text)))


def copying(prompt: str, text: str) -> float:
    """Return the score of a reward model that learned to look for copies."""
    return 4.0 * copied_share(text, prompt)


class RuleScorer:
    """A rule as a scorer."""

    name: ClassVar[str] = "rule"
    sources: ClassVar[frozenset[str]] = frozenset({"test"})
    description: ClassVar[str] = "a rule of a test"

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.content_hash = str(id(rule))

    def score(self, prompts: Sequence[str], responses: Sequence[str]) -> Scores:
        """Return what the rule says."""
        pairs = zip(prompts, responses, strict=True)
        return np.array([self.rule(prompt, text) for prompt, text in pairs], dtype=float)


def fill_validation(
    store: Store,
    n_questions: int = 120,
    *,
    seed: int = 0,
    likes: Rule = vividness,
    n_chosen: int = 120,
    tie: Answer = "tie",
) -> None:
    """Store validation questions, four samples each, answered by labelers who like vividness.

    They like another rule where `likes` is one. They choose in the first `n_chosen` questions, and
    answer the others with `tie`.
    """
    rng = np.random.default_rng(seed)
    prompts, samples, comparisons, labels = [], [], [], []
    for q in range(n_questions):
        text = " ".join(_sentence(rng, 12, vivid=0.0) for _ in range(4))
        prompt = Prompt(id=f"p{q}", text=text, source=f"test {q}", split="validation")
        texts = [_text(rng, text) for _ in range(4)]
        own = make_samples(texts, prompt=prompt)
        liked = np.array([likes(text, one) for one in texts]) + rng.gumbel(size=4)
        best = own[int(liked.argmax())].id
        ids = tuple(sample.id for sample in own)
        question = Comparison(
            id=f"c{q}", prompt_id=prompt.id, sample_ids=ids, round=q % 2, split="validation"
        )
        prompts.append(prompt)
        samples += own
        comparisons.append(question)
        answer: Answer = "best" if q < n_chosen else tie
        labels.append(_label(question, LABELERS[q % len(LABELERS)], answer, best))
    store.add_all(prompts=prompts, samples=samples, comparisons=comparisons, labels=labels)


def model_of(store: Store, rule: Rule) -> AuditedModel:
    """Return a reward model that goes by a rule, with its figures on the validation labels."""
    prompts = {p.id: p.text for p in store.prompts()}
    scores, targets, lengths = [], [], []
    chosen = {label.comparison_id: label.chosen for label in store.labels()}
    for question in store.comparisons(split="validation"):
        texts = store.samples_by_id(question.sample_ids)
        prompt = prompts[question.prompt_id]
        scores.append([rule(prompt, texts[i].text) for i in question.sample_ids])
        lengths.append([float(len(texts[i].text.split())) for i in question.sample_ids])
        best = chosen[question.id]
        votes = [float(i == best) if best else 0.25 for i in question.sample_ids]
        targets.append(votes)
    figures = TrustFigures(
        labels=400,
        reference_mean=0.0,
        reference_std=1.0,
        reward_shift=0.0,
        validation=validation_figures(np.array(scores), np.array(targets), np.array(lengths))
        if scores
        else None,
    )
    return AuditedModel(
        trust=TrustFile(round=0, path="rewards/round-0/trust.json", figures=figures),
        scorer=CheckedScorer("rewards/round-0", RuleScorer(rule)),
        fits=lambda prompt, text: True,
    )


def _sentence(rng: np.random.Generator, n: int, *, vivid: float) -> str:
    drawn = [str(rng.choice(VIVID if rng.random() < vivid else PLAIN)) for _ in range(n)]
    return " ".join(drawn).capitalize() + "."


def _text(rng: np.random.Generator, source: str) -> str:
    if rng.random() < 0.3:
        return source.split(". ")[int(rng.integers(1, 3))].rstrip(".") + "."
    return _sentence(rng, int(rng.integers(6, 20)), vivid=float(rng.choice([0.0, 0.2, 0.5])))


def _label(question: Comparison, labeler: str, answer: Answer, best: str) -> Label:
    return Label(
        id=f"{question.id} {labeler}",
        comparison_id=question.id,
        labeler=labeler,
        answer=answer,
        chosen=best if answer == "best" else None,
        shown=question.sample_ids,
        seconds=5.0,
        instructions="1",
    )
