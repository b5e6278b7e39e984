"""Canaries in a run on the built-in model: a turned sign stops it before it does harm."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from prefloop.doctor.canaries import check_canaries
from prefloop.figures.canary import CanaryName, CanaryResult, canary_result
from prefloop.label_types.pairs.type import PAIRS
from prefloop.models.runtime import to_numpy
from prefloop.policy.methods import ppo
from prefloop.records import Comparison, Label
from prefloop.rewards.export_hash import ExportHashes
from prefloop.rewards.model import RewardModel
from prefloop.run.assemble import assemble
from prefloop.run.loop import run_rounds
from prefloop.run.monitor import RunMonitor
from prefloop.run.rollback import resume, roll_back
from prefloop.run.stages import Stages
from prefloop.run_folder import read_canaries, read_run_folder
from prefloop.settings.run import RunConfig
from prefloop.store.store import Store
from tests.e2e.small_run import prompt_lines
from tests.known import known
from tests.unit.run.doubles import RecordedProgress, release
from tests.wiring.wires import run_with
from tests.wrong_twins import canary_twins as twins

TINY = {
    "seed": 3,
    "recipe": "none",
    "task.name": "sentiment",
    "task.query_tokens_min": 1,
    "task.response_tokens": 6,
    "task.start_after": None,
    "task.end_at": None,
    "task.stop": None,
    "task.stop_min": 0,
    "models.name": "builtin:tiny",
    "models.lora_top_layers": 1,
    "prompts.validation_share": 0.2,
    "samples.per_prompt": 2,
    "comparisons.labels": 36,
    "comparisons.validation_labels": 12,
    "comparisons.validation_overlap": 1,
    "comparisons.synthetic.scorers": {"length": 1.0},
    "rewards.normalize_samples": 24,
    "policy.episodes": 16,
    "policy.batch_size": 8,
}
ALL = ["C3", "C4", "C5", "C6", "C7", "C8"]


class StandsStill(Exception):
    """The run waits for its owner, as far as a test is concerned."""


def stand_still(_seconds: float) -> None:
    raise StandsStill


@contextmanager
def run_in(
    folder: Path, until: str = "policy", method: str = "ppo", **audits: Any
) -> Iterator[Stages]:
    """Yield the stages of a run in its folder, resumed."""
    passages = folder.parent / "prompts.txt"
    passages.write_text("\n".join(prompt_lines(120)), encoding="utf-8")
    config = run_with(
        {**TINY, "prompts.source": str(passages), "policy.method": method}
        | {f"audits.{name}": value for name, value in audits.items()}
    )
    with Store.open(folder / "prefloop.db") as store:
        monitor = RunMonitor(store, RecordedProgress(), sleep=stand_still)
        stages = assemble(config, folder, monitor, until=until)
        resume(stages)
        yield stages


def who_stopped(stages: Stages) -> list[str]:
    """Run until the run stands still; return who asked for it."""
    with pytest.raises(StandsStill):
        run_rounds(stages)
    request = known(stages.store.stop_requests.active())
    return [request.pulled_by, *stages.store.stop_requests.added_by(request.id)]


def statuses(folder: Path) -> dict[str, str]:
    return {result.name: result.status for result in read_canaries(folder)}


@pytest.fixture(scope="module")
def labeled(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose labels are in; copy it."""
    folder = tmp_path_factory.mktemp("labeled")
    shutil.copy(sqlite_template, folder / "prefloop.db")
    with run_in(folder, until="comparisons") as stages:
        run_rounds(stages)
    return folder


@pytest.fixture(scope="module")
def rewarded(labeled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose reward model is trained; copy it."""
    folder = tmp_path_factory.mktemp("rewarded") / "run"
    shutil.copytree(labeled, folder)
    with run_in(folder, until="rewards") as stages:
        run_rounds(stages)
    return folder


def test_the_double_sign_flip_of_2019_is_stopped_at_the_start_and_without_that_by_the_cord(
    rewarded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Path(shutil.copytree(rewarded, tmp_path / "run"))
    with monkeypatch.context() as flipped:
        flipped.setattr(ppo, "shape_rewards", twins.both_turned)
        with run_in(run) as stages:
            assert who_stopped(stages) == ["start check C3", "start check C4"]
            assert stages.policy.update == 0
            request = known(stages.store.stop_requests.active())
        assert (
            "−1.00 x score and +0.150 x KL; it should be +1.00 x score and −0.150" in request.reason
        )
        assert "limit: a difference of 0.0001" in request.reason
        assert "audits.start_checks=false" in request.reason
        assert "go on until the canary is looked at again" in request.reason
        with run_in(run, start_checks=False) as stages:
            assert who_stopped(stages) == ["canary C3"]
            assert stages.policy.update == 1
            checks = {c.check: c for c in check_canaries(stages.config, read_run_folder(run))}
        assert checks["canary C3"].status == "bad", "it failed again while the policy trained"
        assert checks["canary C4"].status == "warn", "its stop was released"
        assert "Its stop was released by start check C3." in checks["canary C4"].message
        assert "canary C6" not in checks, "without start checks nobody looks at it again"
    with run_in(run) as stages:
        release(stages.store, "resume")
        run_rounds(stages)
        assert stages.policy.update == 2
        assert stages.store.stop_requests.active() is None
    assert "fail" not in statuses(run).values()


def test_a_clean_run_passes_and_says_so(rewarded: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(rewarded, tmp_path / "run"))
    with run_in(run, probe_every=1) as stages:
        run_rounds(stages)
        config = stages.config
        assert stages.store.stop_requests.all() == []
    assert statuses(run) == dict.fromkeys(ALL, "pass") | {"C4": "unknown"}
    checks = check_canaries(config, read_run_folder(run))
    assert [c.check for c in checks] == [f"canary {name}" for name in ALL]
    assert {c.status for c in checks} == {"ok", "later"}
    assert "too small to refuse: 12 of the 100" in checks[1].message
    assert "in the store, 36 questions" in checks[-1].message, "those that were learned from"
    assert {r.update for r in read_canaries(run) if r.name in ("C3", "C4")} == {2}


def test_a_failure_is_bad_until_it_is_released_switched_off_or_rolled_back(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    of_start, of_later = failed("C3", update=0), failed("C8", update=5)

    def said(config: RunConfig) -> dict[str, str]:
        return {c.check: c.status for c in check_canaries(config, read_run_folder(run))}

    with run_in(run, on_alarm="roll_back") as stages:
        config = stages.config
        for result in (of_start, of_later):
            stages.canaries._note(result, "canary ")
        assert said(config) == {"canary C3": "bad", "canary C8": "bad"}
        assert said(off(config, "C8")) == {"canary C3": "bad"}
        stop = known(stages.store.stop_requests.active())
        release(stages.store, "resume")
    with run_in(run) as stages:
        assert said(config) == {"canary C3": "warn", "canary C8": "warn"}
        roll_back(stages, replace(stop, action="roll_back", roll_back_to=0))
        assert said(config) == {"canary C3": "warn"}
        stages.canaries._note(of_start, "canary ")
        assert said(config) == {"canary C3": "bad"}, "a release lasts until the next look"


def failed(name: CanaryName, *, update: int) -> CanaryResult:
    return canary_result(name, "fail", value="1", limit="0", round_number=0, update=update)


def off(config: RunConfig, name: str) -> RunConfig:
    audits = config.audits.model_copy(update={"canaries_off": [name]})
    return config.model_copy(update={"audits": audits})


def test_c7_stops_a_reward_model_that_is_not_normalized(
    labeled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Path(shutil.copytree(labeled, tmp_path / "run"))
    monkeypatch.setattr(RewardModel, "normalize", lambda self, ids, std=1.0: (1.0, 0.0))
    with run_in(run) as stages:
        assert who_stopped(stages) == ["canary C7"]
        assert stages.policy.update == 0


def test_c8_stops_before_anything_learns_from_turned_labels(
    labeled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Path(shutil.copytree(labeled, tmp_path / "run"))
    kind = type(PAIRS)
    monkeypatch.setattr(kind, "target", twins.chosen_last(kind.target))
    with run_in(run) as stages:
        assert who_stopped(stages) == ["canary C8"]
        assert not stages.rewards.is_trained(0)
        assert stages.metrics.lines() == []


def test_c8_looks_at_validation_questions_too_and_keeps_what_was_learned_from(
    labeled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Path(shutil.copytree(labeled, tmp_path / "run"))
    with run_in(run) as stages:
        look = stages.canaries.after_export
        sound = ExportHashes("a", "a", 36)
        measured = sound._replace(n=12, what="validation question", is_taught=False)
        look(sound)
        look(measured)
        [c8] = read_canaries(run)
        assert c8.status == "pass" and c8.value.endswith("36 questions")
        look(measured._replace(in_trainer="b"))
        [c8] = read_canaries(run)
        assert c8.status == "fail" and c8.value.endswith("12 validation questions")
        assert known(stages.store.stop_requests.active()).pulled_by == "canary C8"


def test_c8_stops_a_policy_that_would_learn_from_turned_pairs(
    rewarded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DPO reads labels by a way of its own: the reward model's is sound here, and was looked at."""
    run = Path(shutil.copytree(rewarded, tmp_path / "run"))
    kind = type(PAIRS)
    with monkeypatch.context() as turned:
        turned.setattr(kind, "preferred_pairs", twins.winner_turned(kind.preferred_pairs))
        with run_in(run, method="dpo") as stages:
            assert who_stopped(stages) == ["canary C8"]
            assert stages.policy.update == 0
            release(stages.store, "resume")
    with run_in(run, method="dpo") as stages:
        run_rounds(stages)
        assert stages.policy.update == 2
    [c8] = [result for result in read_canaries(run) if result.name == "C8"]
    assert c8.status == "pass" and "in the store, 36 labeled pairs" in c8.value
    assert statuses(run)["C3"] == "unknown", "no reward to look at: C8 is what watches the labels"


@pytest.mark.parametrize("likes_best", [True, False])
def test_c9_new_labels_are_compared_with_the_reward_model_before(
    rewarded: Path, tmp_path: Path, likes_best: bool
) -> None:
    """Labels of a second round that choose what the first reward model likes best, and least."""
    run = Path(shutil.copytree(rewarded, tmp_path / "run"))
    with run_in(run) as stages:
        stages.rewards.read_back(0)
        _add_round(stages, likes_best=likes_best)
        if likes_best:
            stages.canaries.before_reward_model(1)
            assert statuses(run)["C9"] == "pass"
        else:
            with pytest.raises(StandsStill):
                stages.canaries.before_reward_model(1)
            assert known(stages.store.stop_requests.active()).pulled_by == "canary C9"


def _add_round(stages: Stages, *, likes_best: bool) -> None:
    """Ask every question of round 0 again in round 1, and have the reward model answer."""
    rewards, store = stages.rewards, stages.store
    prompts = {p.id: p.text for p in store.prompts()}
    new, labels = [], []
    for asked in store.comparisons(split="train"):
        samples = store.samples_by_id(asked.sample_ids)
        texts = [rewards.sampler.sample_ids(prompts[s.prompt_id], s) for s in samples.values()]
        scores = to_numpy(rewards.model.score(texts))
        place = int(scores.argmax() if likes_best else scores.argmin())
        new.append(replace(asked, id=f"again-{asked.id}", round=1))
        labels.append(_label(new[-1], list(samples)[place]))
    store.add_comparisons(new)
    store.add_labels(labels)


def _label(asked: Comparison, chosen: str) -> Label:
    return Label(
        id=f"l-{asked.id}",
        comparison_id=asked.id,
        labeler="ann",
        answer="best",
        chosen=chosen,
        shown=asked.sample_ids,
        seconds=1.0,
        instructions="1",
    )
