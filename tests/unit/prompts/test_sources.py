"""Prompt files are read as they are; what is wrong is told with line, column and advice."""

import csv
import gzip
import os
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


def test_json_arrays_of_objects_and_of_texts(tmp_path: Path) -> None:
    found = read(
        tmp_path / "p.json", '[{"text": "One", "tldr": "1"}, "Two"]', reference_column="tldr"
    )
    assert found == [
        Passage(text="One", source="p.json, item 1", reference="1"),
        Passage(text="Two", source="p.json, item 2"),
    ]


def test_tables_of_arrow_are_read_as_labels_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rows(path: Path) -> list[tuple[str, dict[str, str]]]:
        return [("row 1", {"text": path.name})]

    monkeypatch.setattr("prefloop.row_files.read.arrow_rows", rows)
    (tmp_path / "folder").mkdir()
    assert read(tmp_path / "p.parquet", b"") == [
        Passage(text="p.parquet", source="p.parquet, row 1")
    ]
    found = read_passages(PromptsConfig(source=str(tmp_path / "folder"))).passages
    assert found == [Passage(text="folder", source="folder, row 1")]


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


def test_a_text_file_has_one_prompt_per_line_feed(tmp_path: Path) -> None:
    """U+2028, U+0085 and form feeds end no line: `str.splitlines` would make six prompts of it."""
    content = "First\u2028still first\nSecond\x0cstill second\r\nThird\x85still third\n"
    assert [(p.text, p.source) for p in read(tmp_path / "p.txt", content)] == [
        ("First\u2028still first", "p.txt, line 1"),
        ("Second\x0cstill second", "p.txt, line 2"),
        ("Third\x85still third", "p.txt, line 3"),
    ]


def test_a_cell_may_be_as_long_as_it_likes(tmp_path: Path) -> None:
    long = "A long walk. " * 12_000
    before = csv.field_size_limit()
    assert read(tmp_path / "p.csv", f'text\n"{long}"\nOne\n')[0].text == long.strip()
    assert csv.field_size_limit() == before


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("p.csv", "text;source\nHello, there;me\nGood day;you\n"),
        ("p.csv", "source\ttext\nme\tHello, there\nyou\tGood day\n"),
        ("p.csv", "text|a;b|c,d\nHello, there|x|y\nGood day|x|y\n"),
        ("p.csv", "sep=;\r\ntext;source\r\nHello, there;me\r\nGood day;you\r\n"),
        ("p.tsv", 'text,n\n"Hello, there",1\nGood day,2\n'),
        ("p.csv", ' text , n\n"Hello, there",1\nGood day,2\n'),
        ("p.csv", "text;n\nHello, there;1\nGood day;2\n".encode("utf-16")),
        ("p.csv", gzip.compress(b"text;n\nHello, there;1\nGood day;2\n", mtime=0)),
    ],
    ids=["semicolon", "tab", "bar", "declared", "comma in tsv", "spaces", "utf-16", "gzip"],
)
def test_the_first_line_says_the_separator(tmp_path: Path, name: str, content: str | bytes) -> None:
    assert [p.text for p in read(tmp_path / name, content)] == ["Hello, there", "Good day"]


def test_a_column_that_looks_like_several_is_not_advised(tmp_path: Path) -> None:
    told = refusal(tmp_path / "p.csv", "text:source\nHello there:me\n")
    assert "put a comma, semicolon or tab between the columns" in told
    assert "prompts.text_column=" not in told


def test_rows_without_text_are_counted_and_left_out(tmp_path: Path) -> None:
    """A blank line of a text file, such as the end of its last line, is no row."""
    (tmp_path / "p.txt").write_text("One\n\n \nTwo\n")
    assert read_passages(PromptsConfig(source=str(tmp_path / "p.txt"))).n_empty == 0
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
        ("p.docx", "x", "ends in '.docx', which cannot be read. Save it as .jsonl"),
        ("p.json", "[1]", "item 1: is no object with keys and no text; found 1"),
        ("p.json", '[{"text": 7}]', "item 1: 'text' is not text; found 7"),
        ("p.json", '[{"txt": "x"}]', "no column 'text'; there are 'txt'"),
        ("p.json", "[]", "no text: all 0 rows are empty"),
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
        ("p.csv", "text;n;text\nA;1;B\n", "line 1: the column 'text' is there twice"),
        ("p.csv", "sep=;\ntext;n\nA;1;2\n", "line 3: 1 more cells than there are columns"),
        ("p.jsonl", r'{"text": "A \ud83d B"}', "line 1: 'text' holds half of a character"),
        ("p.jsonl", r'{"text": "A \u0000 B"}', "line 1: 'text' holds the null character"),
        ("p.jsonl", "[" * 100_000, "line 1: not JSON (maximum recursion depth"),
        ("p.txt", b"A\nB\0C\n", "is no plain text: line 2 holds a zero byte"),
        ("p.txt", "A\nB\n".encode("utf-16-le"), "It may be UTF-16 without a byte-order mark"),
        ("p.txt", b"\xff\xfeA\0\n", "is damaged UTF-16: truncated data in line 1"),
        ("p.csv", b"PK\x03\x04rest", "is a zip archive or a workbook. Unpack it"),
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


def test_a_reference_with_half_a_character_is_told_too(tmp_path: Path) -> None:
    content = r'{"text": "One", "tldr": "\udc00"}'
    told = refusal(tmp_path / "p.jsonl", content, reference_column="tldr")
    assert "line 1: 'tldr' holds half of a character" in told


def test_a_source_that_cannot_be_stored_gives_way_to_the_line(tmp_path: Path) -> None:
    content = r'{"text": "One", "source": "\ud800"}'
    assert read(tmp_path / "p.jsonl", content)[0].source == "p.jsonl, line 1"


def test_what_the_system_refuses_is_told_with_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for source in ("x" * 5000 + ".txt", "builtin:" + "x" * 5000, "~nobody-at-all/p.txt"):
        with pytest.raises(InputError, match=f"prompt file {source} cannot be looked at"):
            read_passages(PromptsConfig(source=source))
    os.mkfifo(tmp_path / "p.txt")
    with pytest.raises(InputError, match=r"p\.txt is no ordinary file"):
        read_passages(PromptsConfig(source=str(tmp_path / "p.txt")))
    (tmp_path / "q.txt").write_text("One\n")

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(InputError, match=r"q\.txt cannot be read: Permission denied\."):
        read_passages(PromptsConfig(source=str(tmp_path / "q.txt")))


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
