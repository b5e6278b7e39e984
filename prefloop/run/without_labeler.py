"""What the reward model would be without one labeler: trained again, compared, thrown away.

Everything is as it was when the saved model was trained (settings, seed, order, reference samples),
but for the labels that are left out; on all labels the same model comes out. Fewer labels change a
model whoever gave them, so as a yardstick as many labels of others, drawn by lot, are left out too.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from prefloop.audits.best_of import unseen_groups
from prefloop.audits.rewards import saved_trust
from prefloop.comparisons.targets import Target, preference_targets
from prefloop.errors import InputError
from prefloop.evaluation.estimates import mean_figure, share_figure
from prefloop.figures.without_labeler import OtherModelFigures, WithoutLabelerFigures
from prefloop.label_types.answers import PREFERENCES
from prefloop.metrics import MetricsLog
from prefloop.models.pretrained import context_of
from prefloop.models.runtime import to_numpy
from prefloop.progress import Progress
from prefloop.records import REFERENCE, Label, Prompt, Sample
from prefloop.rewards.dataset import padded
from prefloop.rewards.model import RewardModel
from prefloop.rewards.stage import RewardStage
from prefloop.rewards.trust import vote_credit
from prefloop.run.initial_models import InitialModels, load_initial_models
from prefloop.run.training import drawn_for_labels
from prefloop.run_folder import settings_of
from prefloop.run_store import open_run_store
from prefloop.seeding import numpy_stream
from prefloop.settings.run import RunConfig
from prefloop.store.store import Store

GROUP = 4
"""Samples of which one is kept."""

_Choices = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """What reward models are compared on: validation questions of others, and stored groups."""

    targets: Sequence[Target]
    groups: Sequence[Sequence[Sample]]
    prompts: Mapping[str, Prompt]
    samples: Mapping[str, Sample]

    @property
    def question_prompts(self) -> list[str]:
        return [target.comparison.prompt_id for target in self.targets]

    @property
    def group_prompts(self) -> list[str]:
        return [group[0].prompt_id for group in self.groups]


@dataclass(frozen=True, kw_only=True)
class _Answers:
    """What one reward model says to them."""

    credit: NDArray[np.float64]
    """Share of the votes that its first choice got, one for each question."""
    choices: _Choices
    picks: _Choices


def reward_without(
    config: RunConfig,
    folder: Path,
    labeler: str,
    *,
    round_number: int | None,
    progress: Progress,
) -> WithoutLabelerFigures:
    """Return what would change; the run folder and its store are only read.

    InputError for a labeler whose labels taught nothing, and where nothing would be left.
    """
    trust = saved_trust(folder, round_number)
    made = settings_of([trust.provenance], config)
    record = trust.provenance.labels if trust.provenance else None
    with open_run_store(config, folder, read_only=True) as store:
        as_of = record.ledger_events if record else store.ledger_head().n_events
        train = _taught(store, as_of)
        own = _labels_of(labeler, train)
        others = [label.id for label in train if label.labeler != labeler]
        models = load_initial_models(made, folder, progress.say)
        asked = _asked(store, as_of, labeler, models, made)
        trainer = _Retrainer(made, folder, store, models, trust.round, as_of, progress)
        saved = trainer.answers(asked, folder, frozenset())
        without = trainer.answers(asked, None, frozenset(own))
        yardstick = None
        if len(others) > len(own):
            drawn = _drawn(others, len(own), made.seed, labeler)
            yardstick = _compared(asked, saved, trainer.answers(asked, None, drawn))
    return WithoutLabelerFigures(
        labeler=labeler,
        round=trust.round,
        left_out=len(own),
        left=len(others),
        questions=len(asked.targets),
        group_size=len(asked.groups[0]) if asked.groups else GROUP,
        saved_accuracy=share_figure(saved.credit.tolist(), asked.question_prompts),
        without=_compared(asked, saved, without),
        yardstick=yardstick,
    )


def _taught(store: Store, as_of: int) -> list[Label]:
    """Return the labels that taught the saved model."""
    stored = store.labels(split="train", as_of=as_of, for_training=True)
    return [label for label in stored if label.answer in PREFERENCES]


def _labels_of(labeler: str, train: Sequence[Label]) -> list[str]:
    """Return the ids of a labeler's training labels; InputError for none, and for all."""
    counts = Counter(label.labeler for label in train)
    if labeler not in counts:
        known = ", ".join(f"{name} ({n})" for name, n in counts.most_common())
        raise InputError(
            f"no label of {labeler!r} taught this reward model; labels of these did: "
            f"{known or 'nobody'}."
        )
    if len(counts) == 1:
        raise InputError(
            f"{labeler!r} is the only labeler of this reward model: without them no label is left. "
            "Let somebody else label too, or import labels."
        )
    return [label.id for label in train if label.labeler == labeler]


def _drawn(ids: Sequence[str], n: int, seed: int, labeler: str) -> frozenset[str]:
    order = numpy_stream(seed, "without", labeler).permutation(len(ids))
    return frozenset(ids[int(i)] for i in order[:n])


def _asked(
    store: Store, as_of: int, labeler: str, models: InitialModels, config: RunConfig
) -> _Asked:
    prompts = {prompt.id: prompt for prompt in store.prompts()}
    comparisons = store.comparisons(split="validation")
    labels = store.labels(split="validation", as_of=as_of, for_training=True)
    others = [label for label in labels if label.labeler != labeler]
    targets = preference_targets(comparisons, others, config.rewards.strength)
    samples = store.samples_by_id([i for t in targets for i in t.comparison.sample_ids])
    limit = context_of(models.roles.reference.causal.config)

    def fits(shown: Sequence[Sample]) -> bool:
        lengths = (len(models.sampler.sample_ids(prompts[s.prompt_id].text, s)) for s in shown)
        return max(lengths) <= limit

    groups = [part for group in unseen_groups(store, prompts) for part in _parts(group)]
    return _Asked(
        targets=[t for t in targets if fits([samples[i] for i in t.comparison.sample_ids])],
        groups=[group for group in groups if fits(group)],
        prompts=prompts,
        samples=samples,
    )


def _reference_samples(store: Store, config: RunConfig) -> list[Sample]:
    """Return the samples that normalized the saved model: `run/training.py` drew or chose them."""
    first = drawn_for_labels(store, store.prompts("train"))
    more = store.samples(model=REFERENCE, round=0, purpose="normalization")
    return [*first, *more][: config.rewards.normalize_samples]


def _parts(group: Sequence[Sample]) -> list[Sequence[Sample]]:
    """Return a prompt's samples in fours; fewer than four are one group."""
    size = min(GROUP, len(group))
    return [group[i : i + size] for i in range(0, len(group) - size + 1, size)]


class _Retrainer:
    """Trains the reward model of one round, again and again, in a place that is thrown away."""

    def __init__(
        self,
        config: RunConfig,
        folder: Path,
        store: Store,
        models: InitialModels,
        round_number: int,
        as_of: int,
        progress: Progress,
    ) -> None:
        self._stored = (config, store)
        self._round = round_number
        self._as_of = as_of
        self._progress = progress
        self._sampler = models.sampler
        self._model = RewardModel(
            models.roles,
            pad_id=models.tokenizer.pad_id,
            seed=config.seed,
            members=config.rewards.ensemble,
        )
        self._reference = _reference_samples(store, config)

    def answers(self, asked: _Asked, saved_in: Path | None, leave_out: Collection[str]) -> _Answers:
        """Return what the model says that lies in `saved_in`, or that is trained without labels."""
        config, store = self._stored
        with TemporaryDirectory(prefix="prefloop-") as place:
            run = saved_in or Path(place)
            stage = RewardStage(
                self._model, self._sampler, config, store, run=run, progress=self._progress
            )
            metrics = MetricsLog(Path(place) / "metrics.jsonl")
            stage.train(
                self._round, self._reference, metrics, as_of=self._as_of, leave_out=leave_out
            )
        return self._scored(asked)

    def _scored(self, asked: _Asked) -> _Answers:
        questions = [[asked.samples[i] for i in t.comparison.sample_ids] for t in asked.targets]
        scores = self._scores(questions, asked.prompts)
        credit, choices = np.zeros(0), np.zeros(0, dtype=np.int64)
        if questions:
            votes = padded([target.probabilities for target in asked.targets])
            credit, choices = vote_credit(scores, votes), scores.argmax(axis=1)
        groups = self._scores(asked.groups, asked.prompts)
        picks = groups.argmax(axis=1) if len(groups) else np.zeros(0, dtype=np.int64)
        return _Answers(credit=credit, choices=choices, picks=picks)

    def _scores(
        self, groups: Sequence[Sequence[Sample]], prompts: Mapping[str, Prompt]
    ) -> NDArray[np.float64]:
        """Return the scores of each group, -inf where it has fewer samples than others."""
        widest = max(map(len, groups), default=0)
        found = np.full((len(groups), widest), -np.inf)
        exists = np.arange(widest) < np.array([len(group) for group in groups])[:, None]
        flat = [
            self._sampler.sample_ids(prompts[s.prompt_id].text, s)
            for group in groups
            for s in group
        ]
        if flat:
            found[exists] = to_numpy(self._model.score(flat))
        return found


def _compared(asked: _Asked, saved: _Answers, other: _Answers) -> OtherModelFigures:
    """Return a model beside the saved one; intervals are clustered by prompt."""
    difference = (other.credit - saved.credit).tolist()
    same = (other.choices == saved.choices).astype(float).tolist()
    moved = (other.picks != saved.picks).astype(float).tolist()
    return OtherModelFigures(
        accuracy=share_figure(other.credit.tolist(), asked.question_prompts),
        difference=mean_figure(difference, asked.question_prompts),
        same_choice=share_figure(same, asked.question_prompts),
        other_pick=share_figure(moved, asked.group_prompts),
    )
