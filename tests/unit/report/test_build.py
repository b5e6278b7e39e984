"""The report of a whole run, of an empty one, and of one that holds hostile text."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from prefloop.errors import InputError
from prefloop.report.build import build_report
from prefloop.settings.report import ReportConfig
from prefloop.store.store import Store
from tests.unit.report.fake_run import SETTINGS, fake_task, make_run

VOID = {"meta", "br", "link", "img", "hr", "input"}


class Outline(HTMLParser):
    """Collects tags and attributes, and checks that they close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def _outline(page: str) -> Outline:
    outline = Outline()
    outline.feed(page)
    assert outline.open == []
    return outline


def _build(folder: Path, settings: dict[str, object]) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    with Store.open(folder / "prefloop.db") as store:
        path = build_report(
            folder, store, config=ReportConfig(), task=fake_task(), settings=settings
        )
    return path.read_text(encoding="utf-8")


def _figures(folder: Path) -> dict[str, object]:
    return json.loads((folder / "evaluation" / "round-1.json").read_text())


def test_the_verdict_stands_at_the_top_as_the_evaluation_found_it(
    fake_run: Path, page: str
) -> None:
    shown = re.search(r'class="verdict">([^<]*)<', page)
    assert shown is not None
    plain = shown[1].replace("\u2060", "").replace("\u202f", " ").strip()
    assert plain == _figures(fake_run)["verdict"]


def test_the_page_is_whole_and_needs_nothing_from_outside(page: str) -> None:
    outline = _outline(page)
    assert not outline.tags & {"script", "img", "link", "iframe", "object", "base"}
    links = [value or "" for name, value in outline.attributes if name in {"href", "src"}]
    assert links
    assert all(link.startswith(("#", "../")) for link in links)
    assert not [name for name, _ in outline.attributes if name.startswith("on")]
    assert "url(" not in page
    assert "@import" not in page


def test_links_lead_to_files_of_the_run(fake_run: Path, page: str) -> None:
    targets = set(re.findall(r'href="\.\./([^"]+)"', page)) - {"run.resolved.yaml"}
    assert "evaluation/round-1.json" in targets
    assert "rewards/round-0/trust.json" in targets
    assert [name for name in targets if not (fake_run / name).exists()] == []


def test_anchors_have_targets_and_ids_are_unique(page: str) -> None:
    ids = [value for name, value in _outline(page).attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)
    described = re.findall(r'aria-labelledby="([^"]+)"', page)
    assert {part for names in described for part in names.split()} <= set(ids)


def test_hostile_samples_are_text(page: str) -> None:
    assert "&lt;script&gt;alert(1)" in page, "the hostile prompt is shown"
    assert "<script>" not in page
    assert "⟨U+202E⟩" in page
    assert "\u202e" not in page


def test_pairs_are_drawn_by_lot_and_do_not_change(fake_run: Path) -> None:
    with Store.open(fake_run / "prefloop.db") as store:
        pages = [
            build_report(
                fake_run,
                store,
                config=ReportConfig(pairs=5),
                task=fake_task(),
                settings=SETTINGS | {"seed": seed},
            ).read_text(encoding="utf-8")
            for seed in (7, 7, 8)
        ]
    shown = [re.findall(r'class="ids">prompt (\w+)', page) for page in pages]
    assert shown[0] == shown[1] != shown[2]
    assert all(len(ids) == 5 for ids in shown)
    assert "drawn by lot with the run's seed (7)" in pages[0].replace("&#39;", "'")


def test_figures_on_the_page_are_those_of_the_files(fake_run: Path, page: str) -> None:
    figures = _figures(fake_run)
    text = page.replace("\u202f", " ")
    sentences = figures["copying"]["policy"]["novel_sentences"]["value"]
    assert f"<td>{100 * sentences:.0f} %" in text
    assert f">{figures['win_rate']['wins']}<" in text
    trust = json.loads((fake_run / "rewards" / "round-1" / "trust.json").read_text())
    assert f"{trust['validation']['calibration']['error']:.3f}" in text
    with Store.open(fake_run / "prefloop.db") as store:
        labels = store.labels()
    hours = sum(label.seconds for label in labels) / 3600
    assert f"{hours * 15:,.2f} USD" in text
    assert f"{len(labels)} labels by" in text


def test_an_empty_run_has_a_report_that_claims_nothing(tmp_path: Path) -> None:
    page = _build(tmp_path / "empty", SETTINGS)
    _outline(page)
    assert "was not judged: the run has no evaluation yet" in page
    assert page.count('class="absent"') >= 7
    assert "<svg" not in page
    assert " prefers " not in page


def test_settings_may_lack_sections(tmp_path: Path) -> None:
    _outline(_build(tmp_path / "bare", {}))


def test_without_a_judge_the_rest_is_still_shown(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "unjudged", rounds=1, n_held_out=6, judge=None)
    page = _build(folder, SETTINGS)
    assert "was not judged: no judge was asked" in page
    assert "Copying from the prompt" in page
    assert "tuned model preferred" not in page


def test_a_torn_figures_file_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "evaluation").mkdir()
    (tmp_path / "evaluation" / "round-0.json").write_text('{"round": 0')
    with pytest.raises(InputError, match=r"round-0\.json is not JSON .* run its stage again"):
        _build(tmp_path, SETTINGS)
