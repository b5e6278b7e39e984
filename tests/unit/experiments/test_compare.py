"""Finished runs held against each other: the figures, and who is refused with which words."""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

from prefloop.errors import InputError
from prefloop.evaluation.judges.build import CheckedJudge
from prefloop.evaluation.judges.judge import Outcome
from prefloop.experiments.compare import pairs
from prefloop.experiments.compare.chart import runs_chart
from prefloop.experiments.compare.finished_run import FinishedRun, read_finished_runs
from prefloop.experiments.compare.measure import compare_runs
from prefloop.experiments.compare.page import refuse_page_place, write_page
from prefloop.figures.compared_runs import RunPairFigures, RunsComparedFigures
from prefloop.figures.compared_runs_text import (
    headline,
    missing_lines,
    pair_table,
    run_columns,
    run_table,
)
from prefloop.figures.cost import UpdateCostFigures
from prefloop.figures.estimate import EstimateFigure
from prefloop.files import append_json_line, read_json_lines
from prefloop.functional.statistics import paired_win_rate
from prefloop.progress import Silent
from prefloop.records import Label
from prefloop.scorers.build import build_scorer
from prefloop.store.store import Store
from tests.made_once import made_once
from tests.unit.report.fake_run import SETTINGS, make_run
from tests.unit.store.records_for_tests import prompt

RUN: dict[str, Any] = {**SETTINGS, "rounds": 1, "evaluation": {"judges": ["lexicon"]}}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of one round on the same prompts and labels; the second's policy is happier."""

    def make(folder: Path) -> None:
        for name, lean, method in (("calm", 0.2, "ppo"), ("gay", 0.9, "rloo")):
            run = make_run(folder / name, rounds=1, n_held_out=60, hostile=(), policy_lean=lean)
            settings = {**RUN, "policy": {**RUN["policy"], "method": method}}
            (run / "run.yaml").write_text(yaml.safe_dump(settings))

    return made_once(tmp_path_factory, "compared-runs", make)


@pytest.fixture
def runs(made: Path, tmp_path: Path) -> list[Path]:
    """Copies of both that a test may change."""
    return [Path(shutil.copytree(made / name, tmp_path / name)) for name in ("calm", "gay")]


@pytest.fixture(scope="module")
def found(made: Path) -> RunsComparedFigures:
    return compare(made / "calm", made / "gay")


def compare(*folders: Path, **options: bool) -> RunsComparedFigures:
    return compare_runs(folders, Silent(), **options)


def refused(*folders: Path) -> str:
    with pytest.raises(InputError) as error:
        compare(*folders)
    return str(error.value)


def change(run: Path, section: str, **settings: Any) -> None:
    raw = yaml.safe_load((run / "run.yaml").read_text())
    raw[section] = {**raw.get(section, {}), **settings}
    (run / "run.yaml").write_text(yaml.safe_dump(raw))


# figures


def test_a_pair_is_judged_by_the_scores_of_both_responses_to_each_prompt(made: Path) -> None:
    calm, gay = read_finished_runs([made / "calm", made / "gay"])
    pair = compare(made / "calm", made / "gay").pairs[0]
    lexicon, outcomes = build_scorer("lexicon", {}), []
    for i, sample in calm.samples.items():
        ours, theirs = lexicon.score([""] * 2, [sample.text, gay.samples[i].text])
        outcomes.append(1.0 if ours > theirs else 0.5 if ours == theirs else 0.0)
    assert (pair.run, pair.other) == ("calm", "gay")
    counts = (pair.wins, pair.ties, pair.losses)
    assert counts == tuple(outcomes.count(points) for points in (1.0, 0.5, 0.0))
    expected = paired_win_rate(outcomes, list(calm.samples))
    assert pair.win_rate.value == pytest.approx(expected.value)
    assert (pair.win_rate.low, pair.win_rate.high) == pytest.approx(tuple(expected.interval))
    assert pair.win_rate.n_clusters == len(outcomes) == 60


def test_in_the_other_order_the_pair_is_mirrored(made: Path, found: RunsComparedFigures) -> None:
    [pair], [other] = found.pairs, compare(made / "gay", made / "calm").pairs
    assert other.win_rate.value == pytest.approx(1 - pair.win_rate.value)
    assert other.win_rate.low == pytest.approx(1 - (pair.win_rate.high or 0))
    assert (other.wins, other.losses) == (pair.losses, pair.wins)


def test_the_happier_policy_is_better_and_the_headline_says_by_whom_and_how_sure(
    found: RunsComparedFigures,
) -> None:
    assert found.pairs[0].win_rate.lies_below(0.5)
    said = headline(found)
    assert said.startswith("gay is better than calm: the held-out judge (a list of rated words)")
    assert "of 60 held-out prompts (95 % interval " in said
    calm, gay = found.runs
    assert gay.reward is not None and calm.reward is not None
    assert gay.reward.value > calm.reward.value
    assert gay.baseline_reward == calm.baseline_reward, "the same reference"
    assert (found.reward, found.judge, found.prompts) == ("sentiment", "lexicon", 60)


def test_each_run_shows_what_its_own_evaluation_holds(
    made: Path, found: RunsComparedFigures
) -> None:
    for run, row in zip(read_finished_runs([made / "calm", made / "gay"]), found.runs, strict=True):
        assert run.evaluation.win_rate is not None
        assert row.win_rate == run.evaluation.win_rate.rate
        assert row.kl == run.evaluation.kl and row.kl is not None
        assert row.episodes == run.figures.episodes() == 64 * 32
        frontier = run.evaluation.frontier
        assert frontier is not None and row.share_of_best_gain == frontier.share_of_best_gain


def test_a_bound_on_the_kl_is_shown_as_one(found: RunsComparedFigures) -> None:
    bounded = {"kl": None, "kl_at_most": 1.8351, "share_of_best_gain": 0.6}
    first = found.runs[0].model_copy(update=bounded)
    figures = found.model_copy(update={"runs": (first, *found.runs[1:])})
    row = run_table(figures)[0]
    assert "at most 1.84" in row and "at least 60 %" in row
    assert "at most 1.84 nats" in str(runs_chart(figures))
    assert "at least" not in " ".join(run_table(found)[0])


def test_what_differs_is_listed_and_nothing_else(found: RunsComparedFigures) -> None:
    assert found.settings["policy.method"] == ("ppo", "rloo")
    assert all(key.startswith("policy.") for key in found.settings), found.settings


def test_runs_from_before_costs_were_recorded_say_so(runs: list[Path]) -> None:
    found = compare(*runs)
    assert [run.cost for run in found.runs] == [None, None]
    assert run_table(found)[0][-2:] == ("not recorded", "not recorded")
    assert any("training time and peak memory of calm, gay" in x for x in missing_lines(found))
    for line in read_json_lines(runs[0] / "metrics.jsonl"):
        cost = UpdateCostFigures(
            **{key: line[key] for key in ("stage", "round", "update")},
            seconds=2.0,
            peak_memory_bytes=640_000_000,
        )
        append_json_line(runs[0] / "costs.jsonl", cost.model_dump())
    again = compare(*runs)
    n = len(read_json_lines(runs[0] / "metrics.jsonl"))
    assert again.runs[0].cost is not None and again.runs[0].cost.total_seconds == 2.0 * n
    assert run_table(again)[0][-2:] == ("80 s", "640 MB")
    assert run_table(again)[1][-2:] == ("not recorded", "not recorded")


def test_comparing_changes_no_byte_of_a_run(runs: list[Path]) -> None:
    before = [contents(run) for run in runs]
    compare(*runs)
    assert [contents(run) for run in runs] == before


def contents(run: Path) -> dict[str, str]:
    return {
        path.relative_to(run).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in run.rglob("*")
        if path.is_file()
    }


def test_two_folders_of_one_name_are_called_by_their_paths(runs: list[Path]) -> None:
    other = runs[1].parent / "more" / "calm"
    other.parent.mkdir()
    runs[1].rename(other)
    names = [run.name for run in compare(runs[0], other).runs]
    assert names == [runs[0].as_posix(), other.as_posix()]


# a judge that gives no scores


class Longer:
    """Prefers the longer response."""

    name: ClassVar[str] = "longer"
    sources: ClassVar[frozenset[str]] = frozenset({"length"})
    description: ClassVar[str] = "the longer one"

    def compare(self, prompt: str, a: str, b: str) -> Outcome:
        assert prompt, "a judge sees the prompt"
        return "win" if len(a) > len(b) else "loss" if len(a) < len(b) else "tie"


@pytest.fixture
def unscored(made: Path) -> list[FinishedRun]:
    read = read_finished_runs([made / "calm", made / "gay"])
    return [replace(run, scores={}) for run in read]


def test_a_judge_without_scores_is_asked_about_both_texts(
    unscored: list[FinishedRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = CheckedJudge("longer", Longer())
    monkeypatch.setattr(pairs, "build_judge", lambda name, config: judge)
    [pair], why = pairs.run_pairs(unscored, ("longer", judge.fingerprint), Silent())
    lengths = [
        (len(unscored[0].samples[i].text), len(unscored[1].samples[i].text))
        for i in unscored[0].samples
    ]
    assert why == ""
    assert pair.wins == sum(a > b for a, b in lengths)
    assert pair.losses == sum(a < b for a, b in lengths)


def test_a_judge_that_has_changed_since_is_not_asked(
    unscored: list[FinishedRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pairs, "build_judge", lambda *_: CheckedJudge("longer", Longer()))
    with pytest.raises(InputError, match="another today than when it judged"):
        pairs.run_pairs(unscored, ("longer", "of an earlier version"), Silent())


def test_people_are_not_asked_again(unscored: list[FinishedRun]) -> None:
    found, why = pairs.run_pairs(unscored, ("people", ""), Silent())
    assert found == [] and "people judged each policy beside the baseline" in why


# refusals


def test_one_run_and_the_same_run_twice_are_refused(runs: list[Path]) -> None:
    assert "1 run named. Name two runs or more" in refused(runs[0])
    again = runs[0].parent / "gay" / ".." / "calm"
    assert "is named twice" in refused(*runs, again)
    copy = Path(shutil.copytree(runs[0], runs[0].parent / "copy"))
    assert "copy and calm are one run: a copy of a folder" in refused(runs[0], copy)


def test_an_unfinished_run_is_refused_by_name(runs: list[Path]) -> None:
    for path in (runs[1] / "evaluation").rglob("*.json"):
        path.unlink()
    said = refused(*runs)
    assert "gay is not finished: the policy of its first round has no evaluation" in said
    assert f"`prefloop run {runs[1]}`" in said
    (runs[0] / "prefloop.db").unlink()
    shutil.rmtree(runs[0])
    assert "does not exist" in refused(*runs)


def _another_task(run: Path) -> None:
    change(run, "task", response_tokens=20)


def _another_model(run: Path) -> None:
    change(run, "models", name="builtin:tiny")


def _more_prompts(run: Path) -> None:
    with Store.open(run / "prefloop.db") as store:
        store.add_prompts([prompt()])


def _another_start(run: Path) -> None:
    change(run, "policy", warm_start={"epochs": 1})


def _another_reward(run: Path) -> None:
    change(run, "policy", reward="sentiment")


def _another_label(run: Path) -> None:
    with Store.open(run / "prefloop.db") as store:
        comparison = store.comparisons()[0]
        store.add_label(
            Label(
                id="later",
                comparison_id=comparison.id,
                labeler="ann",
                answer="best",
                chosen=comparison.sample_ids[0],
                shown=comparison.sample_ids,
                seconds=2.0,
                instructions="1",
            )
        )


@pytest.mark.parametrize(
    ("differ", "said"),
    [
        (_another_task, "gay has another task: task.response_tokens is 20, and 24 in calm"),
        (_another_model, "gay began with another model than calm (builtin:tiny and smollm2"),
        (_another_start, "other warm start (policy.warm_start)"),
        (_more_prompts, "gay has other prompts: 121, and calm 120, of which 120 are in both"),
        (_another_reward, "gay was trained towards another reward: policy.reward is 'sentiment'"),
        (_another_label, "gay learned from other labels: 121 labels, and calm from 120"),
    ],
)
def test_runs_on_other_ground_are_refused_with_what_differs(
    runs: list[Path], differ: Callable[[Path], None], said: str
) -> None:
    differ(runs[1])
    told = refused(*runs)
    assert told.startswith("the comparison has ") and said in told, told


def test_the_same_prompts_in_another_split_are_refused(
    runs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    calm, gay = read_finished_runs(runs)
    moved = {i: ("train" if s == "validation" else s) for i, s in gay.splits.items()}
    found = replace(gay, splits=moved)
    monkeypatch.setattr(
        "prefloop.experiments.compare.measure.read_finished_runs", lambda _: [calm, found]
    )
    told = refused(*runs)
    assert "gay divides the prompts in another way: 20 prompts of 120 in both runs" in told


def test_every_run_and_every_reason_is_named_at_once(runs: list[Path]) -> None:
    third = Path(shutil.copytree(runs[1], runs[1].parent / "third"))
    _another_task(runs[1])
    _another_model(runs[1])
    told = refused(*runs, third)
    assert told.startswith("the comparison has 3 problems:"), told
    assert "third and gay are one run" in told and "third has" not in told


def test_different_labels_are_compared_where_that_is_asked_for_and_said(runs: list[Path]) -> None:
    _another_label(runs[1])
    assert "`--different-labels` compares them nevertheless" in refused(*runs)
    notes = compare(*runs, different_labels=True).notes
    assert any("learned from different labels (calm from 120, gay from 121)" in n for n in notes)


def test_a_reward_is_what_it_was_made_of_and_not_what_it_is_called(runs: list[Path]) -> None:
    for run, file, was in zip(runs, ("mine.py", "theirs/mine.py"), ("one", "other"), strict=True):
        entry = {"kind": "function", "file": str(run / file), "function": "score"}
        change(run, "scorers", mine=entry)
        change(run, "policy", reward="mine")
        (run / "contents.json").write_text(json.dumps({"scorers": {"mine": was}}))
    told = refused(*runs)
    assert "gay was trained towards another reward than calm: both call it 'mine'" in told
    found = compare(*runs, different_labels=True)
    assert "The runs were trained towards different rewards (policy.reward)." in found.notes
    assert "not the same in all runs" in found.runs[0].missing["reward"]

    (run / "contents.json").write_text(json.dumps({"scorers": {"mine": "one"}}))
    score = "def score(prompts, responses):\n    return [float(len(each)) for each in responses]\n"
    (runs[0] / "mine.py").write_text(score)
    assert compare(*runs).runs[1].reward is not None, "the same code under two paths"


def test_runs_without_a_common_judge_are_refused(runs: list[Path]) -> None:
    path = next((runs[1] / "evaluation").rglob("*.json"))
    path.write_text(path.read_text().replace('"lexicon"', '"imagery"'))
    told = refused(*runs)
    assert "These runs share no judge:\n  - calm: lexicon\n  - gay: imagery\n" in told
    assert "prefloop evaluation" in told


def test_a_judge_of_other_settings_is_another_judge(runs: list[Path]) -> None:
    path = next((runs[1] / "evaluation").rglob("*.json"))
    raw = yaml.safe_load(path.read_text())
    was = raw["win_rates"][0]["fingerprint"]
    path.write_text(path.read_text().replace(was, "another"))
    assert "'lexicon' has not the same settings, weights or code in all runs" in refused(*runs)


def test_runs_beside_different_baselines_are_refused(runs: list[Path]) -> None:
    path = next((runs[1] / "evaluation").rglob("*.json"))
    path.write_text(path.read_text().replace('"baseline": "reference"', '"baseline": "human"'))
    assert "gay is compared with human, and calm with reference" in refused(*runs)


# page and text


def test_the_page_is_one_file_without_network_and_escapes_names(
    runs: list[Path], tmp_path: Path
) -> None:
    odd = runs[1].rename(runs[1].with_name("<b>gay"))
    found = compare(runs[0], odd)
    write_page(found, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<svg" in page and "<script" not in page and "http" not in page
    assert "<b>gay" not in page and page.count("&lt;b&gt;gay") >= 4
    assert "Not judged" not in page and "policy.method" in page
    assert all(column in page for column in run_columns(found))


@pytest.mark.parametrize("name", ["page", "page.pdf", "folder.html"])
def test_a_place_that_is_no_page_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(InputError, match=r"ends in \.html"):
        refuse_page_place(tmp_path / name)


def test_where_no_run_is_better_the_headline_claims_nothing(found: RunsComparedFigures) -> None:
    assert "prefers no run to another beyond chance" in headline(_with(found, [_pair(0.5)]))
    unpaired = found.model_copy(update={"pairs": (), "why_no_pairs": "people judged"})
    assert headline(unpaired) == "Which run is better is not judged: people judged."
    assert pair_table(unpaired) == []


def test_a_run_that_wins_is_named_first_whatever_the_order(found: RunsComparedFigures) -> None:
    assert headline(_with(found, [_pair(0.8)])).startswith("a is better than b:")
    said = headline(_with(found, [_pair(0.2)]))
    assert said.startswith("b is better than a:") and "on 80 % of" in said
    assert "(95 % interval 70–90 %)" in said


def test_several_runs_are_ranked_in_one_sentence(found: RunsComparedFigures) -> None:
    runs = tuple(found.runs[0].model_copy(update={"name": name}) for name in "abc")
    rates = {("a", "b"): 0.2, ("a", "c"): 0.52, ("b", "c"): 0.9}
    pairs = [
        _pair(rate).model_copy(update={"run": run, "other": other})
        for (run, other), rate in rates.items()
    ]
    several = _with(found, pairs).model_copy(update={"runs": runs, "prompts": 40})
    assert headline(several) == (
        "On 40 held-out prompts, the held-out judge (a list of rated words) prefers b to a and c. "
        "Nothing is shown between a and c."
    )
    pairs[1] = pairs[1].model_copy(update={"win_rate": _pair(0.8).win_rate})
    assert "prefers b to a and c; a to c." in headline(_with(several, pairs))


def _with(found: RunsComparedFigures, made: Sequence[RunPairFigures]) -> RunsComparedFigures:
    return found.model_copy(update={"pairs": tuple(made)})


def _pair(rate: float) -> RunPairFigures:
    estimate = EstimateFigure(
        value=rate, low=rate - 0.1, high=rate + 0.1, confidence=0.95, n=40, n_clusters=40, how=""
    )
    return RunPairFigures(run="a", other="b", win_rate=estimate, wins=0, ties=0, losses=0)
