"""The copying demo on a small model: every step of it; and what it shares."""

import json
from pathlib import Path

import pytest

from prefloop.figures.experiment import ExperimentFigures
from prefloop.run import loop
from prefloop.store.store import Store
from tests.e2e.command import Command
from tests.models_for_tests import save_gpt2
from tests.unit.prompts.news.invented import another

N_ARTICLES = 80

SMALL = [
    *("models.lora_top_layers=1", "models.threads=1"),
    *("comparisons.labels=12", "comparisons.validation_labels=4", "rewards.normalize_samples=8"),
    *("comparisons.overlap=1", "comparisons.validation_overlap=1"),
    *("policy.episodes=16", "policy.batch_size=8", "policy.checkpoint_every=1"),
    # The tokens of the small model are short.
    *("evaluation.prompts=8", "task.response_tokens=12", "task.query_tokens_max=240"),
]


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A random model that has room for an article."""
    return f"models.name={save_gpt2(tmp_path_factory.mktemp('long'), context=512)}"


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    """Invented articles with subtitles."""
    rows = [
        {"text": another(n), "reference": f"A clock in town {n} stopped."}
        for n in range(N_ARTICLES)
    ]
    path = tmp_path / "articles.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_the_demo_labels_the_same_samples_twice_and_goes_on_after_a_stop(
    articles: Path,
    model: str,
    tmp_path: Path,
    prefloop: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    folder = tmp_path / "demo"
    command = ("demo", "--copying", "--folder", folder, f"prompts.source={articles}", *SMALL, model)
    run, begun = loop.run, list[str]()

    def stopping(config: object, place: Path, *arguments: object, **named: object) -> Path:
        begun.append(place.name)
        if len(begun) == 2:
            raise KeyboardInterrupt
        return run(config, place, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "run", stopping)
    assert prefloop(*command).code == 130
    told = prefloop.done(*command)
    hurried, careful = "zero-shot-hurried-seed-1", "zero-shot-careful-seed-1"
    assert begun == [hurried, careful, careful], "what is finished is not run again"
    assert "hurried labelers, from zero-shot: sentences copied" in told.out
    assert "before the training (seed 1):" in told.out
    assert "held-out articles" in told.out

    figures = ExperimentFigures.model_validate_json((folder / "results.json").read_text())
    assert [arm.arm for arm in figures.arms] == ["hurried", "careful"]
    names = {system.name for system in figures.systems}
    assert {"zero-shot", "zero-shot + hurried", "lead-3", "random-3", "human reference"} <= names
    lead = next(system for system in figures.systems if system.name == "lead-3")
    assert lead.copied_sentences is not None and lead.copied_sentences.value == 1.0
    assert "best of n" in figures.missing
    by_name = {system.name: system for system in figures.systems}
    shown, most = by_name["zero-shot: shown"], by_name["zero-shot: most copying"]
    assert most.n == 16 and by_name["zero-shot: chosen by careful"].n <= 16
    assert shown.n == sum(len(ids) for ids in _asked(folder / "runs" / hurried))
    assert shown.copied_sentences is not None and most.copied_sentences is not None
    assert most.copied_sentences.value >= shown.copied_sentences.value
    assert _asked(folder / "runs" / hurried) == _asked(folder / "runs" / careful)
    assert _choices(folder / "runs" / hurried) != _choices(folder / "runs" / careful)


def test_several_samples_a_prompt_are_reranked_by_copying_and_by_reward(
    articles: Path, model: str, tmp_path: Path, prefloop: Command
) -> None:
    folder = tmp_path / "set"
    few = ["evaluation.frontier_prompts=4", "evaluation.frontier_samples=4", "samples.per_prompt=2"]
    few += ["policy.warm_start.batch_size=8", "task.stop=null", "task.stop_min=0"]
    few += ["task.query_tokens_min=8", f"prompts.source={articles}"]
    command = ("experiment", "copying", folder, *SMALL, model, *few, "--seeds", "1", "--json")
    planned = prefloop.done(*command, "--plan").json()
    assert planned["runs"] == 10 and planned["sample_sets"] == 2
    assert 0 < planned["least_seconds"] < planned["most_seconds"]
    assert not (folder / "runs").exists()
    command = (*command, "--arms", "hurried,careful,capped")
    part = prefloop.done(*command, "--starts", "supervised", "--arms", "hurried").json()
    assert [(arm["start"], arm["arm"]) for arm in part["arms"]] == [("supervised", "hurried")]
    assert prefloop.done(*command, "--plan").json()["runs"] == 4
    tables = prefloop.done(*command, "--tables").json()
    assert tables["arms"] == part["arms"], "of all that is finished, and nothing was run"
    assert "zero-shot-hurried-seed-1" in tables["missing"]["runs"]
    told = prefloop.refused(*command, "policy.episodes=24", "--tables")
    assert "says policy.episodes: 16, and this command says 24" in told
    figures = ExperimentFigures.model_validate_json(prefloop.done(*command).out)
    by_name = {system.name: system for system in figures.systems}
    two, four = (by_name[f"best of {n} by copying"].copied_sentences for n in (2, 4))
    assert two is not None and four is not None and four.value >= two.value
    assert {"best of 4 by hurried", "supervised + hurried"} <= by_name.keys()
    held = {name for name, system in by_name.items() if system.accuracy_above_copying is not None}
    trained = {"zero-shot + hurried", "supervised + hurried", "zero-shot + careful"}
    assert trained | {"best of 4 by copying"} <= held
    assert held.isdisjoint({"zero-shot", "lead-3", "zero-shot: shown", "zero-shot: most copying"})
    warm = [path / "warm_start" / "model.safetensors" for path in (folder / "runs").iterdir()]
    assert len({path.stat().st_ino for path in warm if path.exists()}) == 1, "trained once"
    assert prefloop.done(*command, "--plan").json()["runs"] == 0


def test_there_are_no_tables_without_runs(tmp_path: Path, prefloop: Command) -> None:
    command = ("experiment", "copying", tmp_path / "new", "--tables")
    assert "holds no runs of an experiment" in prefloop.refused(*command)
    assert not (tmp_path / "new").exists()


def test_a_run_is_no_place_for_an_experiment(tmp_path: Path, prefloop: Command) -> None:
    (tmp_path / "run.yaml").write_text("task: sentiment\n")
    assert "is a run; an experiment makes" in prefloop.refused("experiment", "copying", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["run.yaml"]


def test_wrong_asks_are_refused(tmp_path: Path, prefloop: Command) -> None:
    assert "not both" in prefloop.refused("demo", "--copying", "--fast")
    told = prefloop.refused("experiment", "copying", tmp_path, "--seeds", "1,1")
    assert "no list of different numbers" in told


def test_what_is_refused_leaves_no_folder(
    tmp_path: Path, prefloop: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetched(*_: object, **__: object) -> None:
        raise AssertionError("nothing is fetched for a run that cannot be")

    monkeypatch.setattr("prefloop.prompts.news.fetch.fetch_news", fetched)
    folder = tmp_path / "set"
    for verb in (("experiment", "copying", folder), ("demo", "--copying", "--folder", folder)):
        assert "no such folder" in prefloop.refused(*verb, "models.name=./nowhere")
        assert "Did you mean epochs?" in prefloop.refused(*verb, "policy.epoch=1")
    assert not folder.exists()


def _asked(run: Path) -> set[tuple[str, ...]]:
    with Store.open(run / "prefloop.db", read_only=True) as store:
        return {comparison.sample_ids for comparison in store.comparisons()}


def _choices(run: Path) -> list[str | None]:
    with Store.open(run / "prefloop.db", read_only=True) as store:
        labels = sorted(store.labels(), key=lambda label: label.comparison_id)
        return [label.chosen for label in labels]
