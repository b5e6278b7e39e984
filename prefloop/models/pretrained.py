"""The one place where transformers opens a folder: its errors and warnings become an InputError.

Weights that a folder lacks are drawn at random by transformers, and only a line in its log says so;
here they are refused. Code in a folder is never run.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from transformers import AutoConfig, AutoTokenizer, PreTrainedConfig, PreTrainedModel
from transformers.utils import logging as transformers_logging

from prefloop.errors import InputError, PrefloopError, listing
from prefloop.models.runtime import DType

SHOWN = 3
"""Names of weights in a message."""

CONTEXT_FIELDS = ("max_position_embeddings", "max_seq_len", "seq_length", "n_positions", "n_ctx")
"""What architectures call the longest text, in tokens."""


def open_config(folder: Path) -> PreTrainedConfig:
    """Return the configuration in a folder; InputError if transformers does not know it."""
    with _library_errors(folder, "configuration"):
        return AutoConfig.from_pretrained(folder, trust_remote_code=False)


def open_tokenizer(folder: Path) -> Any:
    """Return the tokenizer in a folder as transformers has it; InputError if there is none."""
    with _library_errors(folder, "tokenizer"):
        return AutoTokenizer.from_pretrained(folder, trust_remote_code=False)


def open_model(auto: Any, folder: Path, dtype: DType, *, noun: str) -> PreTrainedModel:
    """Return the model that an auto class makes of a folder, with every weight from its files.

    `noun` is what it is to be. InputError if transformers has no such class for it, if weights are
    missing or of other sizes, or if the files hold layers that the configuration does not count.
    """
    config = open_config(folder)
    if (problem := class_problem(auto, config, noun)) is not None:
        raise InputError(f"model folder {folder} {problem} Name another model.")
    transformers_logging.disable_progress_bar()
    with _library_errors(folder, "weights"):
        model, loading = auto.from_pretrained(
            folder,
            dtype=dtype,
            use_safetensors=True,
            trust_remote_code=False,
            ignore_mismatched_sizes=True,  # they are refused below, all at once
            output_loading_info=True,
        )
    problems = list(_loading_problems(model, loading))
    if problems:
        raise InputError(
            listing(f"model folder {folder} is no {noun}: it", problems)
            + "\nThe weights and config.json must be those that save_pretrained wrote together. "
            "Copy or download the folder again, or name another."
        )
    return cast(PreTrainedModel, model)


def class_problem(auto: Any, config: PreTrainedConfig, noun: str) -> str | None:
    """Return why an auto class has no model for a configuration, in words after its folder."""
    if type(config) in auto._model_mapping:
        return None
    known = ", ".join(config.architectures or ()) or config.model_type
    return (
        f"holds a {known} (model_type {config.model_type!r}), for which transformers has no {noun} "
        f"({auto.__name__})."
    )


def context_of(config: PreTrainedConfig) -> int:
    """Return how many tokens a model can read at once.

    A model without positions of its own (ALiBi, a recurrence) reads texts of any length.
    """
    text = config.get_text_config()
    found = [getattr(text, name, None) for name in CONTEXT_FIELDS]
    return min((n for n in found if isinstance(n, int) and n > 0), default=UNLIMITED)


UNLIMITED = 1_000_000
"""The context, in tokens, of a model that has no limit."""


@contextmanager
def _library_errors(folder: Path, part: str) -> Iterator[None]:
    """Turn whatever transformers raises into an InputError that names the folder and the part."""
    try:
        yield
    except PrefloopError:
        raise
    except Exception as error:
        said = str(error).strip().splitlines()
        raise InputError(
            f"the {part} in model folder {folder} cannot be loaded "
            f"({type(error).__name__}: {said[0] if said else 'no reason given'}). Copy or download "
            "the folder again, or name another."
        ) from error


def _loading_problems(model: PreTrainedModel, loading: Mapping[str, Any]) -> Iterator[str]:
    """Yield how the weights in the files differ from those that the configuration asks for."""
    if missing := sorted(loading["missing_keys"]):
        yield f"lacks {_some(missing)}, which would be random numbers"
    if sizes := sorted(loading["mismatched_keys"]):
        name, found, wanted = sizes[0]
        more = f" (and {len(sizes) - 1} more weights of other sizes)" if len(sizes) > 1 else ""
        yield f"has {name} of size {_size(found)}, and config.json says {_size(wanted)}{more}"
    known = {_without_numbers(name) for name in model.state_dict()}
    extra = sorted(n for n in loading["unexpected_keys"] if _without_numbers(n) in known)
    if extra:
        yield f"has {_some(extra)}, of a layer that config.json does not count"


def _without_numbers(name: str) -> str:
    """Return the name that a weight has in every layer."""
    return re.sub(r"\d+", "#", name)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more weights" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _size(shape: Any) -> str:
    return " x ".join(map(str, shape)) or "one number"
