"""`prefloop.Run`: what it makes, how it continues, and what it says of mistakes."""

import builtins
import json
import linecache
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import numpy as np
import pytest
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

import prefloop
from prefloop.errors import InputError, SettingsError
from prefloop.figures.metrics_line import MetricsLine
from prefloop.run_file import load_run_file
from prefloop.samples.sampler import Sampler
from prefloop.scorers.items import ScoringFunction
from tests.unit.python.conftest import PROMPTS, MakeRun, letters

SHORT = {"episodes": 8, "batch_size": 8, "epochs": 1}
"""One update of the policy."""


def lines_of(run: prefloop.Run) -> list[dict[str, Any]]:
    text = (run.folder / "metrics.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_a_run_that_is_stopped_by_a_callback_continues_as_if_it_never_was(
    make_run: MakeRun, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = make_run("whole")
    seen: list[MetricsLine] = []
    assert whole.train(on_update=seen.append).episodes() == 32
    assert [(line.stage, line.update) for line in seen] == [("policy", n) for n in range(1, 5)]
    assert seen[0].values["policy/score"] == lines_of(whole)[0]["policy/score"] > 0

    stopped = make_run("stopped", quiet=False)
    stopped.train(on_update=lambda line: line.update == 2)
    assert len(lines_of(stopped)) == 2 and not stopped.report.exists()
    assert "The run ends here (on_update returned True at policy update 2)" in (
        capsys.readouterr().err
    )
    make_run("stopped").train()
    assert lines_of(stopped) == lines_of(whole)
    assert stopped.report.exists() and "4 updates" in repr(stopped)


def test_a_trained_run_samples_judges_and_saves(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(policy={"episodes": 8, "batch_size": 8, "epochs": 1})
    with pytest.raises(InputError, match=r"has no policy yet"):
        run.sample("She laughed")
    untuned = run.sample(PROMPTS[:2], n=3, model="reference")
    assert [len(drawn) for drawn in untuned] == [3, 3]
    run.train()
    assert run.sample(PROMPTS[:2], n=3, model="reference", seed=1) != untuned
    assert run.sample(PROMPTS[:2], n=3, model="reference") == untuned
    (drawn,) = run.sample("She laughed")
    assert len(drawn) == 1 and isinstance(drawn[0], str)
    assert run.score(PROMPTS[:2], ["a b", "c!"]) == [2.0, 1.0]

    def shortness(prompts: Sequence[str], responses: Sequence[str]) -> list[int]:
        return [-len(text) for text in responses]

    figures = run.compare(shortness)
    assert figures.model == "policy/update-1" and figures.judges == ("shortness",)
    assert run.compare("length", model="policy/round-0").judges == ("length",)
    assert {rate.judge for rate in run.figures.evaluations[-1].figures.win_rates} == {
        "shortness",
        "length",
    }
    saved = run.save(tmp_path / "saved")
    AutoModelForCausalLM.from_pretrained(saved, trust_remote_code=False)
    with pytest.raises(InputError, match=r"saved exists already"):
        run.save(saved)
    with pytest.raises(InputError, match=r"no finished reward model yet.*until='rewards'"):
        run.save(tmp_path / "other", what="reward_model")


def test_the_card_of_a_policy_that_a_function_chooses_says_where_the_function_is(
    make_run: MakeRun,
) -> None:
    run = make_run(policy={**SHORT, "method": "best_of_n", "options": {"n": 2}})
    run.train(until="policy")
    card = (run.folder / "policy" / "round-0" / "README.md").read_text(encoding="utf-8")
    assert "reward=letters" in card and "```python" not in card, "such a block would not run"
    assert len(run.sample("She laughed", model="policy/round-0")[0]) == 1


def test_the_verdict_is_that_of_the_judge_who_was_asked(make_run: MakeRun) -> None:
    short = {"episodes": 8, "batch_size": 8, "epochs": 1}
    run = make_run(policy=short, evaluation={"judges": ["copying"]})
    run.train()
    asked, first = run.compare("length"), run.figures.evaluations[-1].figures
    assert asked.win_rate is not None and asked.win_rate.judge == "length"
    assert "a preference for length" in asked.verdict and asked.verdict != first.verdict
    assert first.win_rate is not None and first.win_rate.judge == "copying"


def test_a_judge_that_rests_on_the_reward_is_refused(make_run: MakeRun) -> None:
    run = make_run(policy={"episodes": 8, "batch_size": 8, "epochs": 1})
    run.train()
    with pytest.raises(SettingsError, match=r"'letters' is no independent judge"):
        run.compare(letters)

    def other(prompts: list[str], responses: list[str]) -> list[float]:
        return [0.0 for _ in responses]

    other.__name__ = "letters"
    with pytest.raises(InputError, match=r"Two functions are called letters"):
        run.compare(other)


def judge_of(body: str) -> ScoringFunction:
    """Return a function called `kindness`, made again as a notebook does when a cell runs again."""
    source = f"def kindness(prompts, responses):\n    return {body}\n"
    file = f"<cell {abs(hash(source))}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    (code,) = (
        each for each in compile(source, file, "exec").co_consts if isinstance(each, CodeType)
    )
    return FunctionType(code, {"__builtins__": builtins})


def test_a_judge_or_reward_that_is_defined_again_is_the_same_until_it_changes(
    make_run: MakeRun, capsys: pytest.CaptureFixture[str]
) -> None:
    short = {"episodes": 8, "batch_size": 8, "epochs": 1}
    few = "[-float(len(text)) for text in responses]"
    first, again = judge_of(few), judge_of(few)
    assert first is not again
    run = make_run(policy=short, quiet=False)
    run.train()
    verdict = run.compare(first).verdict
    capsys.readouterr()
    assert run.compare(again).verdict == verdict
    assert "changed" not in capsys.readouterr().err

    other = run.compare(judge_of("[float(len(text)) for text in responses]"))
    assert "The function kindness has changed" in capsys.readouterr().err
    (before,), (after,) = (
        [rate for rate in found.win_rates if rate.judge == "kindness"]
        for found in (run.compare(first), other)
    )
    assert (before.wins, before.losses) == (after.losses, after.wins) != (after.wins, after.losses)

    # A reward: the run that lies there goes on, and says it if the function is another.
    capsys.readouterr()
    rewarded = make_run("other", reward=judge_of(few), policy=short, quiet=False)
    rewarded.train()
    make_run("other", reward=judge_of(few), policy=short, quiet=False).train()
    assert "changed" not in capsys.readouterr().err
    changed = judge_of("[float(len(text)) for text in responses]")
    make_run("other", reward=changed, policy={**short, "episodes": 16}, quiet=False).train()
    assert "scorers.kindness: the function has changed" in capsys.readouterr().err


def test_a_reward_that_fails_on_the_way_names_the_response_and_loses_nothing(
    make_run: MakeRun,
) -> None:
    n_calls = 0

    def fragile(prompts: list[str], responses: list[str]) -> list[float]:
        nonlocal n_calls
        n_calls += 1
        if n_calls > 2:
            raise ZeroDivisionError(f"in {len(responses)}")
        return letters(prompts, responses)

    run = make_run(reward=fragile, policy={"episodes": 32, "batch_size": 8, "checkpoint_every": 1})
    with pytest.raises(
        InputError,
        match=r"scorer 'fragile' .*raised ZeroDivisionError: in 1 in test_run.py, line \d+ for "
        r"response 1 of \d \(index 0\), '.*'\. Nothing that was stored is lost",
    ):
        run.train()
    assert [line["update"] for line in lines_of(run)] == [1, 2]
    n_calls = -10
    run.train()
    assert [line["update"] for line in lines_of(run)] == [1, 2, 3, 4]


def test_labels_as_rows_train_a_reward_model_once(make_run: MakeRun, tmp_path: Path) -> None:
    rows = [{"prompt": p, "chosen": " good and warm", "rejected": " cold"} for p in PROMPTS]
    given: dict[str, Any] = {
        "labels": rows,
        "prompts": None,
        "reward": None,
        "rewards": {"normalize_samples": 8},
    }
    run = make_run(**given)
    assert run.config.comparisons.labelers == "none"
    run.train(until="rewards")
    good, bad = run.score(["He was"] * 2, [" good and warm", " cold"])
    assert isinstance(good, float) and good != bad
    saved = run.save(tmp_path / "saved", what="reward_model")
    AutoModelForSequenceClassification.from_pretrained(saved, trust_remote_code=False)
    (trust,) = run.figures.trusts
    before = (run.folder / "metrics.jsonl").read_text()
    make_run(**given).train(until="rewards")
    assert (run.folder / "metrics.jsonl").read_text() == before
    assert run.figures.trusts == (trust,)


def test_a_run_is_opened_by_its_folder_alone(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run()
    assert prefloop.Run(run.folder).config == run.config
    assert load_run_file(run.folder / "run.yaml") == run.config
    with pytest.raises(InputError, match=r"letters was handed over in Python.*reward=letters"):
        prefloop.Run(run.folder, quiet=True).train()
    with pytest.raises(InputError, match=r"nowhere/run\.yaml does not exist"):
        prefloop.Run(tmp_path / "nowhere")


def test_a_run_file_of_somebody_elses_stays(make_run: MakeRun, tmp_path: Path) -> None:
    file = tmp_path / "run" / "run.yaml"
    file.parent.mkdir()
    file.write_text("task: sentiment\n")
    with pytest.raises(SettingsError, match=r"run\.yaml exists already and was not written by"):
        make_run()
    assert [path.name for path in file.parent.iterdir()] == ["run.yaml"]
    assert file.read_text() == "task: sentiment\n"
    with pytest.raises(SettingsError, match=r"run\.yaml is a file\. Name a folder"):
        make_run("run/run.yaml")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"seed": 4}, r"seed was 3 and is 4"),
        ({"reward": "length"}, r"policy\.reward was 'letters' and is 'length'"),
        ({"policy": {**SHORT, "batch_size": 4}}, r"policy\.batch_size was 8 and is 4"),
        ({"polcy": {}}, r"no such setting"),
    ],
)
def test_a_changed_call_that_is_refused_changes_no_byte(
    make_run: MakeRun, change: dict[str, Any], told: str
) -> None:
    run = make_run(policy=SHORT)
    run.train(until="policy")
    before = contents_of(run.folder)
    with pytest.raises(SettingsError, match=told):
        make_run(**{"policy": SHORT, "prompts": PROMPTS[:4], **change})
    assert contents_of(run.folder) == before
    more = [*PROMPTS, "A prompt that came later."]
    assert make_run(policy=SHORT, prompts=more).config == run.config
    assert (run.folder / "prompts.jsonl").read_text().count("\n") == len(more)


def contents_of(folder: Path) -> dict[str, bytes]:
    """Return every file but those of the open database, by name."""
    files = (path for path in folder.rglob("*") if path.is_file() and ".db" not in path.name)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"prompts": ["Good day.", 7]}, r"prompts\[1\] is 7; it must be a text"),
        ({"prompts": []}, r"prompts is empty"),
        ({"reward": 3}, r"3 is neither the name of a scorer nor a function"),
        ({"labels": "gone.jsonl"}, r"gone\.jsonl does not exist"),
        ({"labels": ["good"]}, r"labels\[0\] is 'good'; every label must be a row"),
        ({"labels": []}, r"labels is empty"),
        ({"labels": [{"prompt": "a", "chosen": "b"}]}, r"labels\[0\] has the keys 'prompt', 'ch"),
        ({"labels": [{"chosen": 1, "rejected": object()}]}, r"labels hold what JSON cannot"),
        ({"labels": [{"chosen": "a", "rejected": "b"}]}, r"learns nothing from them\. Leave out"),
        ({"prompts": 7}, r"prompts is 7; give a list"),
        ({"prompts": "gone.txt"}, r"prompt file gone\.txt does not exist"),
        (
            {"model": {"name": "a"}},
            r"model is {'name': 'a'}; give a name such as 'smollm2', or a f",
        ),
        ({"reward": len}, r"the function len\(obj, /\) cannot be called with prompts and respo"),
    ],
)
def test_what_is_given_and_cannot_be_is_named(
    make_run: MakeRun, given: dict[str, Any], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        make_run(**given)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"polcy": {}}, r"polcy: no such setting\. Did you mean policy\?"),
        ({"reward": "sentimant"}, r"did you mean 'sentiment'"),
        ({"samples": 3}, r"samples: .*got 3"),
        ({"policy": 3}, r"policy is 3; give its settings"),
        ({"seed": object()}, r"seed: "),
    ],
)
def test_settings_that_cannot_be_are_named_before_anything_is_written(
    make_run: MakeRun, tmp_path: Path, given: dict[str, Any], told: str
) -> None:
    with pytest.raises(SettingsError, match=told):
        make_run(**given)
    assert not (tmp_path / "run").exists()


def test_columns_arrays_and_generators_are_lists(make_run: MakeRun) -> None:
    run = make_run(prompts=(text for text in PROMPTS))
    assert (run.folder / "prompts.jsonl").read_text().count("\n") == len(PROMPTS)
    assert make_run("array", prompts=np.array(PROMPTS)).config.prompts.source
    rows = ({"prompt": text, "chosen": " a", "rejected": " b"} for text in PROMPTS)
    learned = make_run("labels", prompts=None, reward=None, labels=rows)
    assert (learned.folder / "labels.jsonl").read_text().count("\n") == len(PROMPTS)
    assert run.score(np.array(["a"]), (text for text in ["bc"])) == [2.0]


def test_one_text_is_no_list_of_its_letters(make_run: MakeRun) -> None:
    with pytest.raises(InputError, match=r"prompts is 'ab'; give a list"):
        make_run().score("ab", "cd")


def test_without_a_run_and_without_what_makes_one_both_are_named() -> None:
    with pytest.raises(InputError, match=r"Nothing was given.*model, prompts, and reward or lab"):
        prefloop.Run()


def test_lists_of_different_length_are_not_scored(make_run: MakeRun) -> None:
    with pytest.raises(InputError, match=r"2 prompts and 1 response: give"):
        make_run().score(["a", "b"], ["c"])


def test_without_a_folder_a_temporary_one_is_made(gpt2_folder: Path) -> None:
    run = prefloop.Run(model=gpt2_folder, prompts=PROMPTS, reward="length")
    assert run.folder.name.startswith("prefloop-") and (run.folder / "prompts.jsonl").is_file()
    assert run.config.task.name == "custom"


def test_prompts_are_sampled_together(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(samples={"batch_size": 6})
    sizes: list[int] = []
    draw = Sampler.sample

    def counted(sampler: Sampler, *given: Any, **also: Any) -> Any:
        sizes.append(len(given[1]))
        return draw(sampler, *given, **also)

    monkeypatch.setattr(Sampler, "sample", counted)
    many = run.sample(PROMPTS[:5], n=3, model="reference")
    assert sizes == [2, 2, 1] and [len(drawn) for drawn in many] == [3] * 5
    assert len({tuple(drawn) for drawn in many}) == 5
    # The last one was drawn alone, as it is when it is asked for alone.
    assert run.sample(PROMPTS[4], n=3, model="reference") == [many[4]]
