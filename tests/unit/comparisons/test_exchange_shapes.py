"""Pairs as other programs write them: TRL's and HH's shapes, their split, and who judged them."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from prefloop.comparisons.exchange.formats import export_file, guess_format, import_file
from prefloop.comparisons.exchange.importer import ExchangeOptions
from prefloop.comparisons.exchange.problems import SHOWN, import_error
from prefloop.comparisons.exchange.stated_sources import stated_sources
from prefloop.comparisons.labelers.sources import label_sources, labeler_groups
from prefloop.errors import InputError, SettingsError
from prefloop.evaluation.judges.build import build_judge, compared_with_labelers
from prefloop.prompts.splits import split_of
from prefloop.run_file import parse_run
from prefloop.seeding import stable_id
from prefloop.settings.run import RunConfig
from prefloop.store.store import Store
from tests.unit.store.records_for_tests import prompt

PAIR = {"prompt": "The sky is", "chosen": " blue.", "rejected": " green."}
USER, SYSTEM = {"role": "user", "content": "Is it?"}, {"role": "system", "content": "Be brief."}
YES, NO = ({"role": "assistant", "content": text} for text in ("Yes.", "No."))


@pytest.fixture
def store(sqlite_path: Path) -> Iterator[Store]:
    with Store.open(sqlite_path) as opened:
        yield opened


def lines(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def read(store: Store, tmp_path: Path, *rows: Any, format: str = "trl") -> list[tuple[str, ...]]:
    """(prompt, chosen, rejected) of what is in the store after an import."""
    import_file(store, lines(tmp_path / "x.jsonl", *rows), format)
    prompts = {p.id: p.text for p in store.prompts()}
    samples = {s.id: s for s in store.samples()}
    found: list[tuple[str, ...]] = []
    for label in store.labels():
        [other] = [name for name in label.shown if name != label.chosen]
        chosen = samples[label.chosen or ""]
        found.append((prompts[chosen.prompt_id], chosen.text, samples[other].text))
    return found


def config(**sections: Any) -> RunConfig:
    return parse_run(sections, "run.yaml")


@pytest.mark.parametrize(
    ("row", "found"),
    [
        (PAIR, ("The sky is", " blue.", " green.")),
        (
            {"chosen": "The sky is blue.", "rejected": "The sky is green."},
            ("The sky is", " blue.", " green."),
        ),
        ({"prompt": [USER], "chosen": [YES], "rejected": [NO]}, ("Is it?", "Yes.", "No.")),
        ({"chosen": [USER, YES], "rejected": [USER, NO]}, ("Is it?", "Yes.", "No.")),
        (
            {"prompt": "Is it?", "chosen": [USER, YES], "rejected": [USER, NO]},
            ("Is it?", "Yes.", "No."),
        ),
        (
            {"chosen": [SYSTEM, USER, YES], "rejected": [SYSTEM, USER, NO]},
            ("\n\nSystem: Be brief.\n\nHuman: Is it?\n\nAssistant:", " Yes.", " No."),
        ),
        (
            {
                "prompt": [USER],
                "chosen": [{"role": "assistant", "content": [{"type": "text", "text": "Yes."}]}],
                "rejected": [NO],
            },
            ("Is it?", "Yes.", "No."),
        ),
    ],
    ids=["explicit", "implicit", "chat", "chat implicit", "chat and text", "system", "parts"],
)
def test_trl_shapes(
    store: Store, tmp_path: Path, row: dict[str, Any], found: tuple[str, ...]
) -> None:
    assert read(store, tmp_path, row) == [found]


def test_a_margin_is_the_confidence(store: Store, tmp_path: Path) -> None:
    read(store, tmp_path, PAIR | {"margin": 0.5}, PAIR | {"margin": None})
    assert [label.confidence for label in store.labels()] == [0.5, None]


def test_hh_dialogues_are_cut_after_the_last_shared_turn(store: Store, tmp_path: Path) -> None:
    start = "\n\nHuman: Hi\n\nAssistant: Hello\n\nHuman: Is it?\n\nAssistant:"
    row = {"chosen": f"{start} Yes, it is.", "rejected": f"{start} Yes, no."}
    assert read(store, tmp_path, row, format="hh") == [(start, " Yes, it is.", " Yes, no.")]
    export_file(store, tmp_path / "y.jsonl", "hh")
    assert json.loads((tmp_path / "y.jsonl").read_text()) == row


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"chosen": "Yes.", "rejected": "No."}, "share no beginning; give a prompt"),
        ({"chosen": [YES], "rejected": [NO]}, "share no message; give a prompt"),
        ({"chosen": [{"role": "robot", "content": "x"}], "rejected": [NO]}, "role is 'robot'"),
        ({"chosen": [USER, YES], "rejected": [USER, {"role": "assistant"}]}, "content is missing"),
        ({"prompt": [], "chosen": [YES], "rejected": [NO]}, "prompt is an empty conversation"),
        (PAIR | {"margin": "much"}, "margin is 'much'; give a number"),
        (PAIR | {"margin": True}, "margin is True; give a number"),
    ],
)
def test_shapes_that_cannot_be_read_are_told(
    store: Store, tmp_path: Path, row: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        read(store, tmp_path, row)
    assert store.prompts() == []


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ({"prefloop": 1}, "raw"),
        (PAIR, "trl"),
        ({"chosen": [USER, YES], "rejected": [USER, NO]}, "trl"),
        ({"chosen": "\n\nHuman: a", "rejected": "\n\nHuman: b"}, "hh"),
        ({"query": [1], "sample0": [1], "best": 0}, "openai_2019"),
        ({"info": {}, "summaries": [], "choice": 0}, "openai_2020"),
    ],
)
def test_the_format_is_guessed(tmp_path: Path, row: dict[str, Any], name: str) -> None:
    assert guess_format(lines(tmp_path / "x.jsonl", row)) == name


def test_what_is_in_no_format_is_told_with_its_keys(tmp_path: Path) -> None:
    path = lines(tmp_path / "x.jsonl", {"question": "a", "good": "b"})
    with pytest.raises(InputError, match=r"line 1 has the keys 'question', 'good'.*--format"):
        guess_format(path)
    with pytest.raises(InputError, match="is empty"):
        guess_format(lines(tmp_path / "y.jsonl"))


def test_new_prompts_are_divided_by_a_hash(store: Store, tmp_path: Path) -> None:
    path = lines(tmp_path / "x.jsonl", *(PAIR | {"prompt": f"Q{i}"} for i in range(200)))
    options = ExchangeOptions(validation_share=0.25, held_out_share=0.1)
    import_file(store, path, "trl", options=options)
    n_validation = len(store.prompts("validation"))
    assert 30 < n_validation < 70
    assert len(store.prompts("train")) == 200 - n_validation
    assert {c.split for c in store.comparisons()} == {"train", "validation"}


def test_what_the_run_holds_out_is_left_out_and_counted(store: Store, tmp_path: Path) -> None:
    text = PAIR["prompt"]
    held = replace(prompt(), id=stable_id("prompt", text), text=text, split="held_out")
    store.add_prompts([held])
    path = lines(tmp_path / "x.jsonl", PAIR, PAIR, PAIR | {"prompt": "Q"})
    with pytest.raises(InputError, match="or import with --skip-held-out"):
        import_file(store, path, "trl")
    counts = import_file(store, path, "trl", options=ExchangeOptions(skips_held_out=True))
    assert (counts["labels"], counts["left_out_held_out"]) == (1, 2)
    assert store.prompts("held_out") == [held]


def test_a_prompt_that_the_run_knows_cut_and_holds_out_is_left_out(
    store: Store, tmp_path: Path
) -> None:
    """The run drew the split from the whole text, and stores its beginning."""
    texts = [f"A question that is too long for the task, number {i}" for i in range(40)]
    options = ExchangeOptions(held_out_share=0.3, validation_share=0.1, skips_held_out=True)
    held = [
        text
        for text in texts
        if split_of(text, held_out_share=0.3, validation_share=0.1) == "held_out"
    ]
    assert 0 < len(held) < 40
    path = lines(tmp_path / "x.jsonl", *(PAIR | {"prompt": text} for text in texts))
    counts = import_file(store, path, "trl", options=options)
    assert counts["left_out_held_out"] == len(held)
    assert not {p.text for p in store.prompts()} & set(held)


def test_more_kinds_of_problems_than_are_listed_are_counted(tmp_path: Path) -> None:
    kinds = [f"line {i}: {chr(97 + i)} is missing" for i in range(SHOWN + 5)]
    told = str(import_error(tmp_path / "x", kinds))
    assert told.startswith(f"{tmp_path / 'x'} has 25 problems")
    assert told.endswith("... and 5 more")


# who judged


def test_labels_say_what_they_rest_on(store: Store, tmp_path: Path) -> None:
    path = lines(tmp_path / "x.jsonl", PAIR)
    import_file(store, path, "trl")
    [group] = labeler_groups(store, config())
    assert group.kind == "imported" and group.sources == {"imported:trl"}
    said = stated_sources(["person", "person:ann", "model:openai/GPT-4o-2024-08-06"], config())
    import_file(store, path, "trl", options=ExchangeOptions(sources=said))
    [group] = labeler_groups(store, config())
    assert group.sources == {"person:trl", "person:ann", "gpt-4o"}
    assert len(store.labels()) == 1


def test_a_program_is_what_its_scorer_rests_on(store: Store, tmp_path: Path) -> None:
    run = config(evaluation={"judges": ["copying"]})
    said = stated_sources(["program:length", "program:mine"], run)
    path = lines(tmp_path / "x.jsonl", PAIR)
    import_file(store, path, "trl", options=ExchangeOptions(sources=said))
    [group] = labeler_groups(store, run)
    assert group.sources == {"length", "mine"}
    with pytest.raises(SettingsError, match="1 imported label of the store rest on the same"):
        compared_with_labelers(build_judge("length", run), [group])


def test_people_in_a_file_are_reported_and_not_refused(store: Store, tmp_path: Path) -> None:
    said = stated_sources(["person:ann"], config())
    path = lines(tmp_path / "x.jsonl", PAIR)
    import_file(store, path, "trl", options=ExchangeOptions(sources=said))
    judge = build_judge("length", config())
    checked = compared_with_labelers(judge, labeler_groups(store, config()))
    assert checked.shared_sources == ()


@pytest.mark.parametrize("said", ["ann", "model:", "robot:r2", ""])
def test_a_source_that_says_nothing_is_refused(said: str) -> None:
    with pytest.raises(InputError, match="write person"):
        stated_sources([said], config())


def test_an_imported_labeler_with_the_name_of_a_synthetic_one_is_imported(
    store: Store, tmp_path: Path
) -> None:
    row = {
        "info": {"id": "1", "post": "It rained."},
        "summaries": [{"text": "a"}, {"text": "b"}],
        "choice": 0,
        "worker": "synthetic-3",
    }
    import_file(store, lines(tmp_path / "x.jsonl", row), "openai_2020")
    [group] = labeler_groups(store, config())
    assert group.kind == "imported" and group.sources == {"person:synthetic-3"}


def test_raw_files_tell_what_labels_rest_on(store: Store, tmp_path: Path) -> None:
    run = config(comparisons={"labelers": "none"})
    said = stated_sources(["model:judge-7b"], run)
    path = lines(tmp_path / "x.jsonl", PAIR)
    import_file(store, path, "trl", options=ExchangeOptions(sources=said))
    raw = tmp_path / "raw.jsonl"
    told = ExchangeOptions(told_sources=label_sources(store, run))
    export_file(store, raw, "raw", options=told)
    with Store.open(tmp_path / "other.db") as other:
        import_file(other, raw, "raw")
        [group] = labeler_groups(other, run)
        assert group.kind == "imported" and group.sources == {"judge-7b"}
    # In its own store the file changes nothing: the labels are there already.
    assert import_file(store, raw, "raw")["labels"] == 0


def test_the_runs_own_labels_stay_its_own(store: Store, tmp_path: Path) -> None:
    read(store, tmp_path, PAIR)
    [theirs] = store.labels()
    mine = replace(theirs, id="mine", labeler="synthetic-0")
    store.add_labels([mine])
    export_file(store, tmp_path / "raw.jsonl", "raw")
    import_file(store, tmp_path / "raw.jsonl", "raw")
    kinds = {group.kind: group.labelers for group in labeler_groups(store, config())}
    assert kinds == {"imported": ("trl",), "synthetic": ("synthetic-0",)}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.csv", 'prompt,chosen,rejected,margin\nThe sky is," blue."," green.",0.5\n'),
        ("x.csv", "prompt;chosen;rejected;margin\nThe sky is; blue.; green.;0.5\n"),
        ("x.tsv", "prompt\tchosen\trejected\tmargin\nThe sky is\t blue.\t green.\t0.5\n"),
    ],
    ids=["commas", "semicolons", "tabs"],
)
def test_tables_of_pairs(store: Store, tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    assert guess_format(path) == "trl"
    import_file(store, path, "trl")
    [label] = store.labels()
    assert (store.prompts()[0].text, label.confidence) == ("The sky is", 0.5)
    assert store.samples_by_id([label.chosen or ""])[label.chosen or ""].text == " blue."
    path.write_text("prompt,chosen\nQ,a\n")
    with pytest.raises(InputError, match="line 2: rejected is missing"):
        import_file(store, path, "trl")
