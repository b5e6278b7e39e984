"""Which members of an experiment have run to their end, and which run again."""

from pathlib import Path

import pytest

from prefloop.cli.experiment import DEMO_RUN_FILE
from prefloop.experiments.carry_out import is_finished, run_members
from prefloop.experiments.members import Experiment, Member, copying_settings, make_experiment
from prefloop.figures.reading import read_evaluation
from prefloop.figures.record import to_json
from prefloop.progress import Progress, Silent
from prefloop.run_folder import evaluation_path, report_path

EVALUATION = (
    Path(__file__).parents[1] / "figures" / "earlier_run" / "evaluation" / "round-0.json"
).read_text(encoding="utf-8")


@pytest.fixture
def experiment(tmp_path: Path) -> Experiment:
    """An experiment of one round, whose first member has a report."""
    made = make_experiment(copying_settings(), DEMO_RUN_FILE, tmp_path)
    first = made.members[0]
    assert first.config.rounds == 1
    report_path(first.folder).parent.mkdir(parents=True)
    report_path(first.folder).write_text("half done")
    return made


def test_a_report_of_a_run_that_is_half_done_does_not_finish_it(experiment: Experiment) -> None:
    first = experiment.members[0]
    assert not is_finished(first)
    write_evaluation(first, model="reference", round_number=None)
    assert not is_finished(first), "another model was looked at, not the last policy"
    write_evaluation(first, model="policy/update-9", round_number=0)
    assert is_finished(first)
    report_path(first.folder).unlink()
    assert not is_finished(first), "the report is written last"


def test_what_is_half_done_is_run_and_what_is_finished_is_not(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prefloop.experiments.carry_out.draw_samples", lambda *_: None)
    monkeypatch.setattr("prefloop.experiments.carry_out.prepare", lambda *_: None)
    ran = list[str]()

    def run_all(members: list[Member], _progress: Progress) -> None:
        ran.extend(member.name for member in members)

    run_members(experiment, Silent(), run_all)
    assert ran == [member.name for member in experiment.members]
    write_evaluation(experiment.members[0], model="policy/update-9", round_number=0)
    ran.clear()
    run_members(experiment, Silent(), run_all)
    assert ran == [member.name for member in experiment.members[1:]]


def write_evaluation(member: Member, *, model: str, round_number: int | None) -> None:
    path = evaluation_path(member.folder, model)
    path.parent.mkdir(parents=True, exist_ok=True)
    figures = read_evaluation(EVALUATION, "round-0.json")
    change = {"model": model, "round": round_number}
    path.write_text(to_json(figures.model_copy(update=change)))
