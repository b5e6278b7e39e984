"""What the command line says of people who judge: how many questions, and of which tasks."""

from pathlib import Path

from prefloop.run_file import load_run_file
from tests.e2e.command import Command


def test_more_people_need_fewer_questions_each_and_too_few_cannot_do_it(prefloop: Command) -> None:
    told = prefloop.done("evaluation", "power", "--win-rate", "0.6").out
    assert "win rate of 60 % in 80 % of judgings" in told
    assert "3 people: no number of questions is enough" in told
    [line] = [line for line in told.splitlines() if "50 people" in line]
    assert 200 < int(line.split(":")[1].split()[0]) < 260


def test_a_program_reads_it_and_one_look_asks_for_fewer(prefloop: Command) -> None:
    asked = ("evaluation", "power", "--win-rate", "0.65", "--people", "20", "--json")
    [four] = prefloop.done(*asked).json()["needed"]
    [one] = prefloop.done(*asked, "--looks", "1").json()["needed"]
    assert four["people"] == 20
    assert one["questions"] < four["questions"] < 200


def test_what_cannot_be_is_refused_with_the_value(prefloop: Command) -> None:
    told = prefloop.refused("evaluation", "power", "--win-rate", "0.5")
    assert "win_rate 0.5 must lie between 0 and 1, and not be 1/2" in told


def test_a_task_that_no_scorer_knows_is_given_to_people_and_to_no_judge(
    prefloop: Command, tmp_path: Path
) -> None:
    for task, labelers, judges in (
        ("summarization", "people", []),
        ("sentiment", "synthetic", ["lexicon"]),
    ):
        prefloop.done("init", tmp_path / task, "--task", task)
        config = load_run_file(tmp_path / task / "run.yaml")
        assert (config.comparisons.labelers, config.evaluation.judges) == (labelers, judges)
