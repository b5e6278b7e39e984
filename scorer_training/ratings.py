"""Rated sentences of Hutto & Gilbert 2014, from the source package of vaderSentiment (MIT).

The wheel lacks the ratings; the sdist has them in `additional_resources/hutto_ICWSM_2014.tar.gz`.
Run alone, this file fetches the package into the cache folder and prints what is in it.
"""

import json
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "vaderSentiment==3.3.2"
SDIST = "vaderSentiment-3.3.2.tar.gz"
INNER = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"
SOURCES = ("amazonReviewSnippets", "movieReviewSnippets", "nytEditorialSnippets", "tweets")
CACHE = Path.home() / ".cache" / "prefloop" / "ratings"


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """A sentence, the review or article it stands in, and what every rater said (-4 to 4)."""

    source: str
    group: str
    """Sentences of one review or article share it; a film quote or a tweet is its own group."""
    text: str
    ratings: tuple[int, ...]

    @property
    def mean(self) -> float:
        """Mean rating, -4 (extremely negative) to 4 (extremely positive)."""
        return sum(self.ratings) / len(self.ratings)


def load(cache: Path = CACHE) -> list[Sentence]:
    """Return all rated sentences, in the order of the files."""
    sdist = cache / SDIST
    if not sdist.exists():
        _download(cache)
    with tarfile.open(sdist) as outer, tarfile.open(fileobj=outer.extractfile(INNER)) as inner:
        return [s for source in SOURCES for s in _sentences(source, inner)]


def _download(cache: Path) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    flags = ["--no-deps", "--no-binary", ":all:", PACKAGE, "-d", str(cache)]
    subprocess.run([sys.executable, "-m", "pip", "download", *flags], check=True)


def _sentences(source: str, archive: tarfile.TarFile) -> Iterator[Sentence]:
    ratings = {
        row[0]: json.loads(row[3].strip('"')) for row in _rows(source, "anonDataRatings", archive)
    }
    for row in _rows(source, "GroundTruth", archive):
        key, text = row[0], row[2]
        group = key.split("_")[0] if "_" in key else text.casefold()
        yield Sentence(
            source=source, group=f"{source}/{group}", text=text, ratings=tuple(ratings[key])
        )


def _rows(source: str, kind: str, archive: tarfile.TarFile) -> Iterator[list[str]]:
    member = archive.extractfile(f"hutto_ICWSM_2014/{source}_{kind}.txt")
    if member is None:
        raise FileNotFoundError(f"{source}_{kind}.txt is not in the archive")
    for line in member.read().decode("utf-8-sig").splitlines():
        yield line.split("\t")


if __name__ == "__main__":
    sentences = load()
    for name in SOURCES:
        rated = [s for s in sentences if s.source == name]
        n_ratings = sum(len(s.ratings) for s in rated)
        sys.stdout.write(f"{name}: {len(rated)} sentences, {n_ratings} ratings\n")
