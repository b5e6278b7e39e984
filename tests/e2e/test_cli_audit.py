"""`prefloop audit labels`, and the audit that a run makes by itself."""

import json
import shutil
from pathlib import Path

import pytest

from prefloop.run_folder import LABEL_AUDIT, read_label_audit
from prefloop.store.store import Store
from tests.e2e.command import Command
from tests.unit.audits.worlds import World, fill


@pytest.fixture
def run(finished_run: Path, tmp_path: Path) -> Path:
    """A finished run that may be changed."""
    return Path(shutil.copytree(finished_run, tmp_path / "run"))


@pytest.fixture
def labeled(tmp_path: Path) -> Path:
    """A run folder with labels by people who like copies."""
    world = World(n_questions=200, weights={"copied_sentences": 2.5})
    return labeled_by(world, tmp_path / "labeled")


def labeled_by(world: World, folder: Path) -> Path:
    """Make a run folder with the labels of a world."""
    folder.mkdir()
    (folder / "run.yaml").write_text(
        "task: summarization\nmodels: {name: 'builtin:tiny'}\ncomparisons: {labelers: people}\n"
    )
    with Store.open(folder / "prefloop.db") as store:
        fill(store, world)
    return folder


def test_a_run_audits_its_labels_by_itself(run: Path) -> None:
    figures = read_label_audit(run)
    assert figures is not None
    assert figures.labels > 0
    assert "are needed" in figures.left_out["shortcuts"]
    assert figures.findings[0].status == "later"


def test_what_the_labels_reward_is_told(prefloop: Command, labeled: Path) -> None:
    told = prefloop.done("audit", "labels", labeled).out
    assert "200 choices by 8 labelers on 200 questions" in told
    assert "A rule that only counts" in told and "copied" in told
    assert "how to treat copying" in told
    assert (labeled / LABEL_AUDIT).is_file()


def test_a_program_reads_the_same_figures(prefloop: Command, labeled: Path) -> None:
    told = prefloop.done("audit", "labels", labeled, "--json").json()
    figures = read_label_audit(labeled)
    assert figures is not None
    assert told["choices"] == figures.choices == 200
    assert [f["check"] for f in told["findings"]] == [f.check for f in figures.findings]
    assert told["shortcuts"][0]["agreement"]["n"] == 200


def test_the_doctor_passes_it_on(prefloop: Command, labeled: Path) -> None:
    prefloop.done("audit", "labels", labeled)
    told = prefloop("doctor", labeled, "--json")
    results = json.loads(told.out)["results"]
    (found,) = [r for r in results if r["check"] == "no shortcut explains the choices"]
    assert (found["stage"], found["status"]) == ("comparisons", "warn")


def test_a_scorer_of_the_run_file_is_a_shortcut(prefloop: Command, labeled: Path) -> None:
    with (labeled / "run.yaml").open("a") as file:
        file.write("audits: {scorers: [imagery]}\n")
    told = prefloop.done("audit", "labels", labeled, "--json").json()
    assert "scorer imagery" in {s["name"] for s in told["shortcuts"]} | set(told["left_out"])


def test_an_unknown_scorer_is_refused_with_a_guess(prefloop: Command, labeled: Path) -> None:
    with (labeled / "run.yaml").open("a") as file:
        file.write("audits: {scorers: [lenght]}\n")
    assert "audits.scorers: scorer 'lenght' is not known; did you mean 'length'?" in (
        prefloop.refused("audit", "labels", labeled)
    )


def test_names_do_not_speak_to_the_terminal(prefloop: Command, tmp_path: Path) -> None:
    world = World(
        n_questions=240,
        labelers=("\x1b[2Jann\u202e",),
        version_of=lambda number: f"\x1b]0;{number % 2}\x07",
    )
    told = prefloop.done("audit", "labels", labeled_by(world, tmp_path / "run")).out
    assert "\ufffd[2Jann\ufffd gave all answers" in told and "version \ufffd]0;1\ufffd" in told
    assert not {"\x1b", "\x07", "\u202e"} & set(told)


@pytest.mark.parametrize("scorers", ["[]", "[imagery]"])
def test_a_run_that_has_not_begun_is_told_how_to(
    prefloop: Command, tmp_path: Path, scorers: str
) -> None:
    (tmp_path / "run.yaml").write_text(f"audits: {{scorers: {scorers}}}\n")
    told = prefloop.refused("audit", "labels", tmp_path)
    assert f"Begin it with `prefloop run {tmp_path}`." in told
    assert not (tmp_path / "prefloop.db").exists()


def test_a_damaged_file_says_what_to_do(prefloop: Command, labeled: Path) -> None:
    prefloop.done("audit", "labels", labeled)
    (labeled / LABEL_AUDIT).write_text('{"choices": "many"}')
    told = prefloop.refused("report", labeled)
    assert "Run `prefloop audit labels`, which writes it again." in told
    prefloop.done("audit", "labels", labeled)
    prefloop.done("report", labeled)
