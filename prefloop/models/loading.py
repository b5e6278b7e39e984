"""Load a language model and its tokenizer from a folder, under this package's conventions."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    PreTrainedModel,
)
from transformers.activations import NewGELUActivation

from prefloop.errors import InputError
from prefloop.models.classifier_shell import CLASSIFIER
from prefloop.models.compatibility import WORKS, refuse_incompatible
from prefloop.models.language_model import read_head_in_full_precision
from prefloop.models.pretrained import (
    class_problem,
    context_of,
    open_config,
    open_model,
    open_tokenizer,
)
from prefloop.models.runtime import FULL_PRECISION, DType, Runtime
from prefloop.models.template_date import fix_date

PAD_TOKEN = "<|prefloop_pad|>"
CAUSAL = "causal language model"


ANCHOR = "a"
"""A text that something follows: the tokens after it are read as tokens inside a text."""

BESIDE = (ANCHOR, "0")
"""Characters to set on both sides of a text: with one of them it makes no longer token."""

ANCHORS = (ANCHOR, ".", "\n", "0")
"""Texts to encode another behind; with one of them its first characters share no token."""


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

    def decode_after(self, ids: Sequence[int]) -> str:
        """Return the text that `ids` add to a text before them, with the space they begin with.

        SentencePiece's decoder takes the first space of a text away, so a response that is decoded
        alone would be glued to its query.
        """
        anchor = self.encode(ANCHOR)
        return self.decode([*anchor, *ids])[len(self.decode(anchor)) :]

    def encode_after(self, text: str) -> list[int]:
        """Return the ids of a text that stands behind another one, as a response does.

        SentencePiece puts a space before every text that it encodes; behind another text it would
        be one too many.
        """
        if not self.adds_space:
            return self.encode(text)
        for anchor in ANCHORS:
            before, whole = self.encode(anchor), self.encode(anchor + text)
            if whole[: len(before)] == before:
                return whole[len(before) :]
        return self.encode(text)

    @property
    def adds_space(self) -> bool:
        """Whether every text that is encoded gets a space before it."""
        return self.decode(self.encode(ANCHOR) * 2) != ANCHOR * 2

    @property
    def beginning_ids(self) -> tuple[int, ...]:
        """Ids that the tokenizer's own template puts before a text (BOS); GPT-2's puts none."""
        plain = self.encode(ANCHOR)
        whole = cast(list[int], self.hf_tokenizer(ANCHOR)["input_ids"])
        places = range(len(whole) - len(plain) + 1)
        start = next((i for i in places if whole[i : i + len(plain)] == plain), 0)
        return tuple(whole[:start])

    @property
    def pad_id(self) -> int:
        """The padding id; it is never sampled."""
        return cast(int, self.hf_tokenizer.pad_token_id)

    @property
    def special_ids(self) -> tuple[int, ...]:
        """Ids of all tokens that decoding leaves out, padding among them.

        Besides the named ones (`all_special_ids`) these are added tokens that are marked as special
        and have no name, such as the 250 reserved ones of Llama 3.
        """
        added = self.hf_tokenizer.added_tokens_decoder
        unnamed = {i for i, token in added.items() if token.special}
        return tuple(sorted({*self.hf_tokenizer.all_special_ids, *unnamed}))

    @property
    def known_ids(self) -> frozenset[int]:
        """Ids that have a token. A vocabulary may have holes, and a model more ids than tokens."""
        return frozenset(self.hf_tokenizer.get_vocab().values())

    def own_token(self, text: str) -> int | None:
        """Return the id of a text that a byte-level vocabulary like GPT-2's has as one token.

        There such a text is that token wherever it stands, but inside longer tokens. None where it
        is another one inside a text than alone: with SentencePiece's vocabularies, and GPT-2's
        blank line, which is one token at the end of a text and two inside it.
        """
        backend = getattr(self.hf_tokenizer, "backend_tokenizer", None)
        is_byte_level = type(getattr(backend, "decoder", None)).__name__ == "ByteLevel"
        ids = self.encode(text)
        is_own = is_byte_level and len(ids) == 1 and self.decode_after(ids) == text
        is_inside = any(self.encode(f"{x}{text}{x}")[1:-1] == ids for x in BESIDE)
        return ids[0] if is_own and is_inside else None

    @property
    def end_ids(self) -> tuple[int, ...]:
        """The id of the end-of-text token (EOS); none if the tokenizer names none."""
        end = self.hf_tokenizer.eos_token_id
        return () if end is None else (end,)


def load_tokenizer(folder: Path, *, beginning_of_text: bool = True) -> Tokenizer:
    """Load the tokenizer and make sure that padding is a token of its own.

    With padding equal to end-of-text a real end-of-text would be masked as padding, and a reward
    model would be read at the wrong token (silent bug S3). The template keeps at most what it puts
    before a text, and nothing without `beginning_of_text`: a saved copy then encodes as a run does.
    For the same reason a chat template that asks for today's date is given a fixed one.
    """
    tokenizer = open_tokenizer(folder)
    if tokenizer.pad_token_id is None or tokenizer.pad_token_id == tokenizer.eos_token_id:
        _reserve_next_id(tokenizer)
        tokenizer.add_special_tokens({"pad_token": PAD_TOKEN})
    _keep_beginning(Tokenizer(tokenizer), wanted=beginning_of_text)
    fix_date(tokenizer)
    return Tokenizer(tokenizer)


def _keep_beginning(tokenizer: Tokenizer, *, wanted: bool) -> None:
    """Take out of the tokenizer's template what is not wanted before a text, and all behind it."""
    hf_tokenizer, beginning = tokenizer.hf_tokenizer, tokenizer.beginning_ids
    kept = [*beginning, *tokenizer.encode(ANCHOR)] if wanted else tokenizer.encode(ANCHOR)
    if hf_tokenizer(ANCHOR)["input_ids"] != kept:
        hf_tokenizer.add_bos_token = wanted and beginning == (hf_tokenizer.bos_token_id,)
        hf_tokenizer.add_eos_token = False


def _reserve_next_id(hf_tokenizer: Any) -> None:
    """Put the pad token behind the last id of a vocabulary that has holes.

    `add_special_tokens` takes the number of tokens for the next free id, and with holes a word has
    that id already. A token that the vocabulary lists keeps the id that it has there.
    """
    ids = hf_tokenizer.get_vocab().values()
    if max(ids) + 1 == len(hf_tokenizer):
        return
    backend = hf_tokenizer.backend_tokenizer
    described = json.loads(backend.to_str())
    described["model"]["vocab"][PAD_TOKEN] = max(ids) + 1
    hf_tokenizer._tokenizer = type(backend).from_str(json.dumps(described))


def load_causal(folder: Path, tokenizer: Tokenizer, runtime: Runtime) -> PreTrainedModel:
    """Load the causal language model, with room for the pad token.

    It stays in eval mode, so dropout is off; its configuration is kept as it is. InputError if it
    cannot be loaded whole, or neither sampled from nor trained; see `refuse_incompatible`, which
    tries it in full precision, in which no rounding hides a fault.
    """
    model = _open_causal(folder, tokenizer, FULL_PRECISION)
    refuse_incompatible(model, folder)
    if runtime.dtype != FULL_PRECISION:
        # Opened again, not converted: some of its numbers, such as the angles of positions, stay in
        # full precision.
        del model
        model = _open_causal(folder, tokenizer, runtime.dtype)
        read_head_in_full_precision(model)
    model.to(runtime.device)
    return model


def _open_causal(folder: Path, tokenizer: Tokenizer, dtype: DType) -> PreTrainedModel:
    model = open_model(AutoModelForCausalLM, folder, dtype, noun=CAUSAL)
    n_rows = model.get_input_embeddings().weight.shape[0]
    n_ids = max(tokenizer.known_ids) + 1
    if n_ids > n_rows:
        model.resize_token_embeddings(n_ids, mean_resizing=False)
        _average_new_rows(model, n_rows)
    model.config.pad_token_id = tokenizer.pad_id
    _fuse_gelu(model)
    model.eval()
    return model


def _average_new_rows(model: PreTrainedModel, n_known: int) -> None:
    """Make the added tokens' rows the mean of the known ones.

    An added token's logit is then the mean logit, so its probability never exceeds 1/V (Jensen).
    The random rows that transformers leaves differ in every process, and beside GPT-2's logits of
    about -100 a logit near 0 makes the exported policy generate nothing but padding.
    """
    with torch.no_grad():
        for layer in (model.get_input_embeddings(), model.get_output_embeddings()):
            layer.weight[n_known:] = layer.weight[:n_known].mean(dim=0)
            if (bias := getattr(layer, "bias", None)) is not None:
                bias[n_known:] = bias[:n_known].mean()


def _fuse_gelu(model: nn.Module) -> None:
    """Replace the eight operations of transformers' GELU for GPT-2 by torch's single one.

    The same function to 5e-7, three times as fast on a CPU, and one tensor kept for the backward
    pass instead of several. The configuration still names `gelu_new`.
    """
    for module in model.modules():
        for name, child in module.named_children():
            if isinstance(child, NewGELUActivation):
                setattr(module, name, nn.GELU(approximate="tanh"))


def refuse_unknown_classes(folder: Path, *, trains_reward_model: bool) -> None:
    """Refuse an architecture that transformers has no class for, as its configuration tells.

    InputError names all that is missing: a language model, and, if a reward model is to be trained,
    the classifier as which it is saved. No weights are read.
    """
    config, wanted = open_config(folder), [(AutoModelForCausalLM, CAUSAL)]
    if trains_reward_model:
        wanted.append((AutoModelForSequenceClassification, CLASSIFIER))
    found = [class_problem(auto, config, noun) for auto, noun in wanted]
    if problems := [problem for problem in found if problem is not None]:
        scorer = "let a scorer be policy.reward, or " if len(problems) < len(wanted) else ""
        raise InputError(
            f"model folder {folder} {' It '.join(problems)} To go on, {scorer}name another model. "
            f"{WORKS}"
        )


def context_length(folder: Path) -> int:
    """Return how many tokens the model in `folder` can read."""
    return context_of(open_config(folder))


def n_layers(folder: Path) -> int:
    """Return how many layers the model in `folder` has; 1 where its configuration does not say."""
    return int(getattr(open_config(folder).get_text_config(), "num_hidden_layers", None) or 1)


def n_embedding_weights(folder: Path) -> int:
    """Return how many weights are rows of tokens, which are looked up and not multiplied.

    0 where the configuration does not say.
    """
    config = open_config(folder).get_text_config()
    found = [getattr(config, name, None) or 0 for name in ("vocab_size", "hidden_size")]
    return int(found[0] * found[1])
