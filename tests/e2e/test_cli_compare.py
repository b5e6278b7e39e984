"""`prefloop compare` on runs that ended, of one seed: prompts and labels are the same."""

import shutil
from pathlib import Path

import pytest

from prefloop.figures.compared_runs import RunsComparedFigures
from prefloop.files import read_json_lines
from prefloop.functional.best_of_n import best_of_n_kl
from prefloop.run_history import rewards_lines
from prefloop.store.store import Store
from tests.e2e.command import Command
from tests.e2e.small_run import finish, make_run
from tests.made_once import made_once

RLOO = {"method": "rloo", "options": {"samples_per_prompt": 4}}


@pytest.fixture(scope="session")
def other_run(gpt2_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`finished_run` with another method."""
    return made_once(
        tmp_path_factory,
        "finished-rloo",
        lambda folder: finish(make_run(folder, gpt2_folder, rounds=1, policy=RLOO)),
    )


def test_two_methods_on_the_same_labels(
    prefloop: Command, finished_run: Path, other_run: Path, tmp_path: Path
) -> None:
    ppo = shutil.copytree(finished_run, tmp_path / "ppo")
    rloo = shutil.copytree(other_run, tmp_path / "rloo")
    page = tmp_path / "pages" / "both.html"
    told = prefloop.done("compare", ppo, rloo / "run.yaml", "--out", page)
    assert all(word in told.out for word in ("PPO", "RLOO", "Preferred", "KL (nats)", "Losses"))
    assert "differs: policy.method: ppo, rloo" in told.out
    assert f"Page: {page}" in told.out and "<svg" in page.read_text(encoding="utf-8")
    prefloop.done("compare", ppo, rloo, "--out", page)  # its own page is written again
    report = rloo / "report" / "index.html"
    before = report.read_bytes()
    assert "another name" in prefloop.refused("compare", ppo, rloo, "--out", report)
    assert report.read_bytes() == before

    figures = RunsComparedFigures.model_validate_json(
        prefloop.done("compare", ppo, rloo, "--json").out
    )
    assert [run.method for run in figures.runs] == ["PPO", "RLOO"]
    assert figures.pairs[0].win_rate.n_clusters == figures.prompts == 16
    for run, folder in zip(figures.runs, (ppo, rloo), strict=True):
        costs = read_json_lines(folder / "costs.jsonl")
        assert run.cost is not None and set(run.cost.seconds) == {"rewards", "policy"}
        assert run.cost.total_seconds == pytest.approx(sum(line["seconds"] for line in costs))
        assert len(costs) == len(read_json_lines(folder / "metrics.jsonl"))
        assert run.episodes == 96 and run.reward is not None


def test_what_cannot_be_compared_is_refused_before_anything_is_written(
    prefloop: Command, finished_run: Path, two_rounds: Path, tmp_path: Path
) -> None:
    one = shutil.copytree(finished_run, tmp_path / "one")
    two = shutil.copytree(two_rounds, tmp_path / "two")
    page = tmp_path / "page.html"
    assert "two learned from other labels" in prefloop.refused("compare", one, two, "--out", page)
    assert "Name two runs or more" in prefloop.refused("compare", one)
    assert "ends in .html" in prefloop.refused("compare", one, two, "--out", tmp_path)
    missing = prefloop.refused("compare", tmp_path / "none", one, tmp_path / "gone", "--out", page)
    assert missing.count("does not exist (looked from") == 2 and "prefloop init" not in missing
    assert not page.exists()
    assert (
        "learned from different labels"
        in prefloop.done("compare", one, two, "--different-labels").out
    )


def test_methods_of_one_run_file_learn_from_the_same_labels(
    prefloop: Command, gpt2_folder: Path, tmp_path: Path
) -> None:
    source = make_run(tmp_path / "source", gpt2_folder, rounds=1, policy={"episodes": 32})
    folder = tmp_path / "set"
    asked = ("experiment", "methods", folder, source / "run.yaml", "best_of_n:policy.options.n=4")
    command = (*asked, "--methods", "ppo,rloo,best_of_n", "--jobs", 2, "--json")
    found = RunsComparedFigures.model_validate_json(prefloop.done(*command).out)
    ppo, rloo, best = found.runs
    assert (ppo.method, ppo.episodes, ppo.kl_at_most) == ("PPO", 32, None)
    assert (rloo.method, rloo.episodes, rloo.kl_at_most) == ("RLOO", 32, None)
    assert (best.method, best.episodes, best.kl) == ("best_of_n", 0, None)
    assert best.kl_at_most == best_of_n_kl(4) and ppo.kl is not None and "kl" not in best.missing
    assert len(found.pairs) == 3
    assert "at most 0.64" in (folder / "compared.html").read_text(encoding="utf-8")
    answers = [answered(folder / name) for name in ("labels", "ppo", "rloo", "best_of_n")]
    assert answers[0] and answers == [answers[0]] * 4, "asked and answered once"
    have_one_reward_model(folder, "labels", "ppo", "rloo", "best_of_n")
    before = (folder / "best_of_n" / "metrics.jsonl").read_bytes()
    again = prefloop.done(*command[:-1])
    assert (folder / "best_of_n" / "metrics.jsonl").read_bytes() == before, "nothing is made again"
    assert all(word in again.out for word in ("PPO", "at most 0.64", "Page: "))
    assert "is a run" in prefloop.refused("experiment", "methods", source, source / "run.yaml")


def have_one_reward_model(folder: Path, shared: str, *methods: str) -> None:
    """The reward model, its audit and the steps that it took are the shared run's, in every run."""
    weights = next((folder / shared / "rewards" / "round-0").glob("*.safetensors"))
    audit = Path("audits", "rewards-round-0.json")
    for name in methods:
        assert (folder / name / "rewards" / "round-0" / weights.name).samefile(weights)
        assert (folder / name / audit).read_bytes() == (folder / shared / audit).read_bytes()
        assert rewards_lines(folder / name) == rewards_lines(folder / shared)
        said = (folder / name / "run.log").read_text(encoding="utf-8")
        assert "training the reward model" not in said and "Audit of the reward" not in said


def answered(run: Path) -> set[tuple[str, str]]:
    """Return the id of every label with when the store took it in: a copy has the same."""
    with Store.open(run / "prefloop.db", read_only=True) as store:
        return {(event.created_at, event.payload) for event in store.events_of_kind("label")}
