"""A run folder as a real run leaves it, made in seconds: only the texts come from word lists.

Store, evaluation, trust figures and metrics are written by the code that a run uses.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from prefloop.evaluation.evaluate import evaluate_models
from prefloop.evaluation.judges.build import build_judge
from prefloop.figures.record import to_json
from prefloop.figures.trust import TrustFigures
from prefloop.files import append_json_line
from prefloop.records import REFERENCE, Comparison, Label, Prompt, Purpose, Sample
from prefloop.rewards.trust import validation_figures
from prefloop.run_file import parse_run
from prefloop.scorers.build import build_weighted
from prefloop.seeding import numpy_stream, stable_id
from prefloop.settings.run import RunConfig
from prefloop.store.store import Store

HOSTILE = '</script><script>alert(1)</script><img src=x onerror="alert(2)"> \u202etxt.exe'
NEUTRAL = re.findall(
    r"\w+",
    "the road ran past the old mill and down to the river where a boat lay tied to a post while "
    "someone carried baskets from the house and the clock in the hall struck four before the rain "
    "came over the hill with a sound of wheels on gravel",
)
HAPPY = (
    "happy",
    "lovely",
    "smiled",
    "joy",
    "bright",
    "laughed",
    "warm",
    "wonderful",
    "kind",
    "good",
)
SAD = (
    "cold",
    "gloomy",
    "cried",
    "lost",
    "afraid",
    "dead",
    "miserable",
    "angry",
    "terrible",
    "hurt",
)

SETTINGS: dict[str, Any] = {
    "task": {"name": "sentiment"},
    "seed": 7,
    "rounds": 2,
    "models": {"name": "smollm2", "adapter": "lora", "lora_rank": 8},
    "prompts": {"source": "builtin:fiction", "held_out_share": 0.1},
    "samples": {"per_prompt": 4},
    "comparisons": {
        "labelers": "synthetic",
        "labels": 240,
        "synthetic": {"scorers": {"sentiment": 1.0}},
    },
    "policy": {"episodes": 4096, "kl": {"control": "adaptive", "target": 6.0, "coef": 0.15}},
}


@dataclass(frozen=True)
class Writer:
    """Writes texts whose mood leans by `lean`: a stand-in for a model."""

    rng: np.random.Generator
    hostile: Sequence[str] = (HOSTILE,)
    """What the first prompts end with, and the policy repeats."""
    policy_lean: float = 0.55
    """How happy the first policy's texts are."""

    def repeats(self, prompt: Prompt) -> str | None:
        """Return the hostile text that a prompt ends with."""
        return next((text for text in self.hostile if prompt.text.endswith(f" {text}.")), None)

    def text(self, lean: float, n: int = 20) -> str:
        """Return a sentence of `n` words."""
        words: list[str] = []
        pool: Sequence[str]
        for _ in range(n):
            if self.rng.random() < 0.25:
                pool = HAPPY if self.rng.random() < 0.5 + lean / 2 else SAD
            else:
                pool = NEUTRAL
            words.append(pool[int(self.rng.integers(len(pool)))])
        return " ".join(words).capitalize() + "."


def make_run(
    folder: Path,
    *,
    rounds: int = 2,
    n_held_out: int = 120,
    judges: Sequence[str] = ("lexicon",),
    hostile: Sequence[str] = (HOSTILE,),
    policy_lean: float = 0.55,
) -> Path:
    """Return the run folder, filled through the real store and the real evaluation."""
    folder.mkdir(parents=True, exist_ok=True)
    writer = Writer(numpy_stream(7, "fake run"), hostile, policy_lean)
    with Store.open(folder / "prefloop.db") as store:
        held_out, train = _prompts(store, writer, n_held_out)
        for number in range(rounds):
            _labels(store, writer, train, number, folder)
            _evaluate(store, writer, held_out, number, folder, judges=judges)
    _metrics(folder, rounds)
    (folder / "run.yaml").write_text("seed: 7\n")
    return folder


def fake_config(**changes: Any) -> RunConfig:
    """Return the run's settings; sections are merged with those of `SETTINGS`."""
    raw = dict(SETTINGS)
    for name, section in changes.items():
        raw[name] = raw.get(name, {}) | section if isinstance(section, dict) else section
    return parse_run(raw, "run.yaml")


def _prompts(store: Store, writer: Writer, n: int) -> tuple[list[Prompt], list[Prompt]]:
    texts = [writer.text(0.0, 40) for _ in range(n + 60)]
    for i, text in enumerate(writer.hostile):
        texts[i] += f" {text}."
    prompts = [
        Prompt(
            id=stable_id("prompt", i),
            text=text,
            source="word lists",
            split="held_out" if i < n else ("validation" if i < n + 20 else "train"),
        )
        for i, text in enumerate(texts)
    ]
    store.add_prompts(prompts)
    return prompts[:n], prompts[n:]


def _sample(
    writer: Writer, prompt: Prompt, *, model: str, round: int, purpose: Purpose, k: int = 0
) -> Sample:
    is_policy = model != REFERENCE
    lean = writer.policy_lean + 0.15 * round if is_policy else 0.0
    text = writer.text(lean)
    if is_policy and writer.rng.random() < 0.15:
        text = " ".join(prompt.text.split()[:16]).capitalize() + "."
    if is_policy and k == 0 and (repeated := writer.repeats(prompt)) is not None:
        text = f"All was well {repeated}."
    kl = float(writer.rng.normal(5.2 + 0.8 * round, 2.0)) if is_policy else 0.0
    ref_logprob = float(writer.rng.normal(-58, 7))
    return Sample(
        id=stable_id("sample", prompt.id, model, round, purpose, k),
        prompt_id=prompt.id,
        model=model,
        round=round,
        purpose=purpose,
        text=text,
        response_ids=tuple(range(24)),
        is_ended=bool(writer.rng.random() < 0.96),
        logprob=ref_logprob + kl,
        ref_logprob=ref_logprob,
    )


def _labels(store: Store, writer: Writer, prompts: list[Prompt], round: int, folder: Path) -> None:
    """Ask two labelers per question; write the trust figures of a fair reward model."""
    scorer = build_weighted({"sentiment": 1.0}, {})
    scores, targets, lengths = [], [], []
    asked: list[Comparison] = []
    labels: list[Label] = []
    drawn = [
        _sample(writer, prompt, model=REFERENCE, round=round, purpose="labels", k=k)
        for prompt in prompts
        for k in range(4)
    ]
    liked_all = scorer.score([s.prompt_id for s in drawn], [s.text for s in drawn]).reshape(-1, 4)
    for prompt, liked, first in zip(prompts, liked_all, range(0, len(drawn), 4), strict=True):
        samples = drawn[first : first + 4]
        comparison = Comparison(
            id=stable_id("comparison", prompt.id, round),
            prompt_id=prompt.id,
            sample_ids=tuple(sample.id for sample in samples),
            round=round,
            split="validation" if prompt.split == "validation" else "train",
        )
        asked.append(comparison)
        votes = np.zeros(4)
        for j in range(2):
            best = int(np.argmax(liked + writer.rng.gumbel(0, 1.2, 4)))
            votes[best] += 0.5
            labels.append(_label(writer, comparison, best, j))
        scores.append(1.2 * liked + writer.rng.normal(0, 1.0, 4))
        targets.append(votes)
        lengths.append([float(len(sample.text)) for sample in samples])
    store.add_samples(drawn)
    store.add_comparisons(asked)
    store.add_labels(labels)
    validation = validation_figures(
        np.array(scores), np.array(targets), np.array(lengths), ceiling=0.62
    )
    figures = TrustFigures(
        labels=120 * (round + 1),
        reference_mean=0.0,
        reference_std=1.0,
        reward_shift=0.3,
        validation=validation,
    )
    path = folder / "rewards" / f"round-{round}" / "trust.json"
    path.parent.mkdir(parents=True)
    path.write_text(to_json(figures))


def _label(writer: Writer, comparison: Comparison, best: int, j: int) -> Label:
    order = writer.rng.permutation(4)
    return Label(
        id=stable_id("label", comparison.id, j),
        comparison_id=comparison.id,
        labeler=f"synthetic-{(best + j) % 3}-{j}",
        answer="best",
        chosen=comparison.sample_ids[best],
        shown=tuple(comparison.sample_ids[int(i)] for i in order),
        seconds=float(writer.rng.lognormal(2.6, 0.4)),
        instructions="1",
    )


def _evaluate(
    store: Store,
    writer: Writer,
    prompts: list[Prompt],
    round: int,
    folder: Path,
    *,
    judges: Sequence[str],
) -> None:
    policy = policy_name(round)
    samples = [_sample(writer, p, model=policy, round=round, purpose="evaluation") for p in prompts]
    if round == 0:
        samples += [
            _sample(writer, p, model=REFERENCE, round=0, purpose="evaluation") for p in prompts
        ]
        samples += [
            _sample(writer, p, model=REFERENCE, round=0, purpose="frontier", k=k)
            for p in prompts[:16]
            for k in range(48)
        ]
    store.add_samples(samples)
    config = fake_config(evaluation={"prompts": len(prompts), "judges": list(judges)})
    evaluate_models(
        store,
        models={policy: round},
        judges=[build_judge(name, config) for name in judges],
        scorer=build_weighted({"sentiment": 1.0}, {}),
        config=config,
        folder=folder,
    )


def policy_name(round: int) -> str:
    """Return the name of the policy that ended a round."""
    return f"policy/update-{32 * (round + 1)}"


def _metrics(folder: Path, rounds: int) -> None:
    rng = numpy_stream(7, "metrics")
    path = folder / "metrics.jsonl"
    for number in range(rounds):
        for step in range(8 * (number + 1)):
            append_json_line(
                path,
                {
                    "stage": "rewards",
                    "round": number,
                    "update": step,
                    "labels": 16 * (step + 1),
                    "rewards/loss": 1.386 - 0.05 * step**0.6 + float(rng.normal(0, 0.03)),
                    "rewards/accuracy": min(
                        1.0, 0.27 + 0.04 * step**0.7 + float(rng.normal(0, 0.04))
                    ),
                },
            )
        for step in range(32):
            done = (number * 32 + step) / (rounds * 32)
            append_json_line(
                path,
                {
                    "stage": "policy",
                    "round": number,
                    "update": number * 32 + step + 1,
                    "episodes": 64 * (number * 32 + step + 1),
                    "policy/score": -0.5
                    + 2.4 * (1 - np.exp(-3 * done))
                    + float(rng.normal(0, 0.06)),
                    "policy/kl": 6.3 * (1 - np.exp(-5 * done)) + float(rng.normal(0, 0.15)),
                    "policy/kl_coef": 0.15 + 0.1 * done**2 - 0.05 * done,
                    "policy/entropy": 2.25 - 0.4 * done + float(rng.normal(0, 0.02)),
                    "policy/value_loss": 0.4 * np.exp(-2 * done) + float(rng.normal(0, 0.01)) + 0.1,
                    "policy/explained_variance": 0.6 * (1 - np.exp(-3 * done))
                    + float(rng.normal(0, 0.03)),
                },
            )
