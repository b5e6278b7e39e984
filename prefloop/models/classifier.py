"""A Hugging Face sequence classifier: token ids in, logits out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from prefloop.errors import InputError
from prefloop.models.pretrained import context_of, open_model, open_tokenizer
from prefloop.models.runtime import FULL_PRECISION, to_numpy

NO_TOKEN = -1
"""A padding id that no token has."""


class SequenceClassifier:
    """A classifier from a folder, in full precision.

    Texts are worked in batches of equal length, so nothing is padded and no result depends on its
    neighbors.
    """

    def __init__(self, folder: Path, *, batch_size: int) -> None:
        self._batch_size = batch_size
        self._model = _load(folder)
        self._tokenizer = open_tokenizer(folder)
        # The end of a response says more about it than the beginning of its prompt.
        self._tokenizer.truncation_side = "left"
        config = self._model.config
        self.labels: list[str] = [config.id2label[i] for i in range(config.num_labels)]
        self.is_multi_label = config.problem_type == "multi_label_classification"
        self.reward_shift: float | None = getattr(config, "reward_shift", None)
        """What a reward model of prefloop adds to its logit; None for any other classifier."""
        self.reward_input: dict[str, Any] = getattr(config, "reward_input", {})
        """How a reward model of prefloop reads texts; empty for any other classifier."""
        self.context = min(self._tokenizer.model_max_length, _positions(self._model))
        """The longest sequence, in tokens."""

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of texts as the classifier was trained on them, special tokens included.

        A text that is too long loses its beginning.
        """
        encoded = self._tokenizer(list(texts), truncation=True, max_length=self.context)
        return cast(list[list[int]], encoded["input_ids"])

    @torch.inference_mode()
    def logits(self, sequences: Sequence[Sequence[int]]) -> NDArray[np.float64]:
        """Return one row of logits per sequence of ids; InputError if one is too long or empty."""
        for ids in sequences:
            if not 0 < len(ids) <= self.context:
                raise InputError(
                    f"a text of {len(ids)} tokens cannot be scored: the model takes 1 to "
                    f"{self.context}. Shorten the prompts or choose another scorer."
                )
        rows = np.zeros((len(sequences), len(self.labels)))
        order = sorted(range(len(sequences)), key=lambda i: len(sequences[i]))
        while order:
            width = len(sequences[order[0]])
            batch = [i for i in order[: self._batch_size] if len(sequences[i]) == width]
            order = order[len(batch) :]
            table = [list(sequences[i]) for i in batch]
            tensor = torch.tensor(table, dtype=torch.long, device=self._model.device)
            output = self._model(tensor, attention_mask=torch.ones_like(tensor))
            rows[batch] = to_numpy(output.logits)
        return rows


def _positions(model: PreTrainedModel) -> int:
    """Return how many tokens a classifier has positions for.

    Where padding has a position too (RoBERTa), those up to it are never used by a text.
    """
    unused = [
        module.padding_idx + 1
        for name, module in model.named_modules()
        if name.endswith("position_embeddings") and getattr(module, "padding_idx", None) is not None
    ]
    return context_of(model.config) - max(unused, default=0)


def _load(folder: Path) -> PreTrainedModel:
    model = open_model(
        AutoModelForSequenceClassification, folder, FULL_PRECISION, noun="sequence classifier"
    )
    if model.config.pad_token_id is None:
        # Decoders look for the last token that is not padding.
        model.config.pad_token_id = NO_TOKEN
    model.eval()
    return model
