"""The whole path, once per round. Read this file first."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from prefloop.comparisons.gather import gather_labels, make_comparisons
from prefloop.comparisons.tastes.registry import build_taste
from prefloop.config import RunConfig
from prefloop.evaluation.evaluate import evaluate_round
from prefloop.functional.schedules import label_budget
from prefloop.metrics import MetricsLog
from prefloop.models.family import Family
from prefloop.models.heads import ValueHead
from prefloop.models.loading import TextCoder, context_length, load_causal, load_tokenizer
from prefloop.models.sources import resolve
from prefloop.policy.stage import PolicyStage
from prefloop.policy.trainer import PPOTrainer
from prefloop.policy.warm_start import lessons_of, warm_start
from prefloop.progress import Progress
from prefloop.prompts.loading import load_prompts, training_texts
from prefloop.records import REFERENCE, Comparison, Prompt, Sample
from prefloop.report.build import build_report
from prefloop.report.cards import write_cards
from prefloop.rewards.model import RewardModel
from prefloop.rewards.stage import RewardStage
from prefloop.samples.draw import SampleDrawer
from prefloop.samples.responder import Responder
from prefloop.seeding import numpy_stream
from prefloop.store.store import Store

STAGES = ("prompts", "samples", "comparisons", "rewards", "policy", "evaluation")
"""What `until` may name, in order."""


def run(config: RunConfig, folder: Path, progress: Progress, *, until: str | None = None) -> Path:
    """Run every stage in order, going on where an earlier run stopped; return the report's path.

    `until` is the last stage to run; it stops in the first round that is not finished.
    """
    if config.models.threads:
        torch.set_num_threads(config.models.threads)
    with Store.open(config.store or folder / "prefloop.db") as store:
        loop = prepare(config, folder, store, progress)
        loop.policy.restore()
        for round_number in range(config.rounds):
            if not loop.is_done(round_number, until):
                loop.turn(round_number, until)
                if until is not None:
                    break
        settings = config.model_dump()
        write_cards(folder, task=config.task, settings=settings)
        return build_report(
            folder, store, config=config.report, task=config.task, settings=settings
        )


@dataclass(frozen=True, kw_only=True)
class Loop:
    """The stages of one run, put together; one verb per stage."""

    config: RunConfig
    folder: Path
    store: Store
    progress: Progress
    prompts: dict[str, Prompt]
    drawer: SampleDrawer
    rewards: RewardStage
    policy: PolicyStage
    metrics: MetricsLog

    def turn(self, round_number: int, until: str | None = None) -> None:
        """Take one turn of the loop, up to and including the stage `until`."""
        last = len(STAGES) if until is None else STAGES.index(until)
        if last >= STAGES.index("samples"):
            self.ask(round_number, is_answered=last >= STAGES.index("comparisons"))
        if last >= STAGES.index("rewards"):
            self.learn(round_number)
        if last >= STAGES.index("policy"):
            self.improve(round_number)
        if last >= STAGES.index("evaluation") and self.wants_judging(round_number, until):
            self.evaluate(round_number)

    def is_done(self, round_number: int, until: str | None = None) -> bool:
        """Whether an earlier run finished the round, evaluation included.

        Folders alone do not say so: after a damaged checkpoint the policy may be back in a round
        whose folder is there, and must not go on under a later round's reward model.
        """
        if self.policy.trainer.update < self.end_of(round_number):
            return False
        policy = self.folder / "policy" / f"round-{round_number}"
        judged = self.folder / "evaluation" / f"round-{round_number}.json"
        wants_judging = self.wants_judging(round_number, until)
        return policy.exists() and (judged.exists() or not wants_judging)

    def wants_judging(self, round_number: int, until: str | None = None) -> bool:
        """Whether the round's policy is to be judged; only the newest policy is in memory."""
        if round_number == self.config.rounds - 1:
            return True
        is_in_memory = self.policy.trainer.update <= self.end_of(round_number)
        is_wanted = until == "evaluation" or self.config.evaluation.every_round
        return is_wanted and is_in_memory

    def end_of(self, round_number: int) -> int:
        """Return the PPO update, counted over the run, with which a round ends."""
        return (round_number + 1) * self.config.policy.updates // self.config.rounds

    def ask(self, round_number: int, *, is_answered: bool = True) -> None:
        """Sample from the current policy and gather the labels that this round should have.

        Once the round's reward model is there the policy has moved on, and nothing more is asked.
        """
        is_learned = (self.folder / "rewards" / f"round-{round_number}").exists()
        if self.config.comparisons.labelers == "none" or is_learned:
            return
        wanted = self.labels_due(round_number) - self.labels_due(round_number - 1)
        validation = self.config.comparisons.validation_labels
        for split, n_labels in (("train", wanted), ("validation", validation)):
            questions = self._questions(round_number, split, n_labels)
            if is_answered:
                self._gather(split, questions)

    def learn(self, round_number: int) -> None:
        """Train the reward model anew on all labels so far."""
        self.rewards.train(round_number, self._reference_samples(), self.metrics)

    def improve(self, round_number: int) -> None:
        """Go on with PPO against this round's reward model."""
        self.policy.improve(round_number, self.end_of(round_number), self._of_split("train"))

    def evaluate(self, round_number: int) -> None:
        """Let a held-out judge compare policy and reference on prompts that nothing trained on."""
        held_out = self._shuffled("held_out", "evaluation prompts")
        evaluation = self.config.evaluation
        taste = self.config.comparisons.synthetic.taste
        chosen = held_out[: evaluation.prompts]
        model = f"policy/round-{round_number}"
        draw = self.drawer.draw
        draw(chosen, model=REFERENCE, round=0, purpose="evaluation", per_prompt=1)
        draw(chosen, model=model, round=round_number, purpose="evaluation", per_prompt=1)
        if evaluation.frontier_prompts:
            several = held_out[: evaluation.frontier_prompts]
            n = evaluation.frontier_samples
            draw(several, model=REFERENCE, round=0, purpose="frontier", per_prompt=n)
        evaluate_round(
            self.store,
            config=evaluation,
            task=self.config.task,
            round=round_number,
            policy_model=model,
            taste=build_taste(taste),
            folder=self.folder,
        )

    def labels_due(self, round_number: int) -> int:
        """Return how many training labels there should be once this round has asked."""
        if round_number < 0:
            return 0
        comparisons = self.config.comparisons
        share = round_number / max(1, self.config.rounds - 1)
        initial = comparisons.initial_labels or max(
            comparisons.labels // self.config.rounds, comparisons.labels // 4
        )
        if self.config.rounds == 1:
            return comparisons.labels
        return label_budget(min(initial, comparisons.labels), comparisons.labels, share)

    def _questions(self, round_number: int, split: str, n_labels: int) -> list[Comparison]:
        """Draw samples until there are enough questions for the labels, and store them.

        Prompts are taken in a fixed shuffled order, each asked about at most once per run, so no
        label repeats a question and a resumed run asks the same ones.
        """
        comparisons = self.config.comparisons.for_split(split)
        n_questions = -(-n_labels // comparisons.overlap)
        order = self._shuffled(split, f"label prompts {split}")
        asked = {c.prompt_id for r in range(round_number) for c in self.store.comparisons(round=r)}
        fresh = [p for p in order if p.id not in asked]
        model = REFERENCE if round_number == 0 else f"policy/round-{round_number - 1}"
        questions: list[Comparison] = []
        taken = 0
        while len(questions) < n_questions and taken < len(fresh):
            chunk = fresh[taken : taken + n_questions - len(questions)]
            samples = self.drawer.draw(
                chunk,
                model=model,
                round=round_number,
                purpose="labels",
                per_prompt=self.config.samples.per_prompt,
            )
            questions += make_comparisons(
                samples,
                self.prompts,
                round=round_number,
                per_prompt=self.config.samples.per_prompt,
            )
            taken += len(chunk)
        if len(questions) < n_questions:
            self.progress.say(
                f"Only {len(questions)} of {n_questions} {split} questions could be asked: the "
                "prompts are used up. Add prompts or ask for fewer labels."
            )
        self.store.add_comparisons(questions)
        return questions

    def _gather(self, split: str, questions: list[Comparison]) -> None:
        """Have questions answered that are not answered yet."""
        gather_labels(
            self.config.comparisons.for_split(split),
            questions,
            self.store,
            seed=self.config.seed,
            task=self.config.task,
            rounds=self.config.rounds,
            progress=lambda done, total: self.progress.count(f"{split} labels", done, total),
        )

    def _reference_samples(self) -> list[Sample]:
        """Return the samples that normalize the reward model: the reference's, cut like all others.

        Those that were drawn for the first labels serve again; more are drawn if they are too few.
        """
        wanted = self.config.rewards.normalize_samples
        there = self.store.samples(model=REFERENCE, round=0, purpose="labels")
        # Imported labels may bring prompts that this run does not ask about.
        ids = {p.id for p in self._of_split("train")}
        train = [s for s in there if s.prompt_id in ids][:wanted]
        if len(train) == wanted:
            return train
        more = self._shuffled("train", "normalization prompts")[: wanted - len(train)]
        return train + self.drawer.draw(
            more, model=REFERENCE, round=0, purpose="normalization", per_prompt=1
        )

    def _of_split(self, split: str) -> list[Prompt]:
        return [p for p in self.prompts.values() if p.split == split]

    def _shuffled(self, split: str, stream: str) -> list[Prompt]:
        prompts = self._of_split(split)
        order = numpy_stream(self.config.seed, stream).permutation(len(prompts))
        return [prompts[int(i)] for i in order]


def prepare(config: RunConfig, folder: Path, store: Store, progress: Progress) -> Loop:
    """Load model and prompts and put the stages together."""
    base = resolve(config.models.name, say=progress.say)
    coder = load_tokenizer(base)
    prompts = load_prompts(config.prompts, config.task, coder, context=context_length(base))
    store.add_prompts(prompts)
    causal = load_causal(_start_of(config, base, prompts, folder, progress), coder)
    family = Family(causal, config.models, seed=config.seed)
    responder = _responder(config, coder, causal)
    reward_model = RewardModel(family, pad_id=coder.pad_id, seed=config.seed)
    trainer = PPOTrainer(
        family,
        ValueHead(family.policy.width),
        reward_model,
        responder,
        config.policy,
        seed=config.seed,
    )
    metrics = MetricsLog(folder / "metrics.jsonl")
    return Loop(
        config=config,
        folder=folder,
        store=store,
        progress=progress,
        prompts={p.id: p for p in prompts},
        drawer=SampleDrawer(responder, family, store, seed=config.seed, progress=progress),
        rewards=RewardStage(
            reward_model,
            responder,
            config.rewards,
            store,
            seed=config.seed,
            run=folder,
            progress=progress,
        ),
        policy=PolicyStage(trainer, metrics, run=folder, progress=progress),
        metrics=metrics,
    )


def _start_of(
    config: RunConfig, base: Path, prompts: list[Prompt], folder: Path, progress: Progress
) -> Path:
    """Return the model that policy and reference begin as: the base, or the warm-started base."""
    settings = config.policy.warm_start
    if settings.epochs == 0:
        return base
    train = [p for p in prompts if p.split == "train"]
    lessons = lessons_of(train, config.task, base, training_texts(config.prompts))
    place = folder / "warm_start"
    return warm_start(
        base, settings, config.models, lessons, folder=place, seed=config.seed, progress=progress
    )


def _responder(config: RunConfig, coder: TextCoder, causal: Any) -> Responder:
    vocabulary = causal.get_output_embeddings().weight.shape[0]
    return Responder(coder, config.task, config.samples, vocabulary=vocabulary)
