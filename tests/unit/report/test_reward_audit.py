"""The report and the doctor show whether the reward model may be trained against."""

import shutil
from pathlib import Path

import pytest

from prefloop.audits.rewards import audit_rewards, write_reward_audit
from prefloop.doctor.rewards import check_rewards
from prefloop.figures.reward_audit import RewardAuditFigures
from prefloop.figures.reward_audit_text import (
    best_of_lines,
    edit_lines,
    group_lines,
    reward_audit_head,
    shortcut_lines,
)
from prefloop.progress import Silent
from prefloop.report.build import build_report
from prefloop.run_file import parse_run
from prefloop.run_folder import read_run_folder
from prefloop.store.store import Store
from tests.unit.audits.reward_worlds import fill_validation, length, model_of
from tests.unit.report.fake_run import fake_config

CONFIG = parse_run(
    {
        "task": "summarization",
        "comparisons": {"labelers": "people"},
        "evaluation": {"judges": ["length"]},
    },
    "run.yaml",
)


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> RewardAuditFigures:
    """Those of a reward model that loves length."""
    folder = tmp_path_factory.mktemp("audited")
    with Store.open(folder / "prefloop.db") as store:
        fill_validation(store)
        return audit_rewards(store, CONFIG, folder, model_of(store, length), Silent())


def newest(figures: RewardAuditFigures, run: Path) -> RewardAuditFigures:
    """Return the figures as those of a run's newest reward model."""
    trust = read_run_folder(run).trusts[-1]
    return figures.model_copy(update={"round": trust.round, "reward_model": trust.fingerprint})


def test_the_section_has_the_figures_of_the_file(
    fake_run: Path, tmp_path: Path, figures: RewardAuditFigures
) -> None:
    run = Path(shutil.copytree(fake_run, tmp_path / "run"))
    own = newest(figures, run)
    write_reward_audit(run, own)
    with Store.open(run / "prefloop.db") as store:
        page = build_report(run, store, fake_config()).read_text("utf-8")
    page = page.replace("\u202f", " ").replace("\u2060", "")
    section = page[page.index('id="reward-audit"') : page.index('id="frontier"')]
    assert f"<b>{own.reason}</b>" in section and 'class="warning"' in section
    for check in own.checks:
        assert f"<td>{check.answer}</td><td>{check.message}</td>" in section
    assert all(f'<th scope="row">{s.title}</th>' in section for s in own.shortcuts)
    assert all(f'<th scope="row">{e.title}</th><td>64</td>' in section for e in own.edits)
    assert f'audits/rewards-round-{own.round}.json">' in section
    assert '<th scope="col">length</th>' in section


def test_without_an_audit_page_and_doctor_say_how_to_get_one(fake_run: Path) -> None:
    with Store.open(fake_run / "prefloop.db") as store:
        page = build_report(fake_run, store, fake_config()).read_text("utf-8")
    assert "the reward model was not audited (see `prefloop audit rewards`)" in page
    (found,) = [
        r
        for r in check_rewards(fake_config(), read_run_folder(fake_run))
        if r.check == "fit to train against"
    ]
    assert found.status == "later" and "prefloop audit rewards" in found.message


def test_the_doctor_passes_on_what_it_does_not_check_itself(
    fake_run: Path, tmp_path: Path, figures: RewardAuditFigures
) -> None:
    run = Path(shutil.copytree(fake_run, tmp_path / "run"))
    write_reward_audit(run, newest(figures, run))
    results = check_rewards(fake_config(), read_run_folder(run))
    names = [r.check for r in results]
    assert len(names) == len(set(names))
    verdict = results[-1]
    assert (verdict.check, verdict.status) == ("fit to train against", "warn")
    assert verdict.message.startswith("Do not train against it")
    stands = next(r for r in results if r.check == "no shortcut stands for it")
    assert stands.status == "warn" and stands.action


def test_the_audit_of_a_model_that_was_trained_again_is_outdated(
    fake_run: Path, tmp_path: Path, figures: RewardAuditFigures
) -> None:
    run = Path(shutil.copytree(fake_run, tmp_path / "run"))
    own = newest(figures, run)
    write_reward_audit(run, own)
    assert read_run_folder(run).reward_audit == own
    write_reward_audit(run, own.model_copy(update={"reward_model": "another"}))
    assert read_run_folder(run).reward_audit is None


def test_the_lines_have_every_row(figures: RewardAuditFigures) -> None:
    assert "120 validation questions about 120 prompts" in reward_audit_head(figures)
    assert len(shortcut_lines(figures)) == 1 + len(figures.shortcuts)
    edits = edit_lines(figures)
    assert len(edits) == 11
    assert any(line.startswith("filler appended") and "0 % (0–6 %)" in line for line in edits)
    best = best_of_lines(figures)
    assert [line.split()[0] for line in best[1:]] == ["1", "2", "4"]
    assert best[2].split()[1] == "0.19"
    groups = group_lines(figures)
    assert len(groups) == 1 + 6 + 2 and groups[-1].endswith("60 labels")


def test_nothing_is_no_lines(figures: RewardAuditFigures) -> None:
    empty = figures.model_copy(
        update={"shortcuts": (), "edits": (), "best_of": None, "by_labeler": (), "by_round": ()}
    )
    assert [*shortcut_lines(empty), *edit_lines(empty), *best_of_lines(empty)] == []
    assert group_lines(empty) == []
