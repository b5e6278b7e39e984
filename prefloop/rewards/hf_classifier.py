"""A Hugging Face sequence classifier as a scorer.

    one label:    score(x, y) = logit
    more labels:  score(x, y) = log p(label) - log(1 - p(label))

Log-odds rather than probabilities, which saturate (Ziegler et al. 2019, arXiv:1909.08593, section
3.1.1). Any folder or hub name that `AutoModelForSequenceClassification` opens will do.
"""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import field_validator

from prefloop.errors import InputError
from prefloop.models.classifier import SequenceClassifier
from prefloop.models.sources import resolve
from prefloop.registry import guess
from prefloop.rewards.scorer import model_hash, model_sources
from prefloop.scorers.endpoint.template import check_template, fill
from prefloop.scorers.scorer import Scores
from prefloop.settings.section import Count, Section


class HFClassifierConfig(Section):
    """A sequence classifier of the Hugging Face kind."""

    operational: ClassVar[frozenset[str]] = frozenset({"batch_size"})

    folder: str
    """Folder of the model and its tokenizer, or a hub name. It is what the scores rest on."""

    label: str | int | None = None
    """The label whose log-odds are the score, by name or number; `null` for models with one
    label."""

    template: str = "{prompt}{response}"
    """The text that is classified."""

    batch_size: Count = 32
    """Texts scored at once; changes memory and speed, never the result."""

    @field_validator("template")
    @classmethod
    def _has_its_fields(cls, value: str) -> str:
        return check_template(value, required=("response",), optional=("prompt",))


class HFClassifierScorer:
    """Prefers what a classifier takes for the chosen label."""

    name: ClassVar[str] = "hf_classifier"
    description: ClassVar[str] = "a text classifier"
    Settings = HFClassifierConfig

    def __init__(self, settings: HFClassifierConfig) -> None:
        folder = resolve(settings.folder)
        self._template = settings.template
        self._classifier = SequenceClassifier(folder, batch_size=settings.batch_size)
        self._label = label_index(settings.label, self._classifier.labels, settings.folder)
        self.content_hash = model_hash(folder)

    @staticmethod
    def sources(settings: HFClassifierConfig) -> frozenset[str]:
        """Return the classifier's folder or hub name, and what it learned from in a run."""
        return model_sources(settings.folder)

    def score(self, prompts: Sequence[str], responses: Sequence[str]) -> Scores:
        """Return the logit, or the label's log-odds, of each text."""
        texts = [
            fill(self._template, {"prompt": prompt, "response": response})
            for prompt, response in zip(prompts, responses, strict=True)
        ]
        if not texts:
            return np.zeros(0)
        logits = self._classifier.logits(self._classifier.encode(texts))
        if len(self._classifier.labels) == 1 or self._classifier.is_multi_label:
            return logits[:, self._label]
        return log_odds(logits, self._label)


def log_odds(logits: NDArray[np.float64], label: int) -> Scores:
    """Return log p(label) - log(1 - p(label)) of each row, p = softmax(logits).

    >>> log_odds(np.array([[0.0, 2.0]]), 1).tolist()
    [2.0]
    """
    others = np.delete(logits, label, axis=1)
    return np.asarray(logits[:, label] - np.logaddexp.reduce(others, axis=1))


def label_index(label: str | int | None, labels: Sequence[str], folder: str) -> int:
    """Return the number of a label; InputError if it is not known, or not given."""
    if label is None:
        if len(labels) == 1:
            return 0
        raise InputError(
            f"the classifier {folder} has {len(labels)} labels ({', '.join(labels)}); say in "
            "label which of them is good."
        )
    if label in labels:
        return labels.index(str(label))
    if isinstance(label, int) and 0 <= label < len(labels):
        return label
    raise InputError(f"the classifier {folder} has no label {label!r}{guess(str(label), labels)}")
