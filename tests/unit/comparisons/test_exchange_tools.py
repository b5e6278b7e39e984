"""Comparisons as annotation tools export them: Label Studio, Argilla, Potato."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from prefloop.comparisons.exchange.formats import export_file, guess_format, import_file
from prefloop.comparisons.exchange.importer import ExchangeOptions
from prefloop.comparisons.labels_used import labels_in_store, labels_record
from prefloop.errors import InputError
from prefloop.run_file import parse_run
from prefloop.store.store import Store
from tests.unit.store.sql_for_tests import change

FIELDS = {"prompt": "Say hello.", "response1": "Hello!", "response2": "Go away."}
TASK: dict[str, Any] = {
    "id": 7,
    "data": {"prompt": "Say hello.", "answer1": "Hello!", "answer2": "Go away."},
    "annotations": [
        {
            "completed_by": {"id": 3, "email": "ann@example.org"},
            "lead_time": 4.5,
            "was_cancelled": False,
            "result": [
                {
                    "from_name": "pw",
                    "to_name": "answer1,answer2",
                    "type": "pairwise",
                    "value": {"selected": "left"},
                }
            ],
        }
    ],
    "predictions": [],
}
RECORD: dict[str, Any] = {
    "id": "r1",
    "fields": FIELDS,
    "metadata": {},
    "suggestions": {"preference": {"value": ["response2", "response1"], "agent": "gpt-4o"}},
    "responses": {"preference": [{"value": ["response2", "response1"], "user_id": "u-1"}]},
    "status": "completed",
}
INSTANCE: dict[str, Any] = {
    "id": "i1",
    "user_id": "ann",
    "prompt": "Say hello.",
    "responses": ["Hello!", "Go away."],
    "label_annotations": {"preference": {"selection": "B"}},
}


@pytest.fixture
def store(sqlite_path: Path) -> Iterator[Store]:
    with Store.open(sqlite_path) as opened:
        yield opened


def read(store: Store, tmp_path: Path, *rows: Any) -> tuple[list[Any], dict[str, int]]:
    """(labeler, answer, chosen text) of each label after an import, and what was counted."""
    path = tmp_path / "export.json"
    path.write_text(json.dumps(rows))
    counts = import_file(store, path, guess_format(path))
    texts = {s.id: s.text for s in store.samples()}
    found = [(x.labeler, x.answer, texts.get(x.chosen or "")) for x in store.labels()]
    return found, counts


def annotated(**changes: Any) -> dict[str, Any]:
    """The task with another annotation; `value` is that of its result."""
    annotation = TASK["annotations"][0]
    result = annotation["result"][0] | {
        k: changes.pop(k) for k in ("value", "type") if k in changes
    }
    return TASK | {"annotations": [annotation | {"result": [result]} | changes]}


def answered(value: Any, **more: Any) -> dict[str, Any]:
    return RECORD | {"responses": {"preference": [{"value": value, "user_id": "u-1"} | more]}}


# Label Studio


def test_label_studio_is_read(store: Store, tmp_path: Path) -> None:
    found, counts = read(store, tmp_path, TASK)
    assert found == [("ann@example.org", "best", "Hello!")]
    [label] = store.labels()
    assert label.seconds == 4.5
    assert store.prompts()[0].text == "Say hello."
    assert store.imports.sources()[label.id] == ("person:ann@example.org",)
    assert counts["labels"] == 1


@pytest.mark.parametrize(
    ("value", "chosen"),
    [
        ({"selected": "right"}, "Go away."),
        ({"selected": "answer2"}, "Go away."),
        ({"selected": "answer1"}, "Hello!"),
        ({"selected": "none"}, None),
    ],
)
def test_label_studio_names_of_sides(
    store: Store, tmp_path: Path, value: dict[str, str], chosen: str | None
) -> None:
    [(labeler, answer, text)], _ = read(store, tmp_path, annotated(value=value, completed_by=3))
    assert (labeler, text) == ("user-3", chosen)
    assert answer == ("best" if chosen else "tie")


def test_label_studio_choices_and_cancelled_annotations(store: Store, tmp_path: Path) -> None:
    choice = annotated(type="choices", value={"choices": ["answer2"]}, lead_time=None)
    cancelled = annotated(was_cancelled=True)
    other = annotated(type="textarea", value={"text": ["fine"]})
    found, counts = read(store, tmp_path, choice, cancelled, other)
    assert found == [("ann@example.org", "best", "Go away.")]
    assert math.isnan(store.labels()[0].seconds)
    assert (counts["left_out_cancelled"], counts["left_out_no_comparison"]) == (1, 1)


def test_label_studio_tells_what_is_wrong(store: Store, tmp_path: Path) -> None:
    nameless = TASK | {"data": {"one": "a", "two": "b", "three": "c", "image": "d.png"}}
    strange = annotated(value={"selected": "middle"})
    with pytest.raises(InputError) as told:
        read(store, tmp_path, nameless, strange)
    assert "item 1: data holds no prompt with two texts" in str(told.value)
    assert "item 2: annotations[0].result[0].value selects 'middle'" in str(told.value)


# Argilla


@pytest.mark.parametrize(
    ("row", "chosen"),
    [
        (RECORD, "Go away."),
        (answered("response1"), "Hello!"),
        (
            answered([{"value": "response1", "rank": 1}, {"value": "response2", "rank": 2}]),
            "Hello!",
        ),
        (answered([{"value": "response1", "rank": 1}, {"value": "response2", "rank": 1}]), None),
        (
            RECORD
            | {
                "responses": [
                    {
                        "user_id": "u-1",
                        "status": "submitted",
                        "values": {"preference": {"value": "response2"}},
                    }
                ]
            },
            "Go away.",
        ),
        (
            FIELDS
            | {
                "id": "r1",
                "preference.responses": [["response1", "response2"]],
                "preference.responses.users": ["u-1"],
                "preference.responses.status": ["submitted"],
            },
            "Hello!",
        ),
    ],
    ids=["ranking", "label", "ranks", "equal ranks", "version 1", "flat"],
)
def test_argilla_is_read(
    store: Store, tmp_path: Path, row: dict[str, Any], chosen: str | None
) -> None:
    [(labeler, _, text)], _ = read(store, tmp_path, row)
    assert (labeler, text) == ("u-1", chosen)
    assert store.imports.sources() == {store.labels()[0].id: ("person:u-1",)}


def test_argilla_people_answer_one_comparison_and_drafts_are_left_out(
    store: Store, tmp_path: Path
) -> None:
    votes = [
        {"value": ["response1", "response2"], "user_id": "u-1"},
        {"value": ["response2", "response1"], "user_id": "u-2"},
        {"value": ["response2", "response1"], "user_id": "u-3", "status": "draft"},
    ]
    row = RECORD | {"responses": {"preference": votes, "why": [{"value": "x", "user_id": "u-1"}]}}
    found, counts = read(store, tmp_path, row)
    assert found == [("u-1", "best", "Hello!"), ("u-2", "best", "Go away.")]
    assert [len(c.sample_ids) for c in store.comparisons()] == [2]
    assert (counts["left_out_draft"], counts["left_out_no_comparison"]) == (1, 1)


def test_argilla_tells_what_is_wrong(store: Store, tmp_path: Path) -> None:
    vote = RECORD["responses"]["preference"]
    two = RECORD | {"responses": {"fluent": vote, "true": vote}}
    bare = RECORD | {"fields": {"text": "only one"}}
    with pytest.raises(InputError) as told:
        read(store, tmp_path, two, bare)
    assert "item 1: responses compare in 2 questions, fluent, true" in str(told.value)
    assert "item 2: fields hold no prompt with two texts" in str(told.value)


# Potato


@pytest.mark.parametrize(
    ("annotations", "chosen", "confidence"),
    [
        ({"preference": {"selection": "B"}}, "Go away.", None),
        ({"preference": {"selection": "A"}, "why": {"text_box": "nice"}}, "Hello!", None),
        ({"preference": {"selection": "tie"}}, None, None),
        ({"preference": {"scale_value": "-2"}}, "Hello!", 2.0),
        ({"preference": {"scale_value": "3"}}, "Go away.", 3.0),
        ({"preference": {"scale_value": "0"}}, None, 0.0),
        ({"preference": {"A": False, "B": True}}, "Go away.", None),
    ],
)
def test_potato_is_read(
    store: Store,
    tmp_path: Path,
    annotations: dict[str, Any],
    chosen: str | None,
    confidence: float | None,
) -> None:
    row = INSTANCE | {"label_annotations": annotations}
    [(labeler, _, text)], _ = read(store, tmp_path, row)
    assert (labeler, text) == ("ann", chosen)
    assert store.labels()[0].confidence == confidence


def test_potato_left_and_right(store: Store, tmp_path: Path) -> None:
    row = {k: v for k, v in INSTANCE.items() if k != "responses"}
    found, _ = read(store, tmp_path, row | {"left": "Hello!", "right": "Go away."})
    assert found == [("ann", "best", "Go away.")]


def test_potato_without_texts_is_told_to_be_joined(store: Store, tmp_path: Path) -> None:
    row = {"id": "i1", "label_annotations": INSTANCE["label_annotations"]}
    with pytest.raises(InputError, match="join the data file by id"):
        read(store, tmp_path, row)


def test_what_is_only_read_is_not_written(store: Store, tmp_path: Path) -> None:
    read(store, tmp_path, INSTANCE)
    with pytest.raises(InputError, match="potato is read and not written"):
        export_file(store, tmp_path / "x", "potato")


# Whose labels they are


def said_sources(name: str) -> ExchangeOptions:
    return ExchangeOptions(sources=lambda _: (name,))


def test_labels_that_an_earlier_version_imported_are_corrected(
    store: Store, tmp_path: Path
) -> None:
    """Version 0.1 wrote no event about them; the run's own labels stay its own."""
    store.people.add("ann", "labeler")
    rows = [RECORD, INSTANCE]
    paths = [tmp_path / f"{n}.json" for n in range(2)]
    for path, row in zip(paths, rows, strict=True):
        path.write_text(json.dumps([row]))
        import_file(store, path, guess_format(path))
    theirs, anns = store.labels()
    assert (theirs.labeler, anns.labeler) == ("u-1", "ann")
    change(store, "DELETE FROM events WHERE kind = 'labels_imported'")
    assert store.imports.sources() == {}
    for path in paths:
        import_file(store, path, guess_format(path), options=said_sources("model:x"))
    assert store.imports.sources() == {theirs.id: ("model:x",)}


def test_an_imported_label_is_no_persons_here(store: Store, tmp_path: Path) -> None:
    read(store, tmp_path, INSTANCE, INSTANCE | {"user_id": "synthetic-1"})
    store.people.add("ann", "labeler")
    record = labels_in_store(store)
    assert record is not None
    assert [(x.kind, x.labelers, x.labels) for x in record.labelers] == [("imported", 2, 2)]


def test_a_record_says_which_programs_labels_rest_on_and_names_nobody(
    store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "export.json"
    for row, name in ((RECORD, "gpt-4o"), (INSTANCE, "person:ann"), (TASK, "imported:trl")):
        path.write_text(json.dumps([row]))
        import_file(store, path, guess_format(path), options=said_sources(name))
    config = parse_run({"comparisons": {"labelers": "none"}}, "run.yaml")
    record = labels_record(store, store.labels(), [], config=config)
    assert (record.train, record.sources) == (3, ("gpt-4o",))
    assert labels_record(store, store.labels(), []).sources == ()


# What a stranger's file may do


def test_a_word_of_a_file_is_no_name_of_a_count(store: Store, tmp_path: Path) -> None:
    hostile = answered(["response1", "response2"], status="\x1b]0;mine\x07")
    draft = answered(["response1", "response2"], status="draft")
    found, counts = read(store, tmp_path, RECORD, hostile, draft)
    assert len(found) == 1
    left_out = {k: n for k, n in counts.items() if k.startswith("left_out")}
    assert left_out == {"left_out_not_submitted": 1, "left_out_draft": 1}


@pytest.mark.parametrize("rank", [None, "first", [1], True, math.nan])
def test_a_rank_that_is_no_number_is_told(store: Store, tmp_path: Path, rank: Any) -> None:
    ranking = [{"value": "response1", "rank": rank}, {"value": "response2", "rank": 1}]
    with pytest.raises(InputError, match="rank with something that is no number"):
        read(store, tmp_path, answered(ranking))
