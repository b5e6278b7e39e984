"""The warm start: the model learns the lessons, and becomes the reference as well."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from prefloop.errors import InputError, OutOfMemoryError
from prefloop.models.export import save_policy
from prefloop.models.loading import load_causal, load_tokenizer
from prefloop.models.memory import fits_in_memory
from prefloop.models.padding import pad_left
from prefloop.models.roles import ModelRoles
from prefloop.models.runtime import CPU
from prefloop.models.scoring import banned_mask, respond_forward
from prefloop.policy.warm_start import SFTExample, sft_examples, warm_start
from prefloop.progress import Silent
from prefloop.records import Prompt
from prefloop.settings.models import ModelsConfig
from prefloop.settings.policy import WarmStartConfig
from tests.models_for_tests import TEXT
from tests.stages_for_tests import Adapter, task_of
from tests.tolerances import EXACT

CONFIG = WarmStartConfig(epochs=6, lr=1e-2, batch_size=4)


def perplexity(folder: Path, examples: list[SFTExample], *, role: str = "reference") -> float:
    """Return exp of the mean loss per response token, one lesson at a time."""
    tokenizer = load_tokenizer(folder)
    roles = ModelRoles(
        load_causal(folder, tokenizer, runtime=CPU), ModelsConfig(lora_rank=4), seed=1
    )
    role_model = getattr(roles, role)
    nothing = banned_mask(
        role_model.causal.get_output_embeddings().weight.shape[0], [], device=CPU.device
    )
    total, n_tokens = 0.0, 0
    for example in examples:
        query, mask = pad_left([example.query], tokenizer.pad_id, device=CPU.device)
        response = torch.tensor([example.response])
        with torch.no_grad():
            forward = respond_forward(
                role_model, query, mask, response, temperature=1.0, banned=nothing
            )
        total -= forward.logprobs.sum().item()
        n_tokens += len(example.response)
    return math.exp(total / n_tokens)


@pytest.mark.parametrize("adapter", ["lora", "none"])
def test_perplexity_falls_and_policy_and_reference_both_begin_there(
    gpt2_folder: Path, tmp_path: Path, adapter: Adapter
) -> None:
    examples = sft_examples([], task_of(query_tokens_max=8), load_tokenizer(gpt2_folder), TEXT[:4])
    models = ModelsConfig(adapter=adapter, lora_rank=4)
    folder = warm_start(
        gpt2_folder,
        CONFIG,
        models,
        examples,
        runtime=CPU,
        folder=tmp_path / "warm_start",
        seed=1,
        progress=Silent(),
    )
    before, after = perplexity(gpt2_folder, examples), perplexity(folder, examples)
    assert after < 0.5 * before
    assert perplexity(folder, examples, role="policy") == after
    assert load_tokenizer(folder).pad_id == load_tokenizer(gpt2_folder).pad_id


def test_it_is_made_once_and_then_found_again(gpt2_folder: Path, tmp_path: Path) -> None:
    examples = sft_examples([], task_of(), load_tokenizer(gpt2_folder), TEXT[:2])
    one_step = WarmStartConfig(epochs=1, lr=1e-2)

    def make(place: str, seed: int = 1) -> dict[str, torch.Tensor]:
        folder = warm_start(
            gpt2_folder,
            one_step,
            ModelsConfig(lora_rank=4),
            examples,
            runtime=CPU,
            folder=tmp_path / place,
            seed=seed,
            progress=Silent(),
        )
        return load_causal(folder, load_tokenizer(folder), runtime=CPU).state_dict()

    first, again, elsewhere, other = make("a"), make("a", 2), make("b"), make("c", 2)
    for name in first:
        torch.testing.assert_close(again[name], first[name], **EXACT)
        torch.testing.assert_close(elsewhere[name], first[name], **EXACT)
    assert any(not torch.equal(other[name], first[name]) for name in first)


def test_no_gradient_is_left_when_the_model_is_written(
    gpt2_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = []

    def noted(place: Path, roles: ModelRoles, *parts: Any) -> None:
        left.append([name for name, p in roles.policy.named_parameters if p.grad is not None])
        save_policy(place, roles, *parts)

    monkeypatch.setattr("prefloop.policy.warm_start.save_policy", noted)
    warm_start(
        gpt2_folder,
        CONFIG,
        ModelsConfig(adapter="none"),
        sft_examples([], task_of(), load_tokenizer(gpt2_folder), TEXT[:2]),
        runtime=CPU,
        folder=tmp_path / "warm_start",
        seed=1,
        progress=Silent(),
    )
    assert left == [[]]


def test_human_answers_are_learned_where_there_are_any(gpt2_folder: Path) -> None:
    tokenizer = load_tokenizer(gpt2_folder)
    task = task_of(prefix="Q: ", suffix=" A:", response_tokens=30)
    prompts = [
        Prompt(id="1", text="A text.", source="s", split="train", reference=" She sang. "),
        Prompt(id="2", text="Another.", source="s", split="train"),
    ]
    (example,) = sft_examples(prompts, task, tokenizer, TEXT)
    assert example.query == tokenizer.encode("Q: ") + tokenizer.encode(
        "A text."
    ) + tokenizer.encode(" A:")
    assert tokenizer.decode(example.response) == " She sang.\n"
    to_the_end = task_of(stop="end_of_text", response_tokens=30)
    (ended,) = sft_examples(prompts, to_the_end, tokenizer, TEXT)
    assert ended.response == [*tokenizer.encode(" She sang."), *tokenizer.end_ids]
    short = task_of(response_tokens=2)
    assert len(sft_examples(prompts, short, tokenizer, TEXT)[0].response) == 2


def test_passages_are_learned_whole_up_to_the_tokens_a_run_will_see(gpt2_folder: Path) -> None:
    tokenizer = load_tokenizer(gpt2_folder)
    task = task_of(query_tokens_max=5, response_tokens=6)
    examples = sft_examples([], task, tokenizer, [*TEXT[:2], "", "a"])
    assert [x.query + x.response for x in examples] == [tokenizer.encode(t)[:11] for t in TEXT[:2]]


def test_memory_that_runs_out_is_the_warm_starts_and_not_the_loading(
    gpt2_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_large(*_: Any) -> float:
        raise MemoryError

    monkeypatch.setattr("prefloop.policy.warm_start._step", too_large)
    told = r"training the warm start .*smaller policy\.warm_start\.batch_size \(4;.*less than 8"
    with (
        pytest.raises(OutOfMemoryError, match=told),
        # As the run does: the warm start is a part of what it loads.
        fits_in_memory("loading the models", models__name="m"),
    ):
        warm_start(
            *(gpt2_folder, CONFIG, ModelsConfig(lora_rank=4), [SFTExample([1, 2], [3, 4])] * 4),
            runtime=CPU,
            folder=tmp_path / "warm",
            seed=1,
            progress=Silent(),
        )
    assert not (tmp_path / "warm").exists()


def test_without_a_text_to_learn_from_it_is_refused(gpt2_folder: Path, tmp_path: Path) -> None:
    examples = sft_examples([], task_of(), load_tokenizer(gpt2_folder), ["", "a"])
    with pytest.raises(InputError, match=r"nothing to learn from.*policy\.warm_start\.epochs"):
        warm_start(
            *(gpt2_folder, CONFIG, ModelsConfig(), examples),
            runtime=CPU,
            folder=tmp_path / "warm",
            seed=1,
            progress=Silent(),
        )
