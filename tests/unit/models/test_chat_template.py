"""A prompt as the user's turn, by the tokenizer's own template."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer

from prefloop.errors import InputError, SettingsError
from prefloop.models.loading import load_tokenizer
from prefloop.models.query_encoder import QueryEncoder, described_encoder
from prefloop.models.runtime import CPU
from prefloop.policy.warm_start import sft_examples
from prefloop.records import Prompt
from prefloop.samples.sampler import Sampler
from prefloop.settings.samples import SamplesConfig
from prefloop.settings.task import TaskConfig
from prefloop.settings.task_presets import load_task
from tests.models_for_tests import save_tokenizer
from tests.stages_for_tests import OPENINGS
from tests.tokenizers_for_tests import CHAT_TEMPLATE, save_chat

SYSTEM = "Be kind."


def chat_task(**changes: Any) -> TaskConfig:
    return load_task({"name": "custom", "chat": {"system": SYSTEM}, **changes})


def rendered(text: str) -> str:
    """Return the chat, worked out by hand."""
    turns = f"<|im_start|>system\n{SYSTEM}<|im_end|>\n<|im_start|>user\n{text}<|im_end|>\n"
    return turns + "<|im_start|>assistant\n"


def test_policy_and_reward_model_read_the_users_turn_with_the_prompt_for_an_answer(
    tmp_path: Path,
) -> None:
    fast = save_chat(tmp_path)
    queries = QueryEncoder(load_tokenizer(tmp_path), chat_task(prefix="Q: ", suffix=" A?"))
    text = OPENINGS[0]
    expected = fast(rendered(f"Q: {text} A?"))["input_ids"]
    assert queries.policy_query(text) == queries.reward_query(text) == expected
    assert len(expected) - len(fast(text)["input_ids"]) <= queries.n_around
    assert fast.convert_tokens_to_ids("<|im_start|>") == expected[0]


def test_a_response_ends_with_its_turn_or_with_end_of_text(tmp_path: Path) -> None:
    fast = save_chat(tmp_path)
    tokenizer, task = load_tokenizer(tmp_path), chat_task(response_tokens=8)
    assert (task.stop, task.stop_min) == ("end_of_text", 0)
    turn_end, start = (fast.convert_tokens_to_ids(f"<|im_{x}|>") for x in ("end", "start"))
    assert fast.eos_token_id != turn_end
    vocabulary = max(tokenizer.known_ids) + 1
    sampler = Sampler(tokenizer, task, SamplesConfig(), vocabulary=vocabulary, device=CPU.device)
    assert sampler.queries.end_ids == (turn_end, fast.eos_token_id)
    assert not sampler.banned[[turn_end, fast.eos_token_id]].any()
    assert sampler.banned[[start, tokenizer.pad_id]].all()
    said = tokenizer.encode("It was warm.")
    for end in sampler.queries.end_ids:
        ids = [*said, end, 60, 61]
        assert sampler.stop_rule.apply(torch.tensor([ids])).is_ended.all()
        query = sampler.queries.policy_query("He?")
        assert sampler.reward_ids("He?", ids) == [*query, *said, end]
        assert sampler.text_of(ids) == "It was warm.", "labelers see no markup"
    assert sampler.queries.reward_text("He?", "It was warm.")[-len(said) - 1 :] == [*said, turn_end]


@pytest.mark.parametrize("stop", ["end_of_text", "."])
def test_a_saved_reward_model_knows_the_chat(stop: str, tmp_path: Path) -> None:
    save_chat(tmp_path)
    tokenizer = load_tokenizer(tmp_path)
    queries = QueryEncoder(tokenizer, chat_task(prefix="Q: ", stop=stop))
    again = described_encoder(tokenizer, queries.described())
    assert again.reward_text("He?", "It was.") == queries.reward_text("He?", "It was.")
    earlier = described_encoder(tokenizer, {})
    assert earlier.reward_text("He", " was") == tokenizer.encode("He") + tokenizer.encode(" was")


def test_a_warm_start_learns_whole_turns(tmp_path: Path) -> None:
    fast = save_chat(tmp_path)
    prompt = Prompt(id="1", text="He?", source="s", split="train", reference=" She sang. ")
    tokenizer = load_tokenizer(tmp_path)
    (example,) = sft_examples([prompt], chat_task(), tokenizer, [])
    assert example.query == fast(rendered("He?"))["input_ids"]
    end = fast.convert_tokens_to_ids("<|im_end|>")
    assert example.response == [*tokenizer.encode("She sang."), end]


@pytest.mark.parametrize(
    ("chat", "expected"),
    [
        (True, (True, None)),
        (False, (False, None)),
        ({"system": SYSTEM}, (True, SYSTEM)),
        ({"on": False}, (False, None)),
    ],
)
def test_on_and_off_are_short_for_a_section(chat: Any, expected: tuple[bool, str | None]) -> None:
    task = load_task({"name": "sentiment", "chat": chat})
    assert (task.chat.on, task.chat.system) == expected
    assert task.stop == ("end_of_text" if task.chat.on else ".")
    named = load_task({"name": "sentiment", "chat": chat, "stop": "."})
    assert (named.stop, named.stop_min) == (".", 16)


def test_in_a_chat_no_stop_means_the_end_of_the_turn() -> None:
    """A run file that `prefloop init` writes says `stop: null` for a custom task."""
    assert load_task({"name": "custom", "stop": None}).stop is None
    assert load_task({"name": "custom", "stop": None, "chat": True}).stop == "end_of_text"


def test_a_system_line_without_a_chat_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"set task\.chat\.on to true"):
        load_task({"name": "custom", "chat": {"on": False, "system": SYSTEM}})


def test_a_model_without_a_chat_template_is_refused_with_the_way_out(tmp_path: Path) -> None:
    save_tokenizer(tmp_path)
    with pytest.raises(InputError, match=r"task\.chat is on.*no chat template.*task\.chat to off"):
        QueryEncoder(load_tokenizer(tmp_path), chat_task())


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        (
            "{% if messages[0].role == 'system' %}{{ raise_exception('no system turn') }}"
            "{% endif %}" + CHAT_TEMPLATE,
            r"refuses it: no system turn\. Leave task\.chat\.system out",
        ),
        ("{{ messages|length }}", "leaves the user's turn out"),
    ],
)
def test_a_template_that_does_not_fit_is_refused(
    template: str, reason: str, tmp_path: Path
) -> None:
    save_chat(tmp_path, template=template)
    with pytest.raises(InputError, match=reason):
        QueryEncoder(load_tokenizer(tmp_path), chat_task())


def test_a_template_that_asks_for_the_date_is_told_the_same_one_every_day(tmp_path: Path) -> None:
    asks = (
        "{%- if strftime_now is defined %}{%- set day = strftime_now('%d %b %Y') %}{%- endif %}"
        "{%- macro iso() %}{{ strftime_now('%Y-%m-%d') }}{% endmacro %}{{ day }}, {{ iso() }}: "
    )
    save_chat(tmp_path / "base", template=asks + CHAT_TEMPLATE)
    tokenizer = load_tokenizer(tmp_path / "base")
    said = tokenizer.decode(QueryEncoder(tokenizer, chat_task()).policy_query("He?"))
    assert said.startswith("26 Jul 2024, 2024-07-26: ")
    tokenizer.hf_tokenizer.save_pretrained(tmp_path / "saved")
    saved = AutoTokenizer.from_pretrained(tmp_path / "saved")
    turn = [{"role": "user", "content": "He?"}]
    as_on_a_card = saved.apply_chat_template(turn, tokenize=False)
    assert as_on_a_card.startswith("26 Jul 2024, 2024-07-26: ")
    again = load_tokenizer(tmp_path / "saved").hf_tokenizer
    assert again.chat_template == saved.chat_template
