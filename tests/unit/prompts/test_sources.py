"""Prompt files are read as they are; what is wrong is told with line, column and advice."""

import gzip
from pathlib import Path

import pytest

from prefloop.errors import InputError
from prefloop.prompts.passages import Passage
from prefloop.prompts.sources import read_passages
from prefloop.settings.prompts import PromptsConfig

# No time of packing in it: the bytes name the tests, and two workers must collect the same.
PACKED = gzip.compress(b'{"text": "One"}\n' * 99, mtime=0)


def read(path: Path, content: str | bytes, **settings: str) -> list[Passage]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_passages(PromptsConfig.model_validate({"source": str(path), **settings})).passages


def refusal(path: Path, content: str | bytes, **settings: str) -> str:
    with pytest.raises(InputError) as caught:
        read(path, content, **settings)
    return str(caught.value)


def test_json_lines_give_text_source_and_reference(tmp_path: Path) -> None:
    content = (
        '{"text": "One", "source": "a book", "tldr": "1"}\n'
        "\n"
        '{"text": " Two ", "tldr": null, "more": [1]}\n'
        '{"text": "Three"}'
    )
    assert read(tmp_path / "p.jsonl", content, reference_column="tldr") == [
        Passage(text="One", source="a book", reference="1"),
        Passage(text="Two", source="p.jsonl, line 3"),
        Passage(text="Three", source="p.jsonl, line 4"),
    ]


def test_csv_cells_may_hold_commas_quotes_and_lines(tmp_path: Path) -> None:
    content = 'id,post,title\r\n1,"He said ""no"", then\nleft",A title\r\n2,Two,\r\n'
    found = read(tmp_path / "p.csv", content, text_column="post", reference_column="title")
    assert found == [
        Passage(text='He said "no", then\nleft', source="p.csv, line 3", reference="A title"),
        Passage(text="Two", source="p.csv, line 4"),
    ]


def test_tabs_and_plain_lines_and_gzip_are_read(tmp_path: Path) -> None:
    assert read(tmp_path / "p.tsv", "text\tn\na, b\t1\n")[0].text == "a, b"
    assert [p.text for p in read(tmp_path / "p.txt", "One\n\n Two\n")] == ["One", "Two"]
    packed = gzip.compress(b'{"text": "One"}\n')
    assert read(tmp_path / "p.jsonl.gz", packed)[0].text == "One"


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    assert read(tmp_path / "p.csv", b"\xef\xbb\xbftext\nOne\n")[0].text == "One"


def test_rows_without_text_are_counted_and_left_out(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("text,n\nOne,1\n,2\n  ,3\n")
    found = read_passages(PromptsConfig(source=str(tmp_path / "p.csv")))
    assert ([p.text for p in found.passages], found.n_empty) == (["One"], 2)
    (tmp_path / "p.jsonl").write_text('{"text": "One"}\n{"id": 2}\n{"text": null}\n')
    found = read_passages(PromptsConfig(source=str(tmp_path / "p.jsonl")))
    assert ([p.text for p in found.passages], found.n_empty) == (["One"], 2)


def test_the_built_in_fiction_is_there() -> None:
    found = read_passages(PromptsConfig(source="builtin:fiction"))
    assert len(found.passages) > 1000
    assert found.n_empty == 0
    assert all(p.text and p.source for p in found.passages)


def test_a_missing_file_is_told_with_a_guess(tmp_path: Path) -> None:
    (tmp_path / "prompts.jsonl").write_text("{}")
    with pytest.raises(InputError, match=r"does not exist.*Did you mean .*prompts\.jsonl\?"):
        read_passages(PromptsConfig(source=str(tmp_path / "promts.jsonl")))
    with pytest.raises(InputError, match="is a folder"):
        read_passages(PromptsConfig(source=str(tmp_path)))
    with pytest.raises(InputError, match="'builtin:fictoin' is not built in; there is builtin:fic"):
        read_passages(PromptsConfig(source="builtin:fictoin"))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("p.jsonl", "", "is empty. It needs one prompt a line"),
        ("p.txt", " \n\n", "is empty. It needs one prompt a line"),
        ("p.parquet", "x", "ends in '.parquet', which cannot be read. Save it as .jsonl"),
        ("p.jsonl", b'{"text": "One"}\n{"text": "\xff"}', "not UTF-8: line 2 has the byte 0xff"),
        ("p.jsonl.gz", b"not gzip", "is no complete gzip file"),
        ("p.jsonl.gz", PACKED[:-9], "is no complete gzip file"),
        ("p.jsonl.gz", PACKED[:12] + b"\xff" + PACKED[13:], "is no complete gzip file"),
        ("p.jsonl", '{"text": "One"}\n{"text": "Tw', "line 2: not JSON (Unterminated string"),
        ("p.jsonl", '"One"\n', 'line 1: not an object with keys; found "One"'),
        ("p.jsonl", '{"text": 5}\n', "line 1: 'text' is not text; found 5"),
        ("p.csv", "text\nOne, two\n", "line 2: 1 more cells than there are columns"),
        ("p.csv", 'text\n"One\n', "after line 1: unexpected end of data; is a quotation"),
        ("p.csv", "text,n\n,1\n,2\n", "no text: all 2 rows are empty in 'text'"),
        ("p.csv", "text\n", "no text: all 0 rows are empty in 'text'"),
    ],
)
def test_a_bad_file_is_told(tmp_path: Path, name: str, content: str | bytes, words: str) -> None:
    told = refusal(tmp_path / name, content)
    assert str(tmp_path / name) in told
    assert words in told


def test_a_missing_column_is_told_with_those_found_and_a_guess(tmp_path: Path) -> None:
    told = refusal(tmp_path / "p.csv", "id,texts\n1,One\n")
    assert "no column 'text'; there are 'id', 'texts'" in told
    assert "did you mean prompts.text_column=texts?" in told
    told = refusal(tmp_path / "p.jsonl", '{"a": "One", "b": "Two"}\n')
    assert "no column 'text'; there are 'a', 'b'; set prompts.text_column to one of them" in told
    told = refusal(tmp_path / "p.jsonl", '{"text": "One", "tl": "1"}\n', reference_column="tldr")
    assert "did you mean prompts.reference_column=tl?" in told


def test_all_problems_are_told_at_once_and_the_rest_is_counted(tmp_path: Path) -> None:
    lines = ["rubbish"] * 14 + ['{"txt": "One"}']
    told = refusal(tmp_path / "p.jsonl", "\n".join(lines)).splitlines()
    assert told[0].endswith("has 15 problems:")
    assert told[1].startswith("  - line 1: not JSON")
    assert told[-1] == "  - and 5 more"
    assert len(told) == 12
    few = refusal(tmp_path / "p.jsonl", '{"txt": "One"}\nrubbish\n').splitlines()
    assert few[0].endswith("has 2 problems:")
    assert "line 2" in few[1]
    assert "did you mean prompts.text_column=txt?" in few[2]
