"""The report shows what the labels reward, with its numbers."""

import re
import shutil
from pathlib import Path

import pytest

from prefloop.audits.findings import left_out_lines
from prefloop.audits.labels import audit_labels, write_label_audit
from prefloop.figures.estimate import EstimateFigure
from prefloop.figures.label_audit import LabelAuditFigures, ShortcutFigures
from prefloop.figures.label_audit_text import differences, together_sentence
from prefloop.figures.text import percent
from prefloop.progress import Silent
from prefloop.report.build import build_report
from prefloop.report.charts.shortcuts import shortcut_chart
from prefloop.store.store import Store
from tests.unit.report.fake_run import fake_config


@pytest.fixture
def audited(fake_run: Path, tmp_path: Path) -> tuple[Path, LabelAuditFigures, str]:
    """A run whose labels were audited: the folder, the figures, and the page."""
    folder = Path(shutil.copytree(fake_run, tmp_path / "run"))
    with Store.open(folder / "prefloop.db") as store:
        figures = audit_labels(store, fake_config(), folder, Silent())
        write_label_audit(folder, figures)
        page = build_report(folder, store, fake_config()).read_text("utf-8")
    return folder, figures, page.replace("\u202f", " ").replace("\u2060", "")


def test_the_section_has_the_figures_of_the_file(
    audited: tuple[Path, LabelAuditFigures, str],
) -> None:
    _, figures, page = audited
    section = page[page.index('id="audit"') : page.index('id="rewards"')]
    assert figures.shortcuts
    for shortcut in figures.shortcuts:
        assert f'<th scope="row">{shortcut.title}</th>' in section
        assert percent(shortcut.agreement.value) in section
    assert f"{figures.choices} choices" in section
    assert together_sentence(figures) in section
    assert differences(figures) != []
    assert all(text in section for text in differences(figures))
    assert "How far simple rules agree with the labelers" in section
    assert all(finding.message in section for finding in figures.findings)
    assert '<a href="../audits/labels.json">' in section
    assert "<dfn>shortcuts</dfn>" in section and "<dfn>log-odds</dfn>" in section
    assert figures.left_out
    assert all(line in section for line in left_out_lines(figures.left_out))


def test_a_page_in_another_folder_links_to_the_audit_and_says_how_it_was_made(
    audited: tuple[Path, LabelAuditFigures, str], tmp_path: Path
) -> None:
    folder, figures, _ = audited
    with Store.open(folder / "prefloop.db") as store:
        path = build_report(folder, store, fake_config(), to=tmp_path / "a" / "way")
    page = path.read_text("utf-8")
    links = re.findall(r'href="([^"]*labels\.json)"', page)
    assert len(links) == 2
    assert all((path.parent / link).resolve() == folder / "audits/labels.json" for link in links)
    assert figures.shortcuts[0].agreement.how in page.replace("\u2060", "")
    listed = page[page.index("<h3>Files</h3>") :]
    assert "audits/labels.json" in listed and "audits/canaries.json" not in listed


def test_without_an_audit_the_page_says_how_to_get_one(fake_run: Path, tmp_path: Path) -> None:
    # Into another folder: the run and its report are shared by all tests.
    with Store.open(fake_run / "prefloop.db") as store:
        page = build_report(fake_run, store, fake_config(), to=tmp_path).read_text("utf-8")
    assert "the labels were not audited (see `prefloop audit labels`)" in page


def test_too_few_labels_are_no_chart(audited: tuple[Path, LabelAuditFigures, str]) -> None:
    folder, _, _ = audited
    config = fake_config(audits={"least_choices": 5000})
    with Store.open(folder / "prefloop.db") as store:
        write_label_audit(folder, audit_labels(store, config, folder, Silent()))
        page = build_report(folder, store, config).read_text("utf-8")
    section = page[page.index('id="audit"') : page.index('id="rewards"')]
    assert "5,000 are needed" in section
    assert "<svg" not in section


def shortcut(name: str, value: float, low: float, high: float) -> ShortcutFigures:
    def estimate(value: float, low: float, high: float) -> EstimateFigure:
        return EstimateFigure(
            value=value, low=low, high=high, confidence=0.95, n=200, n_clusters=8, how="made up"
        )

    return ShortcutFigures(
        name=name,
        title=name,
        counts=f"counts {name}",
        unit=1.0,
        coefficient=estimate(0.5, 0.1, 0.9),
        alone=estimate(0.5, 0.1, 0.9),
        agreement=estimate(value, low, high),
        skill=0.3,
        is_beyond_chance=True,
        when_fast=None,
        is_stronger_when_fast=False,
        spread=None,
        versions=(),
    )


def test_the_chart_draws_each_rule_beside_chance_and_the_reward_model() -> None:
    rows = [shortcut("<b>copies", 0.7, 0.6, 0.8), shortcut("length", 0.4, 0.3, 0.5)]
    chart = str(shortcut_chart(rows, 0.25, 0.68))
    assert "&lt;b&gt;copies (more)" in chart and "<b>" not in chart
    dots = [float(x) for x in re.findall(r'<circle[^>]*cx="([\d.]+)"', chart)]
    assert dots == [190 + 310 * 0.7, 190 + 310 * 0.4]
    assert chart.count('class="level"') == 2
    assert "<b>copies 70 % (60–80 %); length 40 % (30–50 %). Chance is 25 %." not in chart
    assert "length 40 % (30–50 %). Chance is 25 %." in chart
    assert str(shortcut_chart(rows, 0.25)).count('class="level"') == 1
