"""Every verb does what its help says, and a program can read what it prints."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from docs.generate import verbs
from prefloop.cli.main import app
from prefloop.run_folder import read_run_folder
from prefloop.settings.task_presets import preset_names
from prefloop.store.store import Store
from tests.e2e.command import Command
from tests.e2e.small_run import make_run


@pytest.fixture
def run(finished_run: Path, tmp_path: Path) -> Path:
    """A finished run that may be changed."""
    return Path(shutil.copytree(finished_run, tmp_path / "run"))


@pytest.mark.parametrize(
    "verb", [name.removeprefix("prefloop ") for name, _ in verbs(get_command(app))]
)
def test_every_verb_has_help_with_an_example(prefloop: Command, verb: str) -> None:
    assert f"prefloop {verb} " in prefloop.done(*verb.split(), "--help").out.replace("\n", " ")


def test_the_package_imports_nothing_heavy() -> None:
    code = "import prefloop, sys; print(sorted(m for m in sys.modules if m.startswith('prefloop')))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "['prefloop']"


def test_help_starts_without_torch() -> None:
    code = (
        "import atexit, sys, time\n"
        "sys.argv = ['prefloop', '--help']\n"
        "atexit.register(lambda: print('SECONDS', time.process_time()))\n"
        "heavy = ('torch', 'transformers', 'sqlalchemy', 'numpy', 'pydantic')\n"
        "atexit.register(lambda: print('LOADED', [m for m in heavy if m in sys.modules]))\n"
        "from prefloop.cli.main import main\n"
        "main()\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "LOADED []" in told.stdout
    assert float(told.stdout.split("SECONDS")[1]) < 0.5


def test_a_mistake_in_the_run_file_is_told_before_torch_loads(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text("polcy: {}\n")
    code = (
        "import sys; sys.argv = ['prefloop', 'run', sys.argv[1]]\n"
        "import atexit\n"
        "heavy = ('torch', 'transformers', 'sqlalchemy')\n"
        "atexit.register(lambda: print('LOADED', [m for m in heavy if m in sys.modules]))\n"
        "from prefloop.cli.main import main\n"
        "main()\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert (told.returncode, told.stdout.strip()) == (2, "LOADED []")


def test_stages_one_at_a_time_make_the_same_run(
    prefloop: Command, gpt2_folder: Path, finished_run: Path, tmp_path: Path
) -> None:
    run = make_run(tmp_path / "run", gpt2_folder, rounds=1)
    there = []
    for verb in ("prompts", "samples", "comparisons", "rewards", "policy", "evaluation"):
        counts = prefloop.done(verb, run, "--json").json()
        there.append({noun for noun, n in counts.items() if n})
    grown = [sorted(new - old) for old, new in zip([set(), *there], there, strict=False)]
    assert grown == [
        ["prompts"],
        ["comparisons", "samples"],
        ["labels"],
        ["reward_models"],
        ["policies", "policy_updates"],
        ["evaluations", "verdicts"],
    ]
    for name in ("metrics.jsonl", "policy/round-0/model.safetensors"):
        assert (run / name).read_bytes() == (finished_run / name).read_bytes(), name


def test_evaluation_judges_a_round_that_is_not_the_last(
    prefloop: Command, gpt2_folder: Path, tmp_path: Path
) -> None:
    run = make_run(tmp_path / "run", gpt2_folder)
    prefloop.done("policy", run)
    assert prefloop.done("evaluation", run, "--json").json()["evaluations"] == 1
    assert [file.figures.round for file in read_run_folder(run).evaluations] == [0]
    assert not (run / "rewards" / "round-1").exists()


def test_a_finished_run_that_trains_on_is_judged_again(prefloop: Command, run: Path) -> None:
    """Its policy is another: the figures and samples of the earlier one must not stand for it."""
    (before,) = read_run_folder(run).evaluations
    prefloop.done("run", run, "policy.episodes=128", "policy.lr=1e-2")
    first, second = read_run_folder(run).evaluations
    assert first.figures == before.figures.model_copy(update={"round": None})
    assert (second.figures.model, second.figures.round) == ("policy/update-8", 0)
    ids = (first.figures.rows.model_samples, second.figures.rows.model_samples)
    assert not set(ids[0]) & set(ids[1])
    assert first.figures.kl is not None and second.figures.kl is not None
    assert first.figures.kl.value != second.figures.kl.value
    assert second.figures.verdict in (run / "policy/round-0/README.md").read_text()


def test_models_are_judged_again_by_another_judge(prefloop: Command, run: Path) -> None:
    (before,) = read_run_folder(run).evaluations
    update = "policy/update-5"
    prefloop.done("evaluation", run, "--judge", "length", "--models", "policy/round-0", update)
    later, last = read_run_folder(run).evaluations
    assert (later.figures.model, last.figures.model) == (update, before.figures.model)
    for file in (later, last):
        assert [w.judge for w in file.figures.win_rates] == ["lexicon", "length"]
    assert last.figures.win_rates[0] == before.figures.win_rates[0]
    page = (run / "report/index.html").read_text()
    assert page.count("<td>length</td>") == 2 == page.count("<td>lexicon</td>")
    assert "is not known" in prefloop.refused("evaluation", run, "--judge", "lenght")


def test_a_verb_that_makes_nothing_changes_no_byte(prefloop: Command, run: Path) -> None:
    def tree() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in run.rglob("*") if path.is_file()}

    before = tree()
    for verb in ("prompts", "samples", "rewards", "policy", "evaluation"):
        told = prefloop.done(verb, run, "policy.lr=9")
        assert "Nothing was left to make" in told.err and "from here on" not in told.err
        after = tree()
        assert after.keys() == before.keys()
        assert [name for name in after if after[name] != before[name]] == []


def test_a_report_replaces_no_page_but_a_report(
    prefloop: Command, run: Path, tmp_path: Path
) -> None:
    away = tmp_path / "away"
    prefloop.done("report", run, "--to", away)
    prefloop.done("report", run, "--to", away)
    for record in (None, "{}"):
        mine = tmp_path / f"mine-{record}"
        mine.mkdir()
        (mine / "index.html").write_text("mine")
        if record:
            (mine / "provenance.json").write_text(record)
        told = prefloop.refused("report", run, "--to", mine)
        assert "no report that prefloop wrote" in told
        assert (mine / "index.html").read_text() == "mine"


def test_run_report_and_show_print_json(prefloop: Command, run: Path) -> None:
    told = prefloop.done("run", run, "--json").json()
    assert Path(told["report"]).is_file()
    figures = json.loads(Path(told["evaluation"]).read_text())
    assert told["verdict"] == figures["verdict"]
    assert prefloop.done("report", run, "--json").json() == {"report": told["report"]}
    pairs = prefloop.done("show", run, "-n", 3, "--json").json()
    assert len(pairs) == 3
    assert {key for pair in pairs for key in pair} == {"prompt", "before", "after"}
    assert "before" in prefloop.done("show", run).out


def test_labels_go_out_and_into_another_run(
    prefloop: Command, run: Path, gpt2_folder: Path, tmp_path: Path
) -> None:
    """A whole trip in every format, and a run that learns from what came in."""
    other = make_run(tmp_path / "other", gpt2_folder, rounds=1)
    file = tmp_path / "labels"
    for name in ("trl", "openai_2019", "openai_2020", "raw"):
        told = prefloop.done("export", run, file, "--format", name, "--json").json()
        assert told["labels"] > 0
        assert "labels new" in prefloop.done("import", other, file, "--format", name).out
    with file.open("a") as changed:
        changed.write("\n")
    refused = prefloop.refused("export", run, file)
    assert f"{file} exists already" in refused and "--force" in refused
    again = prefloop.done("import", other, file, "--json").json()
    assert {again[noun] for noun in ("prompts", "samples", "comparisons", "labels")} == {0}
    with Store.open(run / "prefloop.db") as one, Store.open(other / "prefloop.db") as two:
        assert {x.id for x in one.labels()} < {x.id for x in two.labels()}
        two.verify_chain()
    # The run's own prompts are others by now; the imported labels keep theirs.
    lines = [f"A new sentence number {i} about the sea and the rain." for i in range(120)]
    (other / "new.txt").write_text("\n".join(lines))
    source = f"prompts.source={other / 'new.txt'}"
    quick = ("rewards.checkpoint_every=0", "rewards.batch_size=64")
    prefloop.done("rewards", other, "comparisons.labelers=none", source, *quick)
    assert (other / "rewards" / "round-0" / "trust.json").exists()


def test_init_makes_a_run_file_and_spares_one(prefloop: Command, tmp_path: Path) -> None:
    prefloop.done("init", tmp_path / "new", "--model", "builtin:tiny")
    before = (tmp_path / "new" / "run.yaml").read_text()
    assert "builtin:tiny" in before
    assert "exists already" in prefloop.refused("init", tmp_path / "new")
    assert (tmp_path / "new" / "run.yaml").read_text() == before


QUICK = (
    *("models.name=builtin:tiny", "prompts.limit=80", "task.query_tokens_max=24"),
    *("samples.attempts=1", "models.lora_top_layers=1", "comparisons.validation_overlap=1"),
    *("task.query_tokens_min=1", "task.response_tokens=6", "task.stop_min=0"),
    *("comparisons.labels=4", "comparisons.validation_labels=2", "rewards.normalize_samples=8"),
    *("policy.episodes=8", "policy.batch_size=8", "policy.epochs=1", "policy.kl.horizon=64"),
    *("comparisons.labelers=synthetic", "comparisons.synthetic.scorers={sentiment: 1.0}"),
    *(
        "evaluation.judges=[lexicon]",
        "evaluation.prompts=8",
        "evaluation.frontier_prompts=0",
        "report.pairs=2",
    ),
)
"""Overrides with which a run of any task takes a moment."""


@pytest.mark.parametrize("task", preset_names())
def test_what_init_writes_for_a_task_runs(prefloop: Command, tmp_path: Path, task: str) -> None:
    run = tmp_path / task
    prefloop.done("init", run, "--task", task)
    done = prefloop.done("run", run, *QUICK, "--json")
    assert "Plan: 80 prompts:" in done.err
    assert done.json()["verdict"]
    assert (run / "report" / "index.html").exists()


def test_a_plan_alone_does_nothing(prefloop: Command, tmp_path: Path) -> None:
    run = tmp_path / "run"
    prefloop.done("init", run, "--task", "custom")
    planned = prefloop.done("run", run, "--plan", *QUICK).out
    assert planned.startswith("Plan: 80 prompts:")
    assert "The policy makes 1 update of together 8 episodes" in planned
    assert sorted(path.name for path in run.iterdir()) == ["run.yaml"]
    as_json = prefloop.done("run", run, "--plan", "--json", *QUICK).json()
    assert (as_json["updates"], sum(as_json["prompts"].values())) == (1, 80)


@pytest.mark.parametrize("system", ["win32", "cygwin", "emscripten"])
def test_another_system_is_refused_in_words(
    prefloop: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, system: str
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    told = prefloop.refused("init", tmp_path / "run")
    assert told.startswith(f"prefloop runs on Linux and macOS; this is {system}.")
    assert not (tmp_path / "run").exists()


def test_the_first_command_needs_no_module_that_only_unix_has() -> None:
    code = "import sys; sys.modules['fcntl'] = None; import prefloop.cli.main"
    subprocess.run([sys.executable, "-c", code], check=True)
