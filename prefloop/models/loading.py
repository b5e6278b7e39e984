"""Load a language model and its tokenizer from a folder, under this package's conventions."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, PreTrainedModel
from transformers.activations import NewGELUActivation
from transformers.utils import logging as transformers_logging

from prefloop.errors import InputError
from prefloop.models.runtime import Runtime

PAD_TOKEN = "<|prefloop_pad|>"


@dataclass(frozen=True)
class Tokenizer:
    """A tokenizer reduced to what the stages need: text to ids and back, never special tokens."""

    hf_tokenizer: Any

    def encode(self, text: str) -> list[int]:
        """Return the ids of `text`, without beginning or end markers."""
        return cast(list[int], self.hf_tokenizer(text, add_special_tokens=False)["input_ids"])

    def decode(self, ids: list[int] | tuple[int, ...]) -> str:
        """Return the text of `ids` exactly: no cleaning up of spaces, special tokens left out."""
        text = self.hf_tokenizer.decode(
            list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return cast(str, text)

    @property
    def pad_id(self) -> int:
        """The padding id; it is never sampled."""
        return cast(int, self.hf_tokenizer.pad_token_id)

    @property
    def special_ids(self) -> tuple[int, ...]:
        """Ids of all special tokens, padding among them."""
        return tuple(sorted(self.hf_tokenizer.all_special_ids))

    def single_token(self, text: str) -> int:
        """Return the id of `text`, which must be one token (a stop rule compares single tokens)."""
        ids = self.encode(text)
        if len(ids) != 1:
            raise InputError(
                f"task.stop {text!r} is {len(ids)} tokens in this model's vocabulary; "
                "choose a text that is exactly one token, such as '.'."
            )
        return ids[0]


def load_tokenizer(folder: Path) -> Tokenizer:
    """Load the tokenizer and make sure that padding is a token of its own.

    With padding equal to end-of-text a real end-of-text would be masked as padding, and a reward
    model would be read at the wrong token (silent bug S3).
    """
    tokenizer = AutoTokenizer.from_pretrained(folder)
    if tokenizer.pad_token_id is None or tokenizer.pad_token_id == tokenizer.eos_token_id:
        tokenizer.add_special_tokens({"pad_token": PAD_TOKEN})
    return Tokenizer(tokenizer)


def load_causal(folder: Path, tokenizer: Tokenizer, runtime: Runtime) -> PreTrainedModel:
    """Load the causal language model, with room for the pad token.

    It stays in eval mode, so dropout is off; its configuration is kept as it is.
    """
    transformers_logging.disable_progress_bar()
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=runtime.dtype, use_safetensors=True)
    n_rows = model.get_input_embeddings().weight.shape[0]
    if len(tokenizer.hf_tokenizer) > n_rows:
        model.resize_token_embeddings(len(tokenizer.hf_tokenizer), mean_resizing=False)
        _average_new_rows(model, n_rows)
    model.config.pad_token_id = tokenizer.pad_id
    _fuse_gelu(model)
    model.eval()
    return cast(PreTrainedModel, model.to(runtime.device))


def _average_new_rows(model: PreTrainedModel, n_known: int) -> None:
    """Make the added tokens' rows the mean of the known ones.

    An added token's logit is then the mean logit, so its probability never exceeds 1/V (Jensen).
    The random rows that transformers leaves differ in every process, and beside GPT-2's logits of
    about -100 a logit near 0 makes the exported policy generate nothing but padding.
    """
    with torch.no_grad():
        for layer in (model.get_input_embeddings(), model.get_output_embeddings()):
            layer.weight[n_known:] = layer.weight[:n_known].mean(dim=0)


def _fuse_gelu(model: nn.Module) -> None:
    """Replace the eight operations of transformers' GELU for GPT-2 by torch's single one.

    The same function to 5e-7, three times as fast on a CPU, and one tensor kept for the backward
    pass instead of several. The configuration still names `gelu_new`.
    """
    for module in model.modules():
        for name, child in module.named_children():
            if isinstance(child, NewGELUActivation):
                setattr(module, name, nn.GELU(approximate="tanh"))


def context_length(folder: Path) -> int:
    """Return how many tokens the model in `folder` can read."""
    return int(AutoConfig.from_pretrained(folder).get_text_config().max_position_embeddings)


def backbone(model: PreTrainedModel) -> nn.Module:
    """Return the model without its language-model head."""
    return cast(nn.Module, getattr(model, model.base_model_prefix))
