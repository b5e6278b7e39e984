"""Does a ranking of all samples teach a reward model more per minute than the choice of the best?

    python bench/ranking_per_minute.py

Synthetic labelers answer the same questions in the same order, four sentences of fiction each,
until the same time is spent: by naming the best, or by ordering all four. A linear reward model on
features of the text learns from the answers with the loss of the label type that ships, and is
measured by how many pairs of unseen sentences it orders as the labelers' known preference
(`sentiment`) does.

Time of an answer = words of prompt and samples at 238 a minute (Brysbaert 2019), log-normal from
view to view, + 2 seconds for each choice: one for the best, three for an order. Those are the
labelers' own times; the assumptions that they rest on are varied one by one. The penalty is chosen
for each arm by what is known to be right, on other sentences. It writes
bench/results/ranking_per_minute.{json,md} and takes about three minutes of one core.
"""

import gzip
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

import prefloop
from prefloop.comparisons.labelers.synthetic import DECISION_SECONDS, SyntheticLabeler
from prefloop.comparisons.questions import Question
from prefloop.functional.statistics import clustered_mean
from prefloop.label_types.losses import LOSSES
from prefloop.label_types.types import type_of
from prefloop.records import Comparison, Label, Prompt, Sample
from prefloop.scorers.descriptiveness import DescriptivenessScorer
from prefloop.scorers.imagery import ImageryScorer
from prefloop.scorers.length import LengthScorer
from prefloop.scorers.lexicon import LexiconScorer
from prefloop.scorers.sentiment import SentimentScorer
from prefloop.settings.comparisons import SyntheticConfig

RESULTS = Path(__file__).parent / "results" / "ranking_per_minute"
SEEDS = range(30)
MINUTES = (30, 60, 120, 240)
K = 4
N_QUESTIONS = 520
N_TEST, N_CHOICE = 1200, 600
"""Sentences that the result is measured on, and others that the penalty is chosen on."""
WORDS = (8, 30)
"""Length of a sentence that is a sample, in words."""
N_TOPICS = 60
LISTED = (LexiconScorer, DescriptivenessScorer, ImageryScorer, LengthScorer)
PENALTIES = (1.0, 10.0, 100.0)
N_PAIRS = 20_000

Values = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Assumptions about labelers, and what an answer costs them."""

    name: str
    noise: str = "gumbel"
    decision_seconds: float = DECISION_SECONDS
    reads_again: bool = False
    """Whether each further place costs reading again what is left."""
    careless_below: float = 0.0
    """Spread of fresh noise, in units of the first, with which places below the first are given."""


SCENES = (
    Scene(name="as stated"),
    Scene(name="normal noise", noise="normal"),
    Scene(name="10 s a choice", decision_seconds=10.0),
    Scene(name="what is left is read again", reads_again=True),
    Scene(name="lower places careless", careless_below=2.0),
    Scene(name="careless, and read again", reads_again=True, careless_below=2.0),
)


@dataclass(frozen=True, kw_only=True)
class Texts:
    """Sentences with their known preference and what the reward model sees of them."""

    sentences: list[str]
    scores: Values
    features: Values


class KnownScorer:
    """Scores that were computed once."""

    def __init__(self, texts: Texts) -> None:
        self._known = dict(zip(texts.sentences, texts.scores.tolist(), strict=True))

    def score(self, prompts: Sequence[str], responses: Sequence[str]) -> Values:
        """Return the score of each response."""
        return np.array([self._known[text] for text in responses])


def main() -> None:
    """Measure every scene on every seed, and write the tables."""
    passages, texts = read_texts()
    found: dict[str, dict[int, dict[str, list[float]]]] = {}
    for scene in SCENES:
        by_minutes = {m: {"best_of_k": [], "ranking": []} for m in MINUTES}
        for seed in SEEDS:
            for arm in ("best_of_k", "ranking"):
                for minutes, share in measured(scene, arm, seed, passages, texts).items():
                    by_minutes[minutes][arm].append(share)
        found[scene.name] = by_minutes
        print(rows_of(scene.name, by_minutes), flush=True)
    RESULTS.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n")
    RESULTS.with_suffix(".md").write_text(table(found))


def read_texts() -> tuple[list[str], Texts]:
    """Return passages, and the sentences of other passages."""
    path = Path(prefloop.__file__).parent / "prompts" / "builtin" / "fiction.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        passages = [json.loads(line)["text"] for line in lines]
    found = [s for p in passages[600:] for s in re.findall(r"[A-Z][^.!?\n]+[.!?]", p)]
    low, high = WORDS
    sentences = [s for s in dict.fromkeys(found) if low <= len(s.split()) <= high]
    sentences = sentences[: 6 * N_QUESTIONS * K]
    scores = SentimentScorer().score([""] * len(sentences), sentences)
    return passages[:600], Texts(
        sentences=sentences, scores=scores, features=features_of(sentences)
    )


def features_of(sentences: list[str]) -> Values:
    """Return what a reward model sees: topics found without labels, and counts of listed words."""
    counts = TfidfVectorizer(min_df=3, sublinear_tf=True).fit_transform(sentences)
    topics = TruncatedSVD(N_TOPICS, random_state=0).fit_transform(counts)
    nothing = [""] * len(sentences)
    listed = [scorer().score(nothing, sentences) for scorer in LISTED]
    features = np.column_stack([topics, *listed])
    return np.asarray((features - features.mean(axis=0)) / features.std(axis=0))


def measured(
    scene: Scene, arm: str, seed: int, passages: Sequence[str], texts: Texts
) -> dict[int, float]:
    """Return the share of pairs ordered rightly after so many minutes of one labeler's time."""
    rng = np.random.default_rng([seed, 20191909])
    order = rng.permutation(len(texts.sentences))
    asked = order[: N_QUESTIONS * K].reshape(N_QUESTIONS, K)
    test, choice = order[-N_TEST:], order[-N_TEST - N_CHOICE : -N_TEST]
    labels, seconds = answers(scene, arm, seed, passages, texts, asked)
    spent = np.cumsum(seconds) / 60.0
    shares = {}
    for minutes in MINUTES:
        n = int((spent <= minutes).sum())
        if n == len(asked):
            raise SystemExit(f"{scene.name}: {minutes} minutes answer more than {n} questions")
        weights = trained(labels[:n], asked[:n], texts)
        best = max(weights, key=lambda w: pairs_right(w, choice, texts))
        shares[minutes] = pairs_right(best, test, texts)
    return shares


def answers(
    scene: Scene,
    arm: str,
    seed: int,
    passages: Sequence[str],
    texts: Texts,
    asked: Rows,
) -> tuple[list[tuple[Comparison, Label]], Values]:
    """Return a labeler's answers, and the seconds that each took."""
    config = SyntheticConfig.model_validate({"noise": scene.noise})
    scorer = KnownScorer(texts)
    labeler = SyntheticLabeler("synthetic-0", scorer, config, seed=seed, instructions="1")  # type: ignore[arg-type]
    rng = np.random.default_rng([seed, 7])
    found, seconds = [], []
    for number, row in enumerate(asked):
        question = question_of(number, arm, passages[number % len(passages)], row, texts)
        label = labeler.answer(question)
        n_choices = 1 if arm == "best_of_k" else K - 1
        reading = label.seconds - DECISION_SECONDS * n_choices
        again = sum(range(2, K)) / K if scene.reads_again and arm == "ranking" else 0.0
        seconds.append(reading * (1.0 + again) + scene.decision_seconds * n_choices)
        if scene.careless_below and arm == "ranking":
            label = with_careless_places(label, question, texts, scene.careless_below, rng)
        found.append((question.comparison, label))
    return found, np.array(seconds)


def question_of(number: int, arm: str, passage: str, row: Rows, texts: Texts) -> Question:
    """Return a question about some sentences; both arms have the same noise in it."""
    prompt = Prompt(id=f"p{number}", text=" ".join(passage.split()[:48]), source="", split="train")
    samples = tuple(
        Sample(
            id=f"s{i}",
            prompt_id=prompt.id,
            model="reference",
            round=0,
            purpose="labels",
            text=texts.sentences[i],
            response_ids=(),
            is_ended=True,
            logprob=0.0,
            ref_logprob=None,
        )
        for i in row.tolist()
    )
    comparison = Comparison(
        id=f"c{number}",
        prompt_id=prompt.id,
        sample_ids=tuple(s.id for s in samples),
        round=0,
        split="train",
        label_type=arm,
    )
    return Question(comparison=comparison, prompt=prompt, samples=samples)


def with_careless_places(
    label: Label, question: Question, texts: Texts, spread: float, rng: np.random.Generator
) -> Label:
    """Return the answer with its places below the first given again, by noisier impressions."""
    rest = [place[0] for place in label.details["ranking"][1:]]
    known = dict(zip(question.comparison.sample_ids, question.texts, strict=True))
    truth = KnownScorer(texts).score([""] * len(rest), [known[name] for name in rest])
    impressions = truth + rng.gumbel(scale=spread, size=len(rest))
    again = [[rest[int(i)]] for i in np.argsort(-impressions)]
    return replace(label, details={"ranking": [label.details["ranking"][0], *again]})


def trained(labels: Sequence[tuple[Comparison, Label]], asked: Rows, texts: Texts) -> list[Values]:
    """Return the weights of a linear reward model for each penalty."""
    label_type = type_of(labels[0][0])
    loss = LOSSES[label_type.loss].loss
    targets = torch.tensor(np.stack([label_type.target(b, a.sample_ids) for a, b in labels]))
    inputs = torch.tensor(texts.features[asked])
    weights = torch.zeros(inputs.shape[2], dtype=torch.float64, requires_grad=True)
    found = []
    for penalty in sorted(PENALTIES, reverse=True):
        optimizer = torch.optim.LBFGS([weights], max_iter=40, line_search_fn="strong_wolfe")

        def closure(penalty: float = penalty, optimizer: torch.optim.LBFGS = optimizer) -> float:
            optimizer.zero_grad()
            total = loss(inputs @ weights, targets, denominator=1)
            total = total + 0.5 * penalty * weights.square().sum()
            total.backward()  # type: ignore[no-untyped-call]
            return float(total.detach())

        optimizer.step(closure)  # type: ignore[no-untyped-call]
        found.append(weights.detach().numpy().copy())
    return found


def pairs_right(weights: Values, rows: Rows, texts: Texts) -> float:
    """Return the share of pairs of `rows` that the weights order as the known preference."""
    learned, truth = texts.features[rows] @ weights, texts.scores[rows]
    a, b = np.random.default_rng(0).integers(len(rows), size=(2, N_PAIRS))
    right = ((learned[a] - learned[b]) * (truth[a] - truth[b]))[a != b]
    return float((right > 0).mean() + 0.5 * (right == 0).mean())


def rows_of(scene: str, by_minutes: dict[int, dict[str, list[float]]]) -> str:
    """Return the rows of one scene."""
    rows = []
    for minutes, arms in by_minutes.items():
        gains = 100 * (np.array(arms["ranking"]) - np.array(arms["best_of_k"]))
        gain = clustered_mean(gains, range(len(gains)))
        shares = [f"{100 * np.mean(arms[arm]):.1f} %" for arm in ("best_of_k", "ranking")]
        interval = f"{gain.interval.low:+.1f} to {gain.interval.high:+.1f}"
        rows.append(
            f"| {scene} | {minutes} | {shares[0]} | {shares[1]} | {gain.value:+.1f} | {interval} |"
        )
    return "\n".join(rows)


def table(found: dict[str, dict[int, dict[str, list[float]]]]) -> str:
    """Return all rows, with what they are."""
    head = (
        "| Assumption | Minutes | best of four | ranking | points more | 95 % interval |\n"
        "| --- | --- | --- | --- | --- | --- |\n"
    )
    rows = "\n".join(rows_of(scene, by_minutes) for scene, by_minutes in found.items())
    return (
        f"{head}{rows}\n\nPairs of unseen sentences ordered rightly; {len(SEEDS)} seeds, the "
        "interval is Student's over seeds, paired. `python bench/ranking_per_minute.py`\n"
    )


if __name__ == "__main__":
    main()
