"""A file of labels in any format, with one thing in it exchanged, is read or refused in words."""

import copy
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prefloop.comparisons.exchange.formats import FORMATS, export_file, import_file
from prefloop.comparisons.exchange.importer import ExchangeOptions
from prefloop.errors import PrefloopError
from prefloop.records import Comparison, Label, Prompt, Sample
from prefloop.store.store import Store

OPTIONS = ExchangeOptions(
    encode=lambda text: list(text.encode()),
    decode=lambda ids: bytes(ids).decode("utf-8", "replace"),
)
TURNS = [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]
OTHER = [TURNS[0], {"role": "assistant", "content": [{"type": "text", "text": "B"}]}]
ROWS: dict[str, list[Any]] = {
    "trl": [
        {"prompt": "Q", "chosen": "A", "rejected": "B", "margin": 0.5},
        {"chosen": TURNS, "rejected": OTHER},
    ],
    "hh": [{"chosen": "\n\nHuman: Q\n\nAssistant: A", "rejected": "\n\nHuman: Q\n\nAssistant: B"}],
    "openai_2019": [{"query": [81], **{f"sample{i}": [65 + i] for i in range(4)}, "best": 1}],
    "openai_2020": [
        {
            "info": {"id": "t3", "post": "Q", "title": "T", "subreddit": "s"},
            "summaries": [{"text": t, "policy": "p", "note": "n"} for t in "AB"],
            "choice": 1,
            "worker": "W",
            "batch": "b",
            "split": "train",
            "extra": {"confidence": 3, "strength": "slightly", "reasons": ["r"]},
        }
    ],
    "label_studio": [
        {
            "id": 1,
            "data": {"prompt": "Q", "answer1": "A", "answer2": "B"},
            "annotations": [
                {
                    "completed_by": {"email": "ann"},
                    "lead_time": 3.5,
                    "was_cancelled": False,
                    "result": [
                        {
                            "type": "pairwise",
                            "to_name": "answer1,answer2",
                            "value": {"selected": "left"},
                        }
                    ],
                }
            ],
        }
    ],
    "argilla": [
        {
            "id": "1",
            "fields": {"prompt": "Q", "response1": "A", "response2": "B"},
            "responses": {"preference": [{"value": ["response2", "response1"], "user_id": "u"}]},
        },
        {
            "prompt": "Q",
            "response1": "A",
            "response2": "B",
            "preference.responses": [[{"value": "response1", "rank": 1}]],
            "preference.responses.users": ["u"],
            "preference.responses.status": ["submitted"],
        },
        {
            "fields": {"prompt": "Q", "response1": "A", "response2": "B"},
            "responses": [{"user_id": "u", "status": "submitted", "values": {"p": "response1"}}],
        },
    ],
    "potato": [
        {
            "id": "1",
            "user_id": "u",
            "prompt": "Q",
            "responses": ["A", "B"],
            "label_annotations": {"preference": {"scale_value": "-2"}},
        }
    ],
    "raw": [],
}
"""Rows as each format has them; those of `raw` come from a store."""

ABSURD: list[Any] = [
    *(None, True, 0, -1, 10**400, 1e308, float("nan"), float("inf"), "", "\ud83d", "a\0b"),
    *([], {}, [None], {"": None}, [[1]], "1e999", 2**40),
]


@pytest.fixture(scope="module")
def raw_row(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A line of prefloop's own format."""
    folder = tmp_path_factory.mktemp("raw")
    with Store.open(folder / "a.db") as store:
        store.add_prompts([Prompt(id="p", text="Q", source="here", split="train")])
        drawn: dict[str, Any] = {
            "prompt_id": "p",
            "model": "m",
            "round": 0,
            "response_ids": (1,),
            "is_ended": True,
        }
        texts: list[dict[str, Any]] = [
            {"id": f"s{i}", "text": text, **drawn} for i, text in enumerate("AB")
        ]
        store.add_samples(
            [Sample(purpose="labels", logprob=-1.0, ref_logprob=-1.0, **each) for each in texts]
        )
        ids = ("s0", "s1")
        store.add_comparisons(
            [Comparison(id="c", prompt_id="p", sample_ids=ids, round=0, split="train")]
        )
        store.add_labels(
            [
                Label(
                    id="l",
                    comparison_id="c",
                    labeler="ann",
                    answer="best",
                    chosen="s1",
                    shown=ids,
                    seconds=1.5,
                    instructions="1",
                )
            ]
        )
        export_file(store, folder / "raw.jsonl", "raw")
    row: dict[str, Any] = json.loads((folder / "raw.jsonl").read_text())
    return row


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of everything in a row."""
    if not isinstance(value, dict | list):
        return
    for key, each in value.items() if isinstance(value, dict) else enumerate(value):
        yield (*path, key)
        yield from places(each, (*path, key))


def exchanged(row: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Return a row in which another value stands at a place."""
    changed = place = copy.deepcopy(row)
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return changed


@pytest.mark.parametrize("format", sorted(FORMATS))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_value_of_another_kind_anywhere(
    format: str,
    raw_row: dict[str, Any],
    sqlite_template: Path,
    tmp_path: Path,
    data: st.DataObject,
) -> None:
    row = data.draw(st.sampled_from(ROWS[format] or [raw_row]))
    path = data.draw(st.sampled_from(list(places(row))))
    shutil.copy(sqlite_template, tmp_path / "a.db")
    check(tmp_path, format, exchanged(row, path, data.draw(st.sampled_from(ABSURD))))


def check(folder: Path, format: str, row: Any) -> None:
    """Fail unless a row is imported, and can be exported again, or refused in words."""
    file = folder / "labels.jsonl"
    file.write_text(json.dumps(row) + "\n")
    with Store.open(folder / "a.db") as store:
        try:
            import_file(store, file, format, options=OPTIONS)
        except PrefloopError as error:
            assert "labels.jsonl" in str(error), error
            return
        if store.labels():
            export_file(store, folder / "out.jsonl", "raw")
