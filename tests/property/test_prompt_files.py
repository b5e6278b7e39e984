"""Whatever a prompt file holds: its passages come out of it, or an InputError that names it."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prefloop.errors import InputError
from prefloop.prompts.sources import FORMATS, read_passages
from prefloop.settings.prompts import PromptsConfig

NAMES = [f"p{ending}{packed}" for ending in FORMATS for packed in ("", ".gz")]

MARKS = ["text", "source", ",", ";", "|", '"', "'", "{", "}", "[", ":", "\\", r"\ud83d", r"\u0000"]
SPACES = ["\t", "\n", "\r", "\r\n", "\0", "\x85", "\u2028", "\ufeff", "sep=;\n", "NaN", "1e999"]
marks = st.sampled_from(MARKS + SPACES)
texts = st.lists(st.one_of(marks, st.text(max_size=5)), max_size=30).map("".join)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
objects = st.dictionaries(st.sampled_from(["text", "source", "more"]), values)
json_lines = st.lists(objects, max_size=5).map(lambda rows: "\n".join(map(json.dumps, rows)))
encodings = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1"])
written = st.builds(
    lambda text, encoding: text.encode(encoding, "replace"), st.one_of(texts, json_lines), encodings
)


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """Return a file as programs write it, and often a damaged one."""
    data = draw(st.one_of(written, st.binary(max_size=40)))
    if draw(st.booleans()):
        data = gzip.compress(data, mtime=0)
    if draw(st.booleans()):
        place = draw(st.integers(0, len(data)))
        data = data[:place] + draw(st.binary(max_size=3)) + data[place + draw(st.integers(0, 5)) :]
    return data


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=files(), reference=st.sampled_from([None, "source", "more", "text"]))
def test_passages_or_an_error_of_the_user(
    tmp_path: Path, name: str, data: bytes, reference: str | None
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    try:
        found = read_passages(PromptsConfig(source=str(path), reference_column=reference))
    except InputError as error:
        assert str(path) in str(error)
        return
    assert found.passages
    for passage in found.passages:
        assert passage.text.strip()
        for text in (passage.text, passage.source, passage.reference or ""):
            assert b"\0" not in text.encode("utf-8")


@settings(max_examples=100)
@given(source=st.one_of(st.text(max_size=60), st.text(min_size=1).map(lambda s: "builtin:" + s)))
def test_any_name_is_a_file_or_an_error_of_the_user(source: str) -> None:
    with pytest.raises(InputError):
        read_passages(PromptsConfig(source=source))
