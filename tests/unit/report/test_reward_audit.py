"""The report and the doctor show whether the reward model may be trained against."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from prefloop.audits.findings import left_out_lines
from prefloop.audits.rewards import audit_rewards, write_reward_audit
from prefloop.doctor.rewards import check_rewards
from prefloop.figures.record import to_json
from prefloop.figures.reward_audit import RewardAuditFigures
from prefloop.figures.reward_audit_text import (
    best_of_lines,
    calibration_lines,
    edit_lines,
    ensemble_text,
    group_lines,
    length_lines,
    margin_lines,
    reward_audit_head,
    shortcut_lines,
)
from prefloop.figures.trust import EnsembleFigures, EnsembleValidationFigures
from prefloop.progress import Silent
from prefloop.report.build import build_report
from prefloop.rewards.trust import validation_figures, wilson_share
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

ENSEMBLE = EnsembleFigures(
    members=3,
    shifts=(0.1, 0.2, 0.3),
    reference_spread=0.3,
    validation=EnsembleValidationFigures(
        disagree=wilson_share(np.array([1.0] * 20 + [0.0] * 60)),
        where_agreed=wilson_share(np.array([1.0] * 40 + [0.0] * 20)),
        where_not=wilson_share(np.array([1.0] * 8 + [0.0] * 12)),
        members=(0.6, 0.61, 0.59),
    ),
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
        assert f'<td>{check.answer}</td><td class="said">{check.message}</td>' in section
    assert all(f'<th scope="row">{s.title}</th>' in section for s in own.shortcuts)
    assert all(f'<th scope="row">{e.title}</th><td>64</td>' in section for e in own.edits)
    assert f'audits/rewards-round-{own.round}.json">' in section
    assert "Left out: " in section
    assert all(line in section for line in left_out_lines(own.left_out))
    assert '<th scope="col">length</th>' in section


def test_the_page_says_where_all_answers_are_ties(fake_run: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(fake_run, tmp_path / "run"))
    path = run / read_run_folder(run).trusts[-1].path
    ties = validation_figures(np.eye(4), np.full((4, 4), 0.25), np.ones((4, 4)))
    trust = read_run_folder(run).trusts[-1].figures.model_copy(update={"validation": ties})
    path.write_text(to_json(trust))
    with Store.open(run / "prefloop.db") as store:
        page = build_report(run, store, fake_config()).read_text("utf-8")
    assert "they do not say what the reward model learned" in page


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
    (verdict,) = [r for r in results if r.check == "fit to train against"]
    assert verdict.status == "warn"
    assert "Do not train against it" in verdict.message and verdict.action
    stands = next(r for r in results if r.check == "no shortcut stands for it")
    assert stands.status == "warn" and stands.action


def test_where_too_few_questions_tell_the_doctor_says_to_measure_more(
    fake_run: Path, figures: RewardAuditFigures
) -> None:
    run = read_run_folder(fake_run)
    verdict = figures.findings[-1].model_copy(update={"status": "warn"})
    checks = [c.model_copy(update={"answer": "unknown"}) for c in figures.checks]
    unsure = figures.model_copy(
        update={"verdict": "collect more", "checks": tuple(checks), "findings": (verdict,)}
    )
    results = check_rewards(fake_config(), replace(run, reward_audit=unsure))
    (found,) = (r for r in results if r.check == "fit to train against")
    assert found.status == "warn" and "comparisons.validation_labels" in found.action


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
    assert all(line.endswith(" answers") for line in edits[1:])
    best = best_of_lines(figures)
    assert [line.split()[0] for line in best[1:]] == ["1", "2", "4"]
    assert best[2].split()[1] == "0.19"
    groups = group_lines(figures)
    assert len(groups) == 1 + 6 + 2 and groups[-1].endswith("60 labels")


def test_calibration_margin_and_length_are_those_of_the_trust_figures() -> None:
    """Scores 0 and ln 3 are 25 and 75 %; the higher one is chosen in three of four."""
    scores, lengths = np.tile([0.0, np.log(3.0)], (40, 1)), np.tile([10.0, 20.0], (40, 1))
    targets = np.eye(2)[[1, 1, 1, 0] * 10]
    found = validation_figures(scores, targets, lengths)
    head, *bins = calibration_lines(found)
    assert head.endswith("chosen (calibration error 0.000)")
    assert [line.split("  ")[0] for line in bins] == [
        "20 % to 30 %, mean 25 %",
        "70 % to 80 %, mean 75 %",
    ]
    assert bins[0].endswith("25 % (14–41 %) of 40 samples")
    head, *margins = margin_lines(found)
    assert head.startswith("lead of the best score") and len(margins) == 4
    assert all(line.startswith("1.10 to 1.10 ") for line in margins)
    assert all(line.endswith(", 10 questions") for line in margins)
    assert [line.split("  ")[0] for line in length_lines(found)[1:]] == [
        "chosen is shorter",
        "chosen is longer",
    ]
    assert length_lines(found)[2].endswith("100 % (88–100 %), 30 questions")
    ties = validation_figures(scores, np.full((40, 2), 0.5), lengths)
    assert length_lines(ties) == []


def test_nothing_is_no_lines(figures: RewardAuditFigures) -> None:
    empty = figures.model_copy(
        update={"shortcuts": (), "edits": (), "best_of": None, "by_labeler": (), "by_round": ()}
    )
    assert [*shortcut_lines(empty), *edit_lines(empty), *best_of_lines(empty)] == []
    assert group_lines(empty) == []


def test_an_ensemble_is_shown_with_where_it_disagrees(
    figures: RewardAuditFigures, fake_run: Path, tmp_path: Path
) -> None:
    assert ensemble_text(figures) == ""
    said = ensemble_text(figures.model_copy(update={"ensemble": ENSEMBLE}))
    assert said.startswith("3 members share one model; the score is their mean: they choose")
    assert "differently on 25 % (16–36 %) of 80 questions" in said
    assert "where they do not it agrees with 40 % (21–62 %) of the labels of 20 questions" in said
    run = Path(shutil.copytree(fake_run, tmp_path / "run"))
    write_reward_audit(run, newest(figures.model_copy(update={"ensemble": ENSEMBLE}), run))
    with Store.open(run / "prefloop.db") as store:
        page = build_report(run, store, fake_config()).read_text(encoding="utf-8")
    assert "3 members share one model" in page
    unseen = ENSEMBLE.model_copy(update={"validation": None})
    assert "No validation label" in ensemble_text(figures.model_copy(update={"ensemble": unseen}))
