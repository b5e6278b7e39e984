"""Counts of a transformer's cost, held to numbers that others published."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from prefloop.functional.model_cost import (
    TRAINED,
    TransformerShape,
    activation_numbers,
    adapter_weights,
    drawn_tokens,
    forward_operations,
    kv_cache_bytes,
    question_tokens,
    role_numbers,
    step_seconds,
)
from tests.tolerances import FP64


def gpt2(layers: int, width: int, heads: int) -> TransformerShape:
    """Return a shape of the GPT-2 family."""
    return TransformerShape(
        layers=layers,
        width=width,
        inner=4 * width,
        heads=heads,
        kv_heads=heads,
        vocabulary=50257,
        positions=1024,
    )


def llama(layers: int, width: int, inner: int, heads: int, kv_heads: int) -> TransformerShape:
    """Return a shape of the Llama 2 family."""
    return TransformerShape(
        layers=layers,
        width=width,
        inner=inner,
        heads=heads,
        kv_heads=kv_heads,
        vocabulary=32000,
        is_gated=True,
    )


GPT2_LARGE = gpt2(36, 1280, 20)
LLAMA_7B = llama(32, 4096, 11008, 32, 32)
LLAMA_70B = llama(80, 8192, 28672, 64, 8)
OPT_13B = gpt2(40, 5120, 40)
"""Layers, width and heads of OPT-13B (Zhang et al. 2022, arXiv:2205.01068, table 1)."""

PUBLISHED = [
    (gpt2(12, 768, 12), 124_439_808),
    (GPT2_LARGE, 774_030_080),
    (LLAMA_7B, 6_738_415_616),
    (LLAMA_70B, 68_976_648_192),
]
"""Numbers in the weights that the Hugging Face hub has: gpt2, gpt2-large, Llama-2-7b and -70b."""


@pytest.mark.parametrize(("shape", "parameters"), PUBLISHED)
def test_parameters_are_those_published(shape: TransformerShape, parameters: int) -> None:
    assert shape.parameters == parameters


def check_training(count: Callable[..., float]) -> None:
    """6 N + 12 L H Q T operations a token, forward and backward: PaLM's appendix B, by hand.

    N = 36 x 12 x 1280^2 = 707,788,800 without the LM head, L H Q T = 36 x 1280 x 575 tokens.
    """
    forward = count(GPT2_LARGE, tokens=1.0, head_tokens=0.0, context=575.0)
    attention = 12 * 26_496_000
    np.testing.assert_allclose(TRAINED["none"] * forward, 6 * 707_788_800 + attention, **FP64)


def check_head(count: Callable[..., float]) -> None:
    """The LM head of 50257 x 1280 weights is run on the tokens of responses alone."""
    whole = count(GPT2_LARGE, tokens=575.0, head_tokens=75.0, context=0.0)
    np.testing.assert_allclose(whole, 2 * (575 * 707_788_800 + 75 * 64_328_960), **FP64)


def check_cache(count: Callable[..., float]) -> None:
    """800 KB a token of OPT-13B in 2-byte numbers; grouped queries keep an eighth of Llama's."""
    np.testing.assert_allclose(count(OPT_13B, number_bytes=2), 800 * 1024)
    np.testing.assert_allclose(count(LLAMA_7B, number_bytes=2), 512 * 1024)
    np.testing.assert_allclose(count(LLAMA_70B, number_bytes=2), 320 * 1024)


def check_question(count: Callable[..., float]) -> None:
    """One row of a query and four responses, of the tokens of the TL;DR task."""
    np.testing.assert_allclose(count(query=500.0, response=75.0, responses=4), 800.0)


def check_activations(count: Callable[..., float]) -> None:
    """GPT-3's layer: 34 bytes for each of 12288 values, less 2 of masks, in 2-byte numbers."""
    np.testing.assert_allclose(2 * count(gpt2(96, 12288, 96)), 32 * 12288)


CHECKS: list[tuple[Callable[..., None], Callable[..., Any]]] = [
    (check_training, forward_operations),
    (check_head, forward_operations),
    (check_cache, kv_cache_bytes),
    (check_question, question_tokens),
    (check_activations, activation_numbers),
]


@pytest.mark.parametrize(("check", "count"), CHECKS, ids=lambda x: x.__name__)
def test_the_counts_are_those_published(
    check: Callable[..., None], count: Callable[..., Any]
) -> None:
    check(count)


def test_adapters_have_the_weights_that_peft_prints() -> None:
    # "trainable params: 19,988,480 || all params: 6,758,404,096": Llama-2-7b, rank 8, all matrices
    assert adapter_weights(LLAMA_7B, rank=8) == 19_988_480 == 6_758_404_096 - LLAMA_7B.parameters
    # c_attn 4 d, c_proj 2 d, c_fc and the other c_proj 5 d each
    assert adapter_weights(GPT2_LARGE, rank=8) == 36 * 8 * 16 * 1280


def test_adam_holds_sixteen_bytes_for_a_float32_weight() -> None:
    # Rajbhandari et al. 2020, arXiv:1910.02054, section 3.1: 4 + 4 of Adam, 4 of the gradient.
    assert 4 * (role_numbers(adapter="none") - 2) == 16
    assert 4 * role_numbers(adapter="none", rounds=2) == 16 + 2 * 4 + 8
    assert role_numbers(adapter="lora", rounds=2) == 1


def test_adapters_need_no_gradient_of_what_is_frozen() -> None:
    assert TRAINED["none"] - TRAINED["lora"] == 1.0


def test_a_query_is_read_once_for_the_responses_drawn_to_it() -> None:
    assert drawn_tokens(query=500.0, response=75.0, responses=4) == 800.0


def test_a_step_takes_the_longer_of_reading_memory_and_computing() -> None:
    # An A100 has 312e12 operations and 2.039e12 bytes a second: even at 153 operations a byte.
    a100 = {"rate": 312e12, "bandwidth": 2.039e12}
    assert step_seconds(operations=1e12, moved_bytes=2.039e12, **a100) == 1.0
    assert step_seconds(operations=624e12, moved_bytes=2.039e12, **a100) == 2.0
