"""The report's first page: every number leads to its rows, and strangers' texts stay text."""

import json
import re
import shutil
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest

from prefloop.audits.overoptimization_rules import CHECK
from prefloop.figures.canary import CanaryFigures, canary_result
from prefloop.figures.check_result import CheckResult
from prefloop.figures.evaluation import EvaluationFigures
from prefloop.figures.record import to_json
from prefloop.figures.text import fixed, percent
from prefloop.records import REFERENCE, Prompt, Sample
from prefloop.report.build import build_report
from prefloop.report.computing import PAUSE, computing_time, time_without_pauses
from prefloop.report.filters import linked
from prefloop.report.first_page import first_page, place_of
from prefloop.run_folder import CANARIES, read_run_folder
from prefloop.store.store import Store
from tests.unit.report.fake_run import HOSTILE, fake_config

TERMS = (
    *("tuned model", "reference", "judge", "held-out", "win rate", "interval", "KL", "nats"),
    *("label", "reward model", "policy"),
)


def text_of(markup: str) -> str:
    """Return what a reader sees: tags gone, narrow spaces plain."""
    seen = unescape(re.sub(r"<[^>]*>", "", markup))
    return " ".join(seen.replace("\u202f", " ").replace("\u2060", "").split())


def header_of(page: str) -> str:
    return page[page.index("<header>") : page.index("</header>")]


def build(folder: Path) -> str:
    with Store.open(folder / "prefloop.db") as store:
        return build_report(folder, store, fake_config()).read_text("utf-8")


def figures_of(folder: Path) -> EvaluationFigures:
    latest = read_run_folder(folder).latest
    assert latest is not None
    return latest.figures


@pytest.fixture
def run(fake_run: Path, tmp_path: Path) -> Path:
    """A run that may be changed."""
    return Path(shutil.copytree(fake_run, tmp_path / "my-run"))


def begin_alike(folder: Path, opening: str) -> list[str]:
    """Let half the policy's answers begin with the same words; return their ids."""
    figures = figures_of(folder)
    with Store.open(folder / "prefloop.db") as store:
        samples = list(store.samples_by_id(figures.rows.model_samples).values())
        changed = [
            replace(s, id=f"{s.id}-new", text=f"{opening} {s.text}" if i % 2 else s.text)
            for i, s in enumerate(samples)
        ]
        store.add_samples(changed)
    rows = figures.rows.model_copy(update={"model_samples": tuple(s.id for s in changed)})
    latest = read_run_folder(folder).latest
    assert latest is not None
    content = figures.model_copy(update={"rows": rows}).model_dump_json()
    (folder / latest.path).write_text(content, encoding="utf-8")
    return [s.id for i, s in enumerate(changed) if i % 2]


def test_what_stands_out_is_one_sentence_with_three_answers_and_its_rows(run: Path) -> None:
    ids = begin_alike(run, "She was a")
    page = build(run)
    header = header_of(page)
    assert "50 % of its 40 answers begin with “she was a”; before training 0 % of 40 did." in (
        text_of(header)
    )
    quotes = re.findall(r"<blockquote.*?</blockquote>", header, re.DOTALL)
    assert len(quotes) == 3
    assert all("She was a " in quote for quote in quotes)
    rows = page[page.index('id="rows-learned"') : page.index('id="provenance"')]
    assert "20 of 40 answers begin with" in text_of(rows)
    assert [i for i in ids if i not in rows] == []


def test_hostile_words_that_stand_out_are_text(run: Path) -> None:
    begin_alike(run, HOSTILE)
    page = build(run)
    assert "of its 40 answers" in text_of(header_of(page))
    assert "&lt;script&gt;alert(1)" in header_of(page)
    assert "<script" not in page and "<img" not in page and "\u202e" not in page


def test_where_nothing_stands_out_the_page_says_on_how_many_answers(run: Path) -> None:
    figures = figures_of(run)
    same = figures.rows.model_copy(update={"model_samples": figures.rows.baseline_samples})
    latest = read_run_folder(run).latest
    assert latest is not None
    content = figures.model_copy(update={"rows": same}).model_dump_json()
    (run / latest.path).write_text(content, encoding="utf-8")
    header = header_of(build(run))
    assert "Nothing stands out" in text_of(header)
    assert "its 40 answers" in text_of(header)
    assert "<blockquote" not in header


def test_every_number_of_the_first_page_leads_to_rows(fake_run: Path, page: str) -> None:
    ids = set(re.findall(r'\bid="([^"]+)"', page))
    header = header_of(page)
    tiles = re.findall(r'<div class="tile">.*?</div>', header, re.DOTALL)
    assert len(tiles) == 4
    for tile in tiles:
        (anchor,) = re.findall(r'href="#(rows-[a-z]+)"', tile)
        assert anchor in ids
    for anchor in ("rows-verdict", "rows-kl", "rows-learned"):
        assert f'href="#{anchor}"' in header and anchor in ids
    (place,) = re.findall(r'href="#([a-z-]+)">where that comes from', header)
    assert place in ids


def test_the_rows_make_the_numbers(fake_run: Path, page: str) -> None:
    figures = figures_of(fake_run)
    assert figures.win_rate is not None and figures.kl is not None
    with Store.open(fake_run / "prefloop.db") as store:
        rows = first_page(store, read_run_folder(fake_run), fake_config(), fake_run).rows
        labels = store.labels()
    assert rows is not None
    outcomes = [verdict.outcome for verdict in rows.verdicts]
    assert sum(outcomes) / len(outcomes) == pytest.approx(figures.win_rate.rate.value)
    assert sum(r.nats for r in rows.kls) / len(rows.kls) == pytest.approx(figures.kl.value)
    shown = page[page.index('id="rows-verdict"') :]
    assert all(f"<td>{verdict.id}</td>" in shown for verdict in rows.verdicts)
    assert all(
        f"<td>{row.sample_id}</td><td>{fixed(row.nats, 3)}</td>" in shown for row in rows.kls
    )
    assert percent(figures.win_rate.rate.value, 1) in shown.replace("\u202f", " ")
    batches = text_of(page[page.index('id="rows-labels"') :])
    assert f"{len(labels)} of the {len(labels)} labels" in batches


def test_what_to_do_next_is_what_the_doctor_says_first(fake_run: Path, page: str) -> None:
    with Store.open(fake_run / "prefloop.db") as store:
        step = first_page(store, read_run_folder(fake_run), fake_config(), fake_run).next_step
    assert step is not None and step.action
    header = text_of(header_of(page))
    assert f"{step.action} Because: {step.message}" in header


def test_before_what_is_bad_stands_what_it_rests_on(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A policy that is bad because of its labels is not mended by settings of the policy."""
    bad = CheckResult(stage="policy", check="c", status="bad", message="It copies.", action="Stop.")
    warned = CheckResult(
        stage="comparisons", check="c", status="warn", message="Copies win.", action="Ask anew."
    )
    monkeypatch.setattr("prefloop.report.first_page.check_measured", lambda *_: [warned, bad])
    header = header_of(build(run))
    assert "Stop. Because: It copies." in text_of(header)
    assert "with the labels, on which it rests: Ask anew. Because: Copies win." in text_of(header)
    assert 'href="#training">where that' in header and 'href="#audit">where that' in header
    monkeypatch.setattr("prefloop.report.first_page.check_measured", lambda *_: [warned])
    assert "on which it rests" not in text_of(header_of(build(run)))


def test_a_verdict_on_an_earlier_policy_says_so(run: Path) -> None:
    assert "made since" not in text_of(header_of(build(run)))
    name = figures_of(run).model
    update = int(name.rpartition("-")[2]) + 3
    line = {"stage": "policy", "round": 1, "update": update, "policy/kl": 1.0}
    with (run / "metrics.jsonl").open("a", encoding="utf-8") as file:
        file.write(f"{json.dumps(line)}\n")
    header = text_of(header_of(build(run)))
    assert "3 updates were made since, and what came of them has not been judged" in header


def test_where_no_person_judged_the_page_says_whose_word_better_is(page: str) -> None:
    assert "what is better is what a list of rated words calls better" in text_of(page)


def test_places_in_the_report_are_links_and_all_else_is_text() -> None:
    words = linked("<b> Samples: report/index.html#samples-of-update-3.")
    assert words == '&lt;b&gt; Samples: <a href="#samples-of-update-3">below</a>.'


def test_a_failed_canary_and_over_optimization_lead_to_their_own_sections(run: Path) -> None:
    """C9 is of the stage "comparisons", whose section is the audit of the labels."""
    when = {"round_number": 0, "update": 0}
    failed = canary_result("C9", "fail", value="12 %", limit="below one half", **when)
    (run / CANARIES).parent.mkdir(exist_ok=True)
    (run / CANARIES).write_text(to_json(CanaryFigures(results=(failed,))), encoding="utf-8")
    page = build(run)
    assert failed.action in text_of(header_of(page))
    assert 'href="#canaries">where that comes from' in header_of(page)
    assert 'id="canaries"' in page and 'id="overoptimization"' in page
    too_far = CheckResult(stage="policy", check=CHECK, status="warn", message="m")
    assert place_of(too_far) == "overoptimization"


def test_a_bound_beyond_the_frontier_is_not_said_as_a_kl(run: Path) -> None:
    figures = figures_of(run)
    assert figures.frontier is not None
    placed = figures.frontier.model.model_copy(update={"is_bound": True})
    lost = {"model": placed, "share_of_best_gain": None, "best_reward_at_kl": None}
    changed = figures.model_copy(update={"frontier": figures.frontier.model_copy(update=lost)})
    latest = read_run_folder(run).latest
    assert latest is not None
    (run / latest.path).write_text(changed.model_dump_json(), encoding="utf-8")
    shown = text_of(build(run))
    assert "do not show the best reward at that bound" in shown
    assert "it would take" not in shown


@pytest.mark.parametrize("term", TERMS)
def test_a_term_is_explained_where_it_first_stands_after_the_verdict(page: str, term: str) -> None:
    """The verdict is one sentence; its terms are explained right below it, before all else."""
    below = page[page.index('class="terms"') :]
    defined = re.search(rf"<dfn>{term}s?</dfn>", below)
    assert defined is not None
    assert defined.end() < below.index("</p>")


def test_computing_time_leaves_out_pauses(fake_run: Path) -> None:
    times = [0.0, 60.0, 100.0, 100.0 + PAUSE, 110.0 + PAUSE]
    found = time_without_pauses(times[::-1])
    assert found is not None
    assert (found.seconds, found.marks, found.pauses) == (110.0, 5, 1)
    assert time_without_pauses([5.0]) is None
    with Store.open(fake_run / "prefloop.db") as store:
        of_run = computing_time(store)
    assert of_run is not None and of_run.marks >= 6, "prompts, samples, questions, verdicts"


def test_an_empty_run_claims_nothing(tmp_path: Path) -> None:
    header = text_of(header_of(build(tmp_path)))
    assert "This part is left out: there are no evaluation samples of both models" in header
    assert "Not judged" in header


def test_a_page_lists_so_many_rows_and_says_where_the_others_are(
    fake_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prefloop.report.rows.MOST", 7)
    with Store.open(fake_run / "prefloop.db") as store:
        page = build_report(fake_run, store, fake_config(), to=tmp_path).read_text("utf-8")
    assert "The first 7 of 40; all are listed by id in evaluation/" in page


def test_the_sample_and_its_prompt_stand_together(run: Path) -> None:
    begin_alike(run, "She was a")
    with Store.open(run / "prefloop.db") as store:
        shown = first_page(store, read_run_folder(run), fake_config(), run).answers
    assert all(isinstance(a.prompt, Prompt) and isinstance(a.sample, Sample) for a in shown)
    assert all(a.sample.prompt_id == a.prompt.id and a.sample.model != REFERENCE for a in shown)
