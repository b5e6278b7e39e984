import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from prefloop.comparisons.exchange.formats import FORMATS, export_file, import_file
from prefloop.comparisons.exchange.importer import ExchangeOptions
from prefloop.errors import InputError, StoreError
from prefloop.records import Prompt, Split
from prefloop.seeding import stable_id
from prefloop.store.store import Store
from tests.unit.store.records_for_tests import comparison, fill, label, prompt, tie

BYTES = ExchangeOptions(
    encode=lambda text: list(text.encode()), decode=lambda ids: bytes(ids).decode()
)


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "empty.db") as store:
        yield store


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Store]:
    """Three questions; answers by two people, out of order, with a tie and a skip among them."""
    with Store.open(tmp_path / "full.db") as store:
        fill(store)
        store.add_labels(
            [
                label(0, question=2),
                label(1, question=0),
                label(2, question=0, labeler="bob"),
                tie(3, question=1),
                replace(tie(4, question=1, labeler="bob"), answer="skip", seconds=math.nan),
            ]
        )
        yield store


def write_lines(path: Path, *objects: Any) -> Path:
    path.write_text("".join(json.dumps(each) + "\n" for each in objects))
    return path


def texts_of_choices(store: Store) -> list[tuple[str, str]]:
    """(prompt's text, chosen text) of every answer that chose."""
    prompts = {p.id: p.text for p in store.prompts()}
    samples = {s.id: s for s in store.samples()}
    return [
        (prompts[samples[x.chosen].prompt_id], samples[x.chosen].text)
        for x in store.labels()
        if x.chosen is not None
    ]


# raw


def test_raw_loses_nothing(full: Store, empty: Store, tmp_path: Path) -> None:
    counts = export_file(full, tmp_path / "x.jsonl", "raw")
    assert counts == {"lines": 3, "labels": 5}
    assert import_file(empty, tmp_path / "x.jsonl", "raw") == {
        "lines": 3,
        "prompts": 3,
        "samples": 12,
        "comparisons": 3,
        "labels": 5,
    }
    assert empty.prompts() == full.prompts()
    assert sorted(empty.samples(), key=lambda s: s.id) == sorted(full.samples(), key=lambda s: s.id)
    assert empty.comparisons() == full.comparisons()
    assert repr(empty.labels()) == repr(full.labels())
    export_file(empty, tmp_path / "y.jsonl", "raw")
    assert (tmp_path / "y.jsonl").read_bytes() == (tmp_path / "x.jsonl").read_bytes()


def test_labels_that_a_rule_leaves_out_are_exported_and_counted(
    full: Store, tmp_path: Path
) -> None:
    before = export_file(full, tmp_path / "before.jsonl", "raw")
    names = {label.labeler for label in full.labels()}
    out = min(names)
    for rule in ("too fast", "gold"):
        full.exclusions.apply(rule, out, "seen", "olga")
    n_out = sum(label.labeler == out for label in full.labels())
    counts = export_file(full, tmp_path / "after.jsonl", "raw")
    assert counts == before | {"labels_of_excluded_labelers": n_out}
    assert (tmp_path / "after.jsonl").read_text() == (tmp_path / "before.jsonl").read_text()


def test_raw_keeps_comparisons_that_nobody_answered(
    empty: Store, full: Store, tmp_path: Path
) -> None:
    full.add_comparisons([replace(comparison(1), id="open")])
    export_file(full, tmp_path / "x.jsonl", "raw")
    import_file(empty, tmp_path / "x.jsonl", "raw")
    assert [c.id for c in empty.comparisons()] == ["c0", "c1", "c2", "open"]


def test_raw_refuses_a_label_that_names_an_unknown_sample(
    full: Store, empty: Store, tmp_path: Path
) -> None:
    path = tmp_path / "x.jsonl"
    export_file(full, path, "raw")
    path.write_text(path.read_text().replace('"chosen": "s2"', '"chosen": "s2x"'))
    with pytest.raises(InputError, match="line 1: label l1 chooses the unknown sample s2x"):
        import_file(empty, path, "raw")
    assert empty.prompts() == []


def test_raw_tells_every_problem_with_its_line(full: Store, empty: Store, tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    export_file(full, path, "raw")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[0]["samples"][1]["round"] = "0"
    del lines[0]["prompt"]["source"]
    lines[1]["labels"][0]["shown"] = ["s4"]
    lines[1]["prompt"]["split"] = "test"
    lines[2]["prefloop"] = 2
    write_lines(path, *lines)
    path.write_text(path.read_text() + "{not json\n[1]\n")
    with pytest.raises(InputError) as told:
        import_file(empty, path, "raw")
    message = str(told.value)
    assert "has 6 problems; nothing was stored" in message
    assert "line 1: samples[1].round is '0'; give a whole number" in message
    assert "line 1: prompt.source is missing; give a text" in message
    assert "line 2: prompt.split is 'test'; known are train, validation, held_out" in message
    assert "line 3: prefloop is 2; this prefloop reads 1" in message
    assert "line 4: is not JSON" in message
    assert "line 5: is [1]; give a JSON object" in message
    assert empty.prompts() == []


def test_raw_refuses_lines_that_contradict_each_other(
    full: Store, empty: Store, tmp_path: Path
) -> None:
    path = tmp_path / "x.jsonl"
    export_file(full, path, "raw")
    first = json.loads(path.read_text().splitlines()[0])
    second = json.loads(json.dumps(first))
    second["prompt"]["text"] = "other"
    write_lines(path, first, second)
    with pytest.raises(InputError, match="line 2: prompt p0 differs from the one of that id"):
        import_file(empty, path, "raw")


# TRL


def test_trl_writes_k_minus_1_pairs_and_leaves_ties_out(full: Store, tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    counts = export_file(full, path, "trl")
    assert counts == {"lines": 9, "labels": 3, "left_out_tie": 1, "left_out_skip": 1}
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert all(set(line) == {"prompt", "chosen", "rejected"} for line in lines)
    # Label l1 chose s2 among s0..s3 of prompt 0; worked by hand.
    assert lines[0] == {
        "prompt": "Prompt 0 says ünï\n",
        "chosen": " sample 2.",
        "rejected": " sample 0.",
    }
    assert [line["rejected"] for line in lines[:3]] == [" sample 0.", " sample 1.", " sample 3."]


def test_trl_is_read(empty: Store, tmp_path: Path) -> None:
    path = write_lines(
        tmp_path / "x.jsonl",
        *({"prompt": f"Q{i}", "chosen": f"good{i}", "rejected": f"bad{i}"} for i in range(40)),
    )
    assert import_file(empty, path, "trl")["labels"] == 40
    assert texts_of_choices(empty) == [(f"Q{i}", f"good{i}") for i in range(40)]
    labels = empty.labels()
    assert all(math.isnan(x.seconds) for x in labels)
    assert all(math.isnan(s.logprob) and s.ref_logprob is None for s in empty.samples())
    # The file has no order on screen; the chosen one must not always be first.
    assert 8 < sum(x.shown[0] == x.chosen for x in labels) < 32


def test_the_same_pair_twice_is_two_labels_and_the_same_file_twice_is_none(
    empty: Store, tmp_path: Path
) -> None:
    pair = {"prompt": "Q", "chosen": "a", "rejected": "b"}
    path = write_lines(tmp_path / "x.jsonl", pair, pair)
    assert import_file(empty, path, "trl")["labels"] == 2
    assert len(empty.labels()) == 2
    assert import_file(empty, path, "trl") == {
        "lines": 2,
        "prompts": 0,
        "samples": 0,
        "comparisons": 0,
        "labels": 0,
    }


def test_opposite_votes_stay_opposite(empty: Store, tmp_path: Path) -> None:
    path = write_lines(
        tmp_path / "x.jsonl",
        {"prompt": "Q", "chosen": "a", "rejected": "b"},
        {"prompt": "Q", "chosen": "b", "rejected": "a"},
    )
    import_file(empty, path, "trl")
    assert texts_of_choices(empty) == [("Q", "a"), ("Q", "b")]


def test_a_prompt_that_the_run_has_is_used_as_it_is(empty: Store, tmp_path: Path) -> None:
    mine = replace(prompt(), id=stable_id("prompt", "Q"), text="Q", split="validation")
    held = replace(prompt(), id=stable_id("prompt", "H"), text="H", split="held_out")
    empty.add_prompts([mine, held])
    pair = {"prompt": "Q", "chosen": "a", "rejected": "b"}
    import_file(empty, write_lines(tmp_path / "x.jsonl", pair), "trl")
    assert empty.prompts("validation") == [mine]
    assert [c.split for c in empty.comparisons()] == ["validation"]
    path = write_lines(tmp_path / "y.jsonl", pair | {"prompt": "H"})
    with pytest.raises(InputError, match="one prompt cannot do both"):
        import_file(empty, path, "trl")


def test_a_twin_of_a_known_prompt_has_its_split(empty: Store, tmp_path: Path) -> None:
    """Case, spacing and Unicode form do not count; the text is stored as it is written."""
    splits: tuple[Split, ...] = ("train", "validation", "held_out")
    known = [Prompt(id=s, text=f"The caf\u00e9 of {s}.", source="t", split=s) for s in splits]
    empty.add_prompts(known)
    pair = {"chosen": "a", "rejected": "b"}
    path = write_lines(
        tmp_path / "x.jsonl",
        pair | {"prompt": "the CAFE\u0301  of validation."},
        pair | {"prompt": "A new one."},
        pair | {"prompt": "a NEW one."},
    )
    import_file(empty, path, "trl")
    found = {p.text: p.split for p in empty.prompts()}
    assert found["the CAFE\u0301  of validation."] == "validation"
    assert found["A new one."] == found["a NEW one."]
    path = write_lines(tmp_path / "y.jsonl", pair | {"prompt": "THE CAF\u00c9 OF HELD_OUT."})
    with pytest.raises(InputError, match=r"line 1: prompt belongs to .* and to held_out before"):
        import_file(empty, path, "trl")
    skipping = ExchangeOptions(skips_held_out=True)
    assert import_file(empty, path, "trl", options=skipping)["left_out_held_out"] == 1


# 2019


def test_2019_is_read_as_the_paper_stored_it(empty: Store, tmp_path: Path) -> None:
    pad = 50259
    item = {
        "query": [pad, *b"Call me"],
        "sample0": [*b" a.", pad, pad],
        "sample1": [*b" Ish.", pad],
        "sample2": list(b" later"),
        "sample3": [*b" a.", pad, pad],
        "best": 1,
    }
    path = tmp_path / "labels.json"
    path.write_text(json.dumps([item, item | {"best": 3}]))
    assert import_file(empty, path, "openai_2019", options=BYTES)["labels"] == 2
    assert texts_of_choices(empty) == [("Call me", " Ish."), ("Call me", " a.")]
    first = empty.labels()[0]
    assert first.shown.index(str(first.chosen)) == 1
    assert empty.samples_by_id(first.shown)[first.shown[1]].response_ids == tuple(b" Ish.")
    assert len(set(first.shown)) == 4


def test_2019_is_written_with_fixed_shapes_and_the_best_where_it_was_shown(
    full: Store, tmp_path: Path
) -> None:
    path = tmp_path / "labels.json"
    full.add_label(label(9, question=2, labeler="eve"))
    export_file(full, path, "openai_2019", options=BYTES)
    items = json.loads(path.read_text())
    keys = {"query", "sample0", "sample1", "sample2", "sample3", "best"}
    assert all(set(item) == keys for item in items)
    assert len({len(item["query"]) for item in items}) == 1
    assert len({len(item[f"sample{i}"]) for item in items for i in range(4)}) == 1
    # Label l1: shown s0, s1, s2, s3; chosen s2.
    assert items[0]["best"] == 2
    assert bytes(i for i in items[0]["sample2"] if i < 256) == b" sample 2."


def test_2019_tells_what_is_wrong(empty: Store, tmp_path: Path) -> None:
    good = {"query": [65], **{f"sample{i}": [66 + i] for i in range(4)}, "best": 0}
    path = write_lines(
        tmp_path / "x.jsonl",
        good | {"best": 4},
        good | {"sample2": [1.5]},
        good | {"sample1": [70000]},
        {key: value for key, value in good.items() if key != "sample3"},
    )
    with pytest.raises(InputError) as told:
        import_file(empty, path, "openai_2019", options=BYTES)
    message = str(told.value)
    assert "line 1: best is 4; there are 4 to choose from, counted from 0" in message
    assert "line 2: sample2 is [1.5]; give a list of whole numbers" in message
    assert "line 3: sample1 holds ids that this tokenizer does not know" in message
    assert "line 4: sample3 is missing" in message
    assert empty.prompts() == []


def test_2019_needs_a_tokenizer(full: Store, tmp_path: Path) -> None:
    path = write_lines(tmp_path / "x.jsonl", {"query": [1]})
    with pytest.raises(InputError, match="name the model whose tokenizer made them"):
        import_file(full, path, "openai_2019")
    with pytest.raises(InputError, match="name the model whose tokenizer encodes the texts"):
        export_file(full, path, "openai_2019")


def test_2019_leaves_out_what_is_not_best_of_4(tmp_path: Path) -> None:
    with Store.open(tmp_path / "two.db") as store:
        fill(store, k=2)
        store.add_label(label(k=2))
        with pytest.raises(InputError, match=r"left_out_size 1.*raw takes everything"):
            export_file(store, tmp_path / "x.json", "openai_2019", options=BYTES)
    assert not (tmp_path / "x.json").exists()


# 2020

POST = {
    "info": {"id": "t3_x", "post": "I did it.", "title": "TIFU", "subreddit": "tifu"},
    "summaries": [
        {"text": " short", "policy": "sup2", "note": "curt"},
        {"text": " long", "policy": "ref", "note": None},
    ],
    "choice": 1,
    "worker": "W1",
    "batch": "batch7",
    "split": "valid1",
    "extra": {"confidence": 8},
}
NEWS = {
    "info": {"id": "n1", "article": "It rained.", "title": None, "site": "bbc"},
    "summaries": [{"text": "a", "policy": "p"}, {"text": "b", "policy": "q"}],
    "choice": 0,
    "worker": "W2",
    "extra": {},
}


def test_2020_is_read(empty: Store, tmp_path: Path) -> None:
    path = write_lines(tmp_path / "x.json", POST, NEWS)
    import_file(empty, path, "openai_2020")
    post, news = empty.prompts()
    assert post.text == "SUBREDDIT: r/tifu\n\nTITLE: TIFU\n\nPOST: I did it."
    assert (post.split, post.source) == ("validation", "openai_2020:t3_x")
    assert (news.text, news.split) == ("It rained.", "train")
    assert texts_of_choices(empty) == [(post.text, " long"), (news.text, "a")]
    first = empty.labels()[0]
    assert (first.labeler, first.instructions, first.confidence) == ("W1", "batch7", 8.0)
    assert first.note == "curt"
    models = [empty.samples_by_id(first.shown)[i].model for i in first.shown]
    assert models == ["imported/sup2", "imported/ref"]


def test_2020_two_workers_answer_one_comparison_whatever_the_order(
    empty: Store, tmp_path: Path
) -> None:
    swapped = POST | {"summaries": POST["summaries"][::-1], "choice": 0, "worker": "W9"}  # type: ignore[index]
    import_file(empty, write_lines(tmp_path / "x.json", POST, swapped), "openai_2020")
    assert len(empty.comparisons()) == 1
    one, two = empty.labels()
    assert one.chosen == two.chosen
    assert one.shown == two.shown[::-1]


def test_2020_refuses_one_prompt_in_two_splits(empty: Store, tmp_path: Path) -> None:
    path = write_lines(tmp_path / "x.json", POST, POST | {"split": "train"})
    with pytest.raises(InputError, match="line 2: prompt belongs to train here and to validation"):
        import_file(empty, path, "openai_2020")


def test_2020_comes_back(full: Store, empty: Store, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    assert export_file(full, path, "openai_2020")["lines"] == 9
    import_file(empty, path, "openai_2020")
    assert set(texts_of_choices(empty)) == set(texts_of_choices(full))
    assert {x.labeler for x in empty.labels()} == {"ann", "bob"}
    assert {(x.instructions, x.confidence, x.note) for x in empty.labels()} == {("3", 0.7, "näh")}


def test_2020_tells_what_is_wrong(empty: Store, tmp_path: Path) -> None:
    path = write_lines(
        tmp_path / "x.json",
        POST | {"choice": 2},
        POST | {"summaries": [{"text": 3}]},
        {key: value for key, value in POST.items() if key not in ("info", "worker")},
        POST | {"split": "holdout"},
        POST | {"choice": True},
        POST | {"info": {"id": "\ud83d", "post": "A post."}},
    )
    with pytest.raises(InputError) as told:
        import_file(empty, path, "openai_2020")
    message = str(told.value)
    assert "line 1: choice is 2; there are 2 to choose from" in message
    assert "line 2: summaries[0].text is 3; give a text" in message
    assert "line 2: summaries has 1 of them; it takes two to choose" in message
    assert "line 3: info is missing; give an object" in message
    assert "line 3: worker is missing; give a text" in message
    assert "line 4: split is 'holdout'; known are train, valid" in message
    assert "line 6: info.id holds half of a character" in message
    assert "line 5: choice is True; give a whole number" in message
    assert "info.post" not in message


# every format


@pytest.mark.parametrize("format", sorted(FORMATS))
def test_a_file_that_cannot_be_read_is_told(empty: Store, tmp_path: Path, format: str) -> None:
    path = tmp_path / "x"
    with pytest.raises(InputError, match="cannot be read"):
        import_file(empty, path, format, options=BYTES)
    path.write_text("\n\n")
    with pytest.raises(InputError, match="is empty"):
        import_file(empty, path, format, options=BYTES)
    path.write_bytes(b"\x1f\x8b\x08\xff")
    with pytest.raises(InputError, match="is no complete gzip file"):
        import_file(empty, path, format, options=BYTES)
    path.write_bytes(b"\n\xff")
    with pytest.raises(InputError, match="is not UTF-8: line 2 has the byte 0xff"):
        import_file(empty, path, format, options=BYTES)
    path.write_text("[{}")
    with pytest.raises(InputError, match="begins like a JSON array"):
        import_file(empty, path, format, options=BYTES)
    with pytest.raises(InputError, match=r"Nothing in the store fits|is read and not written"):
        export_file(empty, path, format, options=BYTES)


def test_half_a_character_is_told_wherever_it_stands(
    full: Store, empty: Store, tmp_path: Path
) -> None:
    path = tmp_path / "x.jsonl"
    export_file(full, path, "raw")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[0]["labels"][0]["details"] = {"why": ["\ud83d"]}
    lines[0]["labels"][0]["note"] = "a \0 b"
    lines[1]["comparison"]["sample_ids"][0] += "\udc00"
    write_lines(path, *lines)
    with pytest.raises(InputError) as told:
        import_file(empty, path, "raw")
    assert "line 1: labels[0].details holds half of a character" in str(told.value)
    assert "line 1: labels[0].note holds the null character" in str(told.value)
    assert "line 2: comparison.sample_ids holds half of a character" in str(told.value)
    path.write_text("[" * 100_000)
    with pytest.raises(InputError, match="begins like a JSON array and is none: maximum recurs"):
        import_file(empty, path, "raw")


def test_a_problem_of_a_thousand_lines_is_told_once(empty: Store, tmp_path: Path) -> None:
    lines: list[dict[str, Any]] = [{"prompt": "a", "chosen": "b"} for _ in range(1000)]
    lines += [{"prompt": "a", "chosen": "b", "rejected": i} for i in (7, {"a": 1})]
    with pytest.raises(InputError) as told:
        import_file(empty, write_lines(tmp_path / "x", *lines), "trl")
    heading, *kinds = str(told.value).splitlines()
    assert heading.endswith("has 1002 problems; nothing was stored:")
    assert kinds == [
        "  - line 1: rejected is missing; give a text (1000 lines: 1, 2, 3 and 997 more)",
        "  - line 1001: rejected is 7; give a text (2 lines: 1001, 1002)",
    ]


def test_what_contradicts_the_store_is_refused_whole(full: Store, tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    export_file(full, path, "raw")
    path.write_text(path.read_text().replace(" sample 0.", " other."))
    with pytest.raises(StoreError, match="sample s0 is stored already with another text"):
        import_file(full, path, "raw")


def test_an_unknown_format_is_told(empty: Store, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no format 'csv'; known are raw, openai_2019"):
        import_file(empty, tmp_path / "x", "csv")
