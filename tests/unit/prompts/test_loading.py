"""Prompts keep their ids and splits whatever else is in the file; if none is left: why."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from prefloop.errors import InputError, SettingsError
from prefloop.prompts.loading import load_prompts
from prefloop.records import Prompt
from prefloop.settings.prompts import PromptsConfig
from prefloop.settings.task_presets import load_task
from tests.unit.prompts.tokenizers import WordTokenizer

PASSAGES = [f"Start {i}. This is the sentence of number {i}. Left over" for i in range(300)]


def load(
    path: Path, passages: list[str], task: dict[str, Any] | str = "custom", **settings: Any
) -> list[Prompt]:
    path.write_text("".join(json.dumps({"text": p}) + "\n" for p in passages))
    config = PromptsConfig(source=str(path), **settings)
    return load_prompts(config, load_task(task), WordTokenizer())


SENTENCES = {"name": "custom", "start_after": ".", "end_at": "."}


def test_prompts_come_in_the_order_of_the_file_after_the_rules(tmp_path: Path) -> None:
    prompts = load(tmp_path / "p.jsonl", PASSAGES, SENTENCES)
    assert [p.text for p in prompts] == [f"This is the sentence of number {i}." for i in range(300)]
    assert prompts[0].source == "p.jsonl, line 1"
    assert {p.split for p in prompts} == {"train", "validation", "held_out"}
    assert len({p.id for p in prompts}) == 300


def test_order_and_company_change_no_id_and_no_split(tmp_path: Path) -> None:
    shuffled = PASSAGES[:200]
    random.Random(0).shuffle(shuffled)
    all_of_them = {p.text: p for p in load(tmp_path / "a.jsonl", PASSAGES, SENTENCES)}
    for prompt in load(tmp_path / "b.jsonl", shuffled, SENTENCES):
        same = all_of_them[prompt.text]
        assert (prompt.id, prompt.split) == (same.id, same.split)


def test_another_task_leaves_every_passage_in_its_split(tmp_path: Path) -> None:
    whole = load(tmp_path / "p.jsonl", PASSAGES)
    cut = load(tmp_path / "p.jsonl", PASSAGES, SENTENCES)
    assert [p.split for p in whole] == [p.split for p in cut]


def test_a_query_comes_once(tmp_path: Path) -> None:
    passages = ["A. The same.", "B. The same.", "C. Another.", "A. The same."]
    prompts = load(tmp_path / "p.jsonl", passages, SENTENCES)
    assert [p.text for p in prompts] == ["The same.", "Another."]


def test_a_limit_takes_the_first(tmp_path: Path) -> None:
    prompts = load(tmp_path / "p.jsonl", ["no period", *PASSAGES], SENTENCES, limit=7)
    assert [p.source for p in prompts] == [f"p.jsonl, line {i}" for i in range(2, 9)]


def test_if_no_prompt_is_left_the_reasons_are_counted(tmp_path: Path) -> None:
    passages = ["no period", "none here", "One. no end", "One. Two.", "", ""]
    with pytest.raises(InputError) as caught:
        load(tmp_path / "p.jsonl", passages, SENTENCES | {"query_tokens_min": 5})
    told = str(caught.value).splitlines()
    assert told[0].endswith("gives task custom no prompt: of its 4 passages,")
    assert told[1:-1] == [
        "  - 2 do not contain start_after '.'",
        "  - 1 do not contain end_at '.' within 64 tokens",
        "  - 1 leave fewer than 5 tokens (query_tokens_min)",
        "  - 2 more rows are empty",
    ]


def test_what_does_not_fit_into_the_model_is_refused_with_the_sum(tmp_path: Path) -> None:
    path = tmp_path / "p.txt"
    path.write_text("One two three.\n")
    config = PromptsConfig(source=str(path))
    changes = {"prefix": "Article:\n\n", "suffix": "\n\nTL;DR:", "query_tokens_max": 100}
    task = load_task({"name": "summarization"} | changes)
    around = 3 + 5
    assert load_prompts(config, task, WordTokenizer(), context=100 + around + 75)
    with pytest.raises(SettingsError) as caught:
        load_prompts(config, task, WordTokenizer(), context=100 + around + 74)
    assert "needs 183 tokens (query_tokens_max 100 + around the prompt 8" in str(caught.value)
    assert "sees only 182. Set task.query_tokens_max to 99 or less" in str(caught.value)
    with pytest.raises(SettingsError, match=r"Set task\.response_tokens lower"):
        load_prompts(config, task, WordTokenizer(), context=64)


def test_the_built_in_fiction_gives_prompts_for_style_tasks() -> None:
    prompts = load_prompts(PromptsConfig(limit=100), load_task("sentiment"), WordTokenizer())
    assert len(prompts) == 100
    for prompt in prompts:
        assert 32 <= len(WordTokenizer().encode(prompt.text)) <= 64
        assert prompt.text.endswith(".")
