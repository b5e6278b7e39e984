"""A trained reward model as a scorer: one that a run saved, or the one that a run is training.

    score(x, y) = logit(x + y) + reward_shift

The query, with BOS if the saved tokenizer puts one first, and the response are encoded apart, as in
training. A text is encoded again, which can give other tokens than the policy drew (silent bug S5);
where the drawn ids are at hand, `RewardModel.score` reads them.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from prefloop.access import is_there
from prefloop.choices import labeler_sources
from prefloop.errors import InputError
from prefloop.models.classifier import SequenceClassifier
from prefloop.models.loading import load_tokenizer
from prefloop.models.pretrained import context_of
from prefloop.models.query_encoder import QueryEncoder, described_encoder
from prefloop.models.runtime import to_numpy
from prefloop.models.sources import resolve
from prefloop.rewards.model import RewardModel
from prefloop.run_file import load_sections, recorded_run
from prefloop.run_folder import read_provenance
from prefloop.run_paths import expanded
from prefloop.scorers.fingerprint import files_hash
from prefloop.scorers.scorer import Scores
from prefloop.settings.section import Count, Section

MODEL_FILES = (".safetensors", ".json", ".txt", ".model", ".jinja")


class RewardModelConfig(Section):
    """A reward model that a run of prefloop saved."""

    operational: ClassVar[frozenset[str]] = frozenset({"batch_size"})

    folder: str
    """Its folder, such as `my-run/rewards/round-0`."""

    batch_size: Count = 32
    """Texts scored at once; changes memory and speed, never the result."""


class RewardModelScorer:
    """Prefers what a saved reward model learned to prefer."""

    name: ClassVar[str] = "reward_model"
    description: ClassVar[str] = "a trained reward model"
    Settings = RewardModelConfig

    def __init__(self, settings: RewardModelConfig) -> None:
        folder = resolve(settings.folder)
        self._classifier = SequenceClassifier(folder, batch_size=settings.batch_size)
        if len(self._classifier.labels) != 1 or self._classifier.reward_shift is None:
            raise InputError(
                f"{settings.folder} is no reward model of prefloop: its config.json has no "
                "reward_shift. Use kind: hf_classifier for another model."
            )
        self._shift = self._classifier.reward_shift
        self._queries = described_encoder(load_tokenizer(folder), self._classifier.reward_input)
        self.content_hash = model_hash(folder)

    @staticmethod
    def sources(settings: RewardModelConfig) -> frozenset[str]:
        """Return those of its folder; see `model_sources`."""
        return model_sources(settings.folder)

    def fits(self, prompt: str, response: str) -> bool:
        """Return whether a text is short enough for the model to be scored."""
        n_tokens, context = (
            len(self._queries.reward_text(prompt, response)),
            self._classifier.context,
        )
        return bool(n_tokens <= context)

    def score(self, prompts: Sequence[str], responses: Sequence[str]) -> Scores:
        """Return the score of each response, shift included."""
        pairs = zip(prompts, responses, strict=True)
        sequences = [self._queries.reward_text(prompt, response) for prompt, response in pairs]
        return self._classifier.logits(sequences)[:, 0] + self._shift


class RunningRewardModelScorer:
    """Prefers what the reward model in memory learned to prefer: no second copy of its base."""

    name: ClassVar[str] = RewardModelScorer.name
    description: ClassVar[str] = RewardModelScorer.description

    def __init__(self, model: RewardModel, queries: QueryEncoder, folder: Path) -> None:
        """`folder` is where the model was saved as it is now."""
        self._model = model
        self._queries = queries
        self._context = context_of(model.role_model.causal.config)
        self.sources = model_sources(str(folder))
        self.content_hash = model_hash(folder)

    def fits(self, prompt: str, response: str) -> bool:
        """Return whether a text is short enough for the model to be scored."""
        return len(self._queries.reward_text(prompt, response)) <= self._context

    def score(self, prompts: Sequence[str], responses: Sequence[str]) -> Scores:
        """Return the score of each response, shift included."""
        pairs = zip(prompts, responses, strict=True)
        sequences = [self._queries.reward_text(prompt, response) for prompt, response in pairs]
        return to_numpy(self._model.score(sequences)).astype(np.float64)


def model_sources(name: str) -> frozenset[str]:
    """Return what the scores of a model rest on: the model itself, and what it learned from.

    A model in the folder of a run rests on the run's labels, whoever loads it. Of a run whose
    labels people gave, its people are not known here.
    """
    folder = expanded(name)
    if not is_there(folder) or not folder.is_dir():
        return frozenset({os.path.normpath(folder)})
    folder = folder.resolve()
    made, resolved = read_provenance(folder), folder.parent.parent / "run.resolved.yaml"
    if made is not None and made.settings:
        config = recorded_run(made.settings, str(folder))
    elif resolved.is_file():
        config = load_sections(resolved)
    else:
        return frozenset({str(folder)})
    # Labels that were imported are known by what was said of them when the model was trained.
    learned = made.labels.sources if made is not None and made.labels is not None else ()
    own = {str(folder), labels_source(folder.parent.parent)}
    return labeler_sources(config) | own | set(learned)


def labels_source(run: Path) -> str:
    """Return the source that all labels of a run have in common, whoever gave them."""
    return f"labels:{run.resolve()}"


def model_hash(folder: Path) -> str:
    """Return a hash of a model folder's weights, configuration, tokenizer and chat template."""
    return files_hash(path for path in sorted(folder.iterdir()) if path.suffix in MODEL_FILES)
