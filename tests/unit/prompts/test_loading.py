"""Prompts keep their ids and splits whatever else is in the file; if none is left: why."""

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from prefloop.errors import InputError, SettingsError
from prefloop.figures.prompts import left_out_text
from prefloop.prompts.loading import PromptSelection, select_prompts
from prefloop.records import Prompt, Split
from prefloop.seeding import stable_id
from prefloop.settings.prompts import PromptsConfig
from prefloop.settings.task_presets import load_task
from tests.unit.prompts.tokenizers import WordTokenizer

PASSAGES = [f"Start {i}. This is the sentence of number {i}. Left over" for i in range(300)]


def load(
    path: Path, passages: list[str], task: dict[str, Any] | str = "custom", **settings: Any
) -> list[Prompt]:
    path.write_text("".join(json.dumps({"text": p}) + "\n" for p in passages))
    config = PromptsConfig(source=str(path), **settings)
    return select_prompts(config, load_task(task), WordTokenizer()).prompts


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
    assert select_prompts(config, task, WordTokenizer(), context=100 + around + 75).prompts
    with pytest.raises(SettingsError) as caught:
        select_prompts(config, task, WordTokenizer(), context=100 + around + 74)
    assert "needs 183 tokens (query_tokens_max 100 + around the prompt 8" in str(caught.value)
    assert "sees only 182. Set task.query_tokens_max to 99 or less" in str(caught.value)
    with pytest.raises(SettingsError, match=r"Set task\.response_tokens lower"):
        select_prompts(config, task, WordTokenizer(), context=64)


def test_the_built_in_fiction_gives_prompts_for_style_tasks() -> None:
    found = select_prompts(PromptsConfig(limit=100), load_task("sentiment"), WordTokenizer())
    prompts = found.prompts
    assert len(prompts) == 100
    for prompt in prompts:
        assert 32 <= len(WordTokenizer().encode(prompt.text)) <= 64
        assert prompt.text.endswith(".")


TWINS = [
    *("The caf\u00e9 is open.", "The cafe\u0301 is open.", "the CAF\u00c9  is open."),
    *("Bar.", "The bar is open.", "The caf\u00e9 is open."),
]


def select(path: Path, passages: list[str], *, stored: Sequence[Prompt] = ()) -> PromptSelection:
    path.write_text("".join(json.dumps({"text": p}) + "\n" for p in passages))
    task = load_task({"name": "custom", "query_tokens_min": 3})
    return select_prompts(PromptsConfig(source=str(path)), task, WordTokenizer(), stored=stored)


def test_what_is_left_out_is_counted_by_reason_and_repeats_are_named(tmp_path: Path) -> None:
    found = select(tmp_path / "p.jsonl", [*TWINS, ""])
    assert [p.text for p in found.prompts] == ["The café is open.", "The bar is open."]
    assert found.figures.prompts == 2
    assert found.figures.left_out == {"leave fewer than 3 tokens (query_tokens_min)": 1}
    assert left_out_text(found.figures) == (
        "4 of 6 passages give no prompt: 1 leave fewer than 3 tokens (query_tokens_min), 3 repeat "
        "another (p.jsonl, line 2 repeats p.jsonl, line 1; p.jsonl, line 3 repeats p.jsonl, line "
        "1; p.jsonl, line 6 repeats p.jsonl, line 1); 1 row is empty"
    )
    assert left_out_text(select(tmp_path / "q.jsonl", TWINS[4:]).figures) == ""


def test_passages_that_the_cut_alone_makes_alike_say_so(tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_text("One two three four.\nOne two three five.\nONE two three four.")
    task = load_task({"name": "custom", "query_tokens_max": 3})
    found = select_prompts(PromptsConfig(source=str(tmp_path / "p.txt")), task, WordTokenizer())
    assert found.figures.repeats == (
        "p.txt, line 2, cut by task.query_tokens_max 3, repeats p.txt, line 1",
        "p.txt, line 3 repeats p.txt, line 1",
    )


def test_passages_that_another_rule_makes_alike_name_it(tmp_path: Path) -> None:
    """Nothing here is too long: what stands before the first full stop is dropped."""
    (tmp_path / "p.txt").write_text("One. Two three.\nFour. Two three.")
    task = load_task({"name": "custom", "query_tokens_max": 9, "start_after": "."})
    found = select_prompts(PromptsConfig(source=str(tmp_path / "p.txt")), task, WordTokenizer())
    cut = "cut by task.start_after and task.query_tokens_max 9,"
    assert found.figures.repeats == (f"p.txt, line 2, {cut} repeats p.txt, line 1",)


@pytest.mark.parametrize("nothing", ["\u200b", " \u200b\u200d \u2060", "\ufeff\u3164", "\u2800"])
def test_a_text_that_shows_nothing_is_empty(tmp_path: Path, nothing: str) -> None:
    found = select(tmp_path / "p.jsonl", ["Here is one.", nothing])
    assert (len(found.prompts), found.figures.empty_rows) == (1, 1)
    (tmp_path / "p.txt").write_text(f"{nothing}\n{nothing}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"p\.txt is empty"):
        select_prompts(
            PromptsConfig(source=str(tmp_path / "p.txt")), load_task("custom"), WordTokenizer()
        )


def test_a_run_keeps_the_splits_that_it_has(tmp_path: Path) -> None:
    """Twins that an earlier version asked both stay; a new one goes to the split of its twin."""
    fresh = select(tmp_path / "p.jsonl", TWINS).prompts
    moved: dict[Split, Split] = {"train": "held_out", "validation": "train", "held_out": "train"}
    stored = [replace(fresh[0], split=moved[fresh[0].split])]
    second = TWINS[1]
    stored.append(
        replace(stored[0], id=stable_id("prompt", second), text=second, split="validation")
    )
    found = select(tmp_path / "q.jsonl", TWINS[:2], stored=stored)
    assert [(p.text, p.split) for p in found.prompts] == [
        (TWINS[0], stored[0].split),
        (second, "validation"),
    ]
    (new,) = select(tmp_path / "r.jsonl", [TWINS[2]], stored=stored[:1]).prompts
    assert (new.text, new.split) == (TWINS[2], stored[0].split)


def test_a_warm_start_reads_no_text_whose_prompt_is_kept_from_it(tmp_path: Path) -> None:
    """The query of a passage is what decides: it may stand in two passages of different splits."""
    passages = [
        f"Number {i}. The {'same' if i % 2 else f'other {i}'} one is here." for i in range(40)
    ]
    path = tmp_path / "p.jsonl"
    config = PromptsConfig(source=str(path), held_out_share=0.5, validation_share=0.0)
    path.write_text("".join(json.dumps({"text": p}) + "\n" for p in passages))
    task = load_task(SENTENCES | {"query_tokens_min": 3})
    found = select_prompts(config, task, WordTokenizer())
    splits = {p.text: p.split for p in found.prompts}
    training = {text.split(". ", 1)[1] for text in found.training_texts}
    assert training == {text for text, split in splits.items() if split == "train"}
