"""The whole path, once per round. Read this file first."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from prefloop.comparisons.collect_labels import collect_labels
from prefloop.comparisons.labelers.registry import build_labelers
from prefloop.comparisons.selection.builder import ComparisonBuilder
from prefloop.evaluation.evaluate import evaluate_round, forget_evaluations
from prefloop.metrics import MetricsLog
from prefloop.models.checkpoint import read_checkpoint
from prefloop.models.heads import ValueHead
from prefloop.models.loading import context_length, load_causal, load_tokenizer
from prefloop.models.roles import ModelRoles
from prefloop.models.runtime import start_runtime
from prefloop.models.sources import resolve
from prefloop.policy.stage import PolicyStage
from prefloop.policy.trainer import PPOTrainer
from prefloop.policy.warm_start import sft_examples, warm_start
from prefloop.progress import Progress
from prefloop.prompts.loading import load_prompts, training_texts
from prefloop.records import REFERENCE, Comparison, Prompt, Sample
from prefloop.report.build import build_report
from prefloop.report.cards import write_cards
from prefloop.rewards.model import RewardModel
from prefloop.rewards.stage import RewardStage
from prefloop.run.monitor import FINISHED, Line, RolledBack
from prefloop.run.rounds import last_update, questions_in
from prefloop.run.waiting import People
from prefloop.samples.draw import SampleDrawer
from prefloop.samples.sampler import Sampler
from prefloop.scorers.build import build_scorer, build_weighted
from prefloop.seeding import numpy_stream
from prefloop.settings.comparisons import NOBODY, PEOPLE
from prefloop.settings.run import RunConfig
from prefloop.store.store import Store
from prefloop.teamwork import StopRequest

STAGES = ("prompts", "samples", "comparisons", "rewards", "policy", "evaluation")
"""What `until` may name, in order."""


def run(config: RunConfig, folder: Path, progress: Progress, *, until: str | None = None) -> Path:
    """Run every stage in order, going on where an earlier run stopped; return the report's path.

    `until` is the last stage to run; it stops in the first round that is not finished.
    """
    start_runtime(config.models)
    with Store.open(config.store or folder / "prefloop.db") as store:
        line = Line(store, progress)
        with line.alive():
            loop = prepare(config, folder, line)
            loop.begin()
            loop.go(until)
            report = loop.report()
        line.beat(FINISHED)
        line.close()
        return report


@dataclass(frozen=True, kw_only=True)
class Loop:
    """The stages of one run, put together; one verb per stage."""

    config: RunConfig
    folder: Path
    line: Line
    prompts: dict[str, Prompt]
    drawer: SampleDrawer
    asker: ComparisonBuilder
    people: People
    rewards: RewardStage
    policy: PolicyStage
    metrics: MetricsLog

    @property
    def store(self) -> Store:
        """The store, which waits while it cannot be reached."""
        return self.line.store

    def report(self) -> Path:
        """Return the path of the report, after writing it and the models' cards."""
        task, settings = self.config.task, self.config.model_dump()
        write_cards(self.folder, task=task, settings=settings)
        config = self.config.report
        return build_report(self.folder, self.store, config=config, task=task, settings=settings)

    def begin(self) -> None:
        """Go on where an earlier process stopped: at a checkpoint, a cord, or the start."""
        self.policy.restore()
        self.line.catch_up(self.metrics.lines())
        if self.config.comparisons.labelers == PEOPLE:
            # What people stop may have to go back to where it began.
            self.policy.keep()
        with suppress(RolledBack):
            self.line.hold(self.policy, self.go_back)

    def go(self, until: str | None = None) -> None:
        """Take turns until every round is finished, or one turn as far as the stage `until`."""
        rounds = range(self.config.rounds)
        while unfinished := [r for r in rounds if not self.is_done(r, until)]:
            with suppress(RolledBack):
                self.turn(unfinished[0], until)
                if until is not None:
                    break

    def go_back(self, cord: StopRequest) -> None:
        """Go on from an earlier checkpoint; what came of later ones is made anew.

        Reward models then know all that is known now: people may have left out a labeler's answers.
        """
        target = cord.roll_back_to
        assert target is not None, "a roll back names its checkpoint"
        read_checkpoint(self.policy.folder, target)
        event = self.store.add_event("run_rolled_back", {"cord": cord.id, "update": target})
        later = [r for r in range(self.config.rounds) if self.end_of(r) > target]
        self.rewards.forget(later)
        self.policy.forget(later)
        forget_evaluations(self.folder, later)
        self.policy.go_back(target, cord=cord.id, label_cutoff=event.sequence)

    def turn(self, round_number: int, until: str | None = None) -> None:
        """Take one turn of the loop, up to and including the stage `until`."""
        last = len(STAGES) if until is None else STAGES.index(until)
        self.line.round = round_number
        if last >= STAGES.index("samples"):
            self.ask(round_number, is_answered=last >= STAGES.index("comparisons"))
        if last >= STAGES.index("policy"):
            self.go_ahead(round_number)
        if last >= STAGES.index("comparisons") and self.asks_people(round_number):
            self.people.wait(round_number)
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
        return last_update(self.config, round_number)

    def is_learned(self, round_number: int) -> bool:
        """Whether the round's reward model is there; then nothing more is asked for it."""
        return (self.folder / "rewards" / f"round-{round_number}").exists()

    def asks_people(self, round_number: int) -> bool:
        """Whether the round's reward model is to learn from people, and has not yet."""
        is_learned = self.is_learned(round_number)
        return self.config.comparisons.labelers == PEOPLE and not is_learned

    def ask(self, round_number: int, *, is_answered: bool = True) -> None:
        """Sample from the current policy and ask what this round should ask.

        Synthetic labelers answer at once; people's answers are waited for later.
        """
        asks_people = self.asks_people(round_number)
        if self.config.comparisons.labelers == NOBODY or self.is_learned(round_number):
            return
        # Once PPO has gone on, the policy is another: what was asked then stands.
        is_moved = self.policy.update > self.end_of(round_number - 1)
        if asks_people and self.people.is_settled(round_number, is_moved=is_moved):
            return
        questions = []
        for asked in questions_in(self.config.comparisons, round_number, self.config.rounds):
            of_split = self._questions(round_number, asked.split, asked.questions)
            questions += [(question, asked.overlap) for question in of_split]
            if is_answered and not asks_people:
                self._gather(asked.split, of_split, asked.overlap)
        if is_answered and asks_people:
            self.people.ask(round_number, questions)

    def go_ahead(self, round_number: int) -> None:
        """Go on with PPO and the reward model there is, while people answer this round.

        A share of the updates is left for the reward model that learns from their answers.
        """
        comparisons = self.config.comparisons
        if comparisons.wait == "always" or round_number == 0 or not self.asks_people(round_number):
            return
        start, end = self.end_of(round_number - 1), self.end_of(round_number)
        limit = start + int(comparisons.people.ahead * (end - start))
        if self.policy.update >= limit or self.people.is_answered(round_number):
            return
        self.learn(round_number - 1)
        self.policy.advance(
            round_number,
            limit,
            self._of_split("train"),
            note={"reward_round": round_number - 1},
            is_over=lambda: self.people.is_answered(round_number),
        )
        self.line.note = ""

    def learn(self, round_number: int) -> None:
        """Train the reward model anew on all labels so far."""
        as_of = None
        if self.config.comparisons.labelers == PEOPLE:
            as_of = self.people.freeze(round_number, label_cutoff=self.policy.lineage.label_cutoff)
        reference = self._reference_samples()
        self.rewards.train(round_number, reference, self.metrics, as_of=as_of)

    def improve(self, round_number: int) -> None:
        """Go on with PPO against this round's reward model."""
        self.policy.improve(round_number, self.end_of(round_number), self._of_split("train"))

    def evaluate(self, round_number: int) -> None:
        """Let a held-out judge compare policy and reference on prompts that nothing trained on."""
        held_out = self._shuffled("held_out", "evaluation prompts")
        evaluation = self.config.evaluation
        scorer = self.config.comparisons.known_scorers
        chosen = held_out[: evaluation.prompts]
        model = self.policy.name_of(round_number)
        draw = self.drawer.draw
        draw(chosen, model=REFERENCE, round=0, purpose="evaluation", per_prompt=1)
        draw(chosen, model=model, round=round_number, purpose="evaluation", per_prompt=1)
        if evaluation.frontier_prompts and scorer:
            several = held_out[: evaluation.frontier_prompts]
            n = evaluation.frontier_samples
            draw(several, model=REFERENCE, round=0, purpose="frontier", per_prompt=n)
        evaluate_round(
            self.store,
            config=evaluation,
            task=self.config.task,
            round=round_number,
            policy_model=model,
            judge=build_scorer(evaluation.judges[0], self.config.scorers)
            if evaluation.judges
            else None,
            scorer=build_weighted(scorer, self.config.scorers) if scorer else None,
            folder=self.folder,
        )

    def _questions(self, round_number: int, split: str, wanted: int) -> list[Comparison]:
        """Return the round's questions of a split, made from samples of the newest policy."""
        return self.asker.questions(
            self._shuffled(split, f"label prompts {split}"),
            round=round_number,
            split=split,
            model=REFERENCE if round_number == 0 else self.policy.name_of(round_number - 1),
            wanted=wanted,
        )

    def _gather(self, split: str, questions: list[Comparison], overlap: int) -> None:
        """Have questions answered that are not answered yet."""
        collect_labels(
            build_labelers(self.config),
            questions,
            self.store,
            overlap=overlap,
            seed=self.config.seed,
            progress=lambda done, total: self.line.count(f"{split} labels", done, total),
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


def prepare(config: RunConfig, folder: Path, line: Line) -> Loop:
    """Load model and prompts and put the stages together."""
    store, seed = line.store, config.seed
    base = resolve(config.models.name, say=line.say)
    tokenizer = load_tokenizer(base)
    prompts = load_prompts(config.prompts, config.task, tokenizer, context=context_length(base))
    store.add_prompts(prompts)
    causal = load_causal(_start_of(config, base, prompts, folder, line), tokenizer)
    roles = ModelRoles(causal, config.models, seed=seed)
    vocabulary = causal.get_output_embeddings().weight.shape[0]
    sampler = Sampler(tokenizer, config.task, config.samples, vocabulary=vocabulary)
    reward_model = RewardModel(roles, pad_id=tokenizer.pad_id, seed=seed)
    value_head = ValueHead(roles.policy.width)
    trainer = PPOTrainer(roles, value_head, reward_model, sampler, config.policy, seed=seed)
    metrics = MetricsLog(folder / "metrics.jsonl", line)
    by_id = {p.id: p for p in prompts}
    drawer = SampleDrawer(sampler, roles, store, seed=seed, progress=line)
    per_prompt = config.samples.per_prompt
    ends = {last_update(config, r) for r in range(-1, config.rounds)}
    return Loop(
        config=config,
        folder=folder,
        line=line,
        prompts=by_id,
        drawer=drawer,
        asker=ComparisonBuilder(drawer, store, by_id, per_prompt=per_prompt, say=line.say),
        people=People(config.task, line),
        rewards=RewardStage(
            reward_model, sampler, config.rewards, store, seed=seed, run=folder, progress=line
        ),
        policy=PolicyStage(trainer, metrics, run=folder, progress=line, kept=ends),
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
    examples = sft_examples(train, config.task, base, training_texts(config.prompts))
    place = folder / "warm_start"
    return warm_start(
        base, settings, config.models, examples, folder=place, seed=config.seed, progress=progress
    )
