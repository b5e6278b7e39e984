"""The policy stage: where it goes on, what it leaves on disk, and when it gives up."""

import json
import shutil
from pathlib import Path
from typing import TypedDict

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from prefloop.errors import CheckpointError, DivergedError
from prefloop.files import verify_folder
from prefloop.metrics import MetricsLog
from prefloop.models.checkpoint import save_checkpoint
from prefloop.policy.kl_watch import PATIENCE, KLCapWatch
from prefloop.policy.stage import PolicyStage
from prefloop.policy.trainer import PolicyTrainer
from prefloop.run_folder import read_provenance
from prefloop.run_history import StageRecord, last_record, record_stage
from prefloop.settings.policy import KLConfig
from tests.stages_for_tests import OPENINGS, PROMPTS, disturb, trainer_on, weights_of
from tests.tolerances import EXACT, RELOADED


class Heard:
    """A progress that remembers what was said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def count(self, what: str, done: int, total: int, detail: str = "") -> None:
        """Ignore the count."""


def stage_on(trainer: PolicyTrainer, run: Path) -> tuple[PolicyStage, Heard]:
    heard = Heard()
    return PolicyStage(trainer, MetricsLog(run / "metrics.jsonl"), run=run, progress=heard), heard


def small(folder: Path) -> PolicyTrainer:
    return trainer_on(folder, batch_size=4, episodes=16, epochs=1, checkpoint_every=1)


def damage(run: Path, number: int) -> None:
    path = run / "checkpoints" / "policy" / f"checkpoint-{number:06d}" / "state.json"
    path.write_text(path.read_text().replace("0", "1", 1))


def test_a_damaged_newest_checkpoint_costs_one_update_and_changes_nothing(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    straight, run = small(gpt2_folder), tmp_path / "run"
    stage_on(straight, tmp_path / "straight")[0].train_round(0, 3, PROMPTS)
    stage_on(small(gpt2_folder), run)[0].train_round(0, 2, PROMPTS)
    damage(run, 2)
    resumed = small(gpt2_folder)
    stage, heard = stage_on(resumed, run)
    stage.restore()
    assert resumed.update == 1
    assert [line["update"] for line in stage.metrics.lines()] == [1]
    assert "checkpoint-000002 is damaged" in heard.said[0]
    assert heard.said[1] == "The policy continues from update 1."
    stage.train_round(0, 3, PROMPTS)
    torch.testing.assert_close(
        weights_of(resumed.optimizer.named_parameters),
        weights_of(straight.optimizer.named_parameters),
        **EXACT,
    )
    assert stage.metrics.lines() == MetricsLog(tmp_path / "straight" / "metrics.jsonl").lines()


def test_when_every_checkpoint_is_damaged_the_stage_refuses(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    stage_on(small(gpt2_folder), tmp_path)[0].train_round(0, 2, PROMPTS)
    damage(tmp_path, 1)
    damage(tmp_path, 2)
    with pytest.raises(CheckpointError, match="no complete checkpoint is left"):
        stage_on(small(gpt2_folder), tmp_path)[0].restore()


def test_the_weights_that_an_evaluation_names_are_kept(gpt2_folder: Path, tmp_path: Path) -> None:
    """Between two checkpoints, with `keep_every` 0: they would be gone when they are evaluated."""
    trainer = trainer_on(
        gpt2_folder, batch_size=4, episodes=16, epochs=1, checkpoint_every=0, keep_every=0
    )
    metrics = MetricsLog(tmp_path / "metrics.jsonl")
    stage = PolicyStage(trainer, metrics, run=tmp_path, progress=Heard(), named=["policy/update-1"])
    stage.train_round(0, 3, PROMPTS)
    assert stage.weights.names() == ["policy/update-1", "policy/update-3"]


def test_a_policy_records_with_what_it_was_made_even_if_it_is_exported_later(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    """The settings are those under which the updates were made, not those of the export."""

    def stage(lr: float) -> PolicyStage:
        metrics = MetricsLog(tmp_path / "metrics.jsonl")
        settings = {"policy": {"lr": lr}}
        trainer = small(gpt2_folder)
        return PolicyStage(trainer, metrics, run=tmp_path, progress=Heard(), settings=settings)

    stage(0.1).train_round(0, 2, PROMPTS)
    first = stage(0.1)
    first.exports.forget([0])
    later = stage(0.9)
    later.restore()
    later.train_round(0, 2, PROMPTS)
    made = read_provenance(tmp_path / "policy/round-0")
    assert made is not None
    assert made.settings == {"policy": {"lr": 0.1}}
    assert (made.artifact, made.updates, made.episodes) == ("policy/round-0", 2, 8)
    assert [parent.name for parent in made.parents] == ["rewards/round-0"]
    assert made.earlier == ()
    assert made.shares_queries is None, "each response has a row of its own"
    later.train_round(1, 3, PROMPTS)
    last = read_provenance(tmp_path / "policy/round-1")
    assert last is not None
    assert last.settings == {"policy": {"lr": 0.9}}
    (earlier,) = last.earlier
    assert (earlier.until_update, earlier.settings) == (2, {"policy.lr": 0.1})


def test_a_first_run_has_nothing_to_restore(gpt2_folder: Path, tmp_path: Path) -> None:
    trainer = small(gpt2_folder)
    stage, heard = stage_on(trainer, tmp_path)
    before = weights_of(trainer.optimizer.named_parameters)
    stage.restore()
    assert (trainer.update, heard.said) == (0, [])
    torch.testing.assert_close(weights_of(trainer.optimizer.named_parameters), before, **EXACT)


def test_the_ends_of_rounds_stay_to_go_back_to(gpt2_folder: Path, tmp_path: Path) -> None:
    trainer = small(gpt2_folder)
    stage = PolicyStage(
        trainer, MetricsLog(tmp_path / "m.jsonl"), run=tmp_path, progress=Heard(), kept={0, 1, 4}
    )
    stage.ensure_checkpoint()
    stage.train_round(0, 1, PROMPTS)
    stage.train_round(1, 4, PROMPTS)
    assert stage.checkpoints == [0, 1, 3, 4]


def test_ppo_that_goes_ahead_stops_between_updates_with_a_checkpoint(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    trainer = trainer_on(gpt2_folder, batch_size=4, episodes=32, epochs=1, checkpoint_every=0)
    stage, _ = stage_on(trainer, tmp_path)
    answers = iter([False, False, True])
    stage.train(1, 8, PROMPTS, note={"reward_round": 0}, is_over=lambda: next(answers))
    assert (stage.update, stage.checkpoints) == (2, [2])
    assert [line["reward_round"] for line in stage.metrics.lines()] == [0, 0]
    assert not (tmp_path / "policy" / "round-1").exists(), "the round is not over"
    stage.train_round(1, 4, PROMPTS)
    assert (tmp_path / "policy" / "round-1").exists()
    assert [line.get("reward_round") for line in stage.metrics.lines()] == [0, 0, None, None]


def test_a_roll_back_takes_the_checkpoint_and_other_random_numbers(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    stage, _ = stage_on(small(gpt2_folder), tmp_path)
    stage.train_round(0, 2, PROMPTS)
    at_two = weights_of(stage.trainer.optimizer.named_parameters)
    stage.train_round(1, 3, PROMPTS)
    first = stage.metrics.lines()
    assert [stage.name_of(r) for r in (0, 1)] == ["policy/update-2", "policy/update-3"]
    stage.roll_back(2, request="c1", label_cutoff=40)
    assert (stage.update, stage.checkpoints, stage.rolled_back_by) == (2, [2], "c1")
    torch.testing.assert_close(
        weights_of(stage.trainer.optimizer.named_parameters), at_two, **EXACT
    )
    assert stage.metrics.lines() == first[:2]
    stage.train_round(1, 3, PROMPTS)
    assert [stage.name_of(r) for r in (0, 1)] == ["policy/update-2", "policy/update-3-branch-1"]
    assert stage.metrics.lines()[2]["policy/entropy"] != first[2]["policy/entropy"]
    resumed, _ = stage_on(small(gpt2_folder), tmp_path)
    resumed.restore()
    assert resumed.lineage == stage.lineage
    assert (resumed.lineage.branch, resumed.lineage.label_cutoff) == (1, 40)
    resumed.roll_back(2, request="c2", label_cutoff=50)
    assert resumed.lineage.branch == 2, "never a branch that was there already"


def test_a_roll_back_that_was_interrupted_is_done_again(gpt2_folder: Path, tmp_path: Path) -> None:
    stage, _ = stage_on(small(gpt2_folder), tmp_path)
    stage.train_round(0, 3, PROMPTS)
    later = tmp_path / "checkpoints" / "policy" / "checkpoint-000003"
    shutil.copytree(later, tmp_path / "later")
    stage.roll_back(2, request="c1", label_cutoff=40)
    # As if the process had died before it dropped what came after.
    shutil.copytree(tmp_path / "later", later)
    again, _ = stage_on(small(gpt2_folder), tmp_path)
    again.restore()
    assert (again.update, again.rolled_back_by) == (3, "")
    again.roll_back(2, request="c1", label_cutoff=40)
    assert (again.checkpoints, again.lineage.branch) == ([2], 1)


def test_a_checkpoint_of_an_earlier_prefloop_is_taken(gpt2_folder: Path, tmp_path: Path) -> None:
    stage, _ = stage_on(small(gpt2_folder), tmp_path)
    stage.train_round(0, 1, PROMPTS)
    checkpoint = tmp_path / "checkpoints" / "policy" / "checkpoint-000001"
    state = json.loads((checkpoint / "state.json").read_text())
    old = {key: state[key] for key in ("kl_coef", "n_steps")}
    tensors = load_file(checkpoint / "tensors.safetensors")
    save_checkpoint(checkpoint.parent, 1, tensors, old)
    resumed, _ = stage_on(small(gpt2_folder), tmp_path)
    resumed.restore()
    assert resumed.update == 1
    assert resumed.name_of(0) == "policy/update-1"
    course = {"branch": 2, "rolled_back_by": "c", "known_until": 7, "made_in": {"0": 0, "1": 2}}
    patience = {"rollouts": 3, "lowest": 9.5}
    save_checkpoint(checkpoint.parent, 1, tensors, {**old, "course": course, "patience": patience})
    resumed.restore()
    assert (resumed.lineage.branch, resumed.lineage.label_cutoff) == (2, 7)
    assert resumed.rolled_back_by == "c"
    assert resumed._kl_watch == KLCapWatch(rollouts=3, lowest=9.5)
    assert [resumed.lineage.name_of_update(n) for n in (1, 2)] == [
        "policy/update-1",
        "policy/update-2-branch-2",
    ]


def test_a_round_leaves_a_policy_that_transformers_opens(gpt2_folder: Path, tmp_path: Path) -> None:
    trainer = small(gpt2_folder)
    stage, _ = stage_on(trainer, tmp_path)
    stage.train_round(0, 2, PROMPTS)
    stage.train_round(1, 4, PROMPTS)
    lines = stage.metrics.lines()
    assert [(x["round"], x["update"], x["episodes"]) for x in lines] == [
        (0, 1, 4),
        (0, 2, 8),
        (1, 3, 12),
        (1, 4, 16),
    ]
    folders = [tmp_path / "policy" / f"round-{r}" for r in (0, 1)]
    assert [verify_folder(folder) for folder in folders] == [[], []]
    ids = torch.tensor([trainer.collector.sampler.tokenizer.encode(OPENINGS[0])])
    with torch.no_grad():
        mine = trainer.collector.roles.policy.logits(
            trainer.collector.roles.policy.hidden(ids, ids >= 0)
        )
        first, last = (AutoModelForCausalLM.from_pretrained(f)(ids).logits for f in folders)
    torch.testing.assert_close(last, mine, **RELOADED)
    assert (first - mine).abs().max() > 0.01
    assert json.loads((folders[0] / "config.json").read_text())["architectures"] == [
        "GPT2LMHeadModel"
    ]


class _Settings(TypedDict):
    batch_size: int
    episodes: int
    epochs: int
    lr: float
    kl: KLConfig


FAR_BEYOND: _Settings = {
    "batch_size": 2,
    "episodes": 64,
    "epochs": 1,
    "lr": 1e-6,
    "kl": KLConfig(control="fixed", coef=0.1, cap=1e-6),
}
"""Steps too small to bring back what `disturb` did."""


@pytest.mark.parametrize("cap", [1e-6, None])
def test_beyond_the_cap_the_run_stops_when_patience_ends(
    gpt2_folder: Path, tmp_path: Path, cap: float | None
) -> None:
    trainer = trainer_on(
        gpt2_folder, **FAR_BEYOND | {"kl": KLConfig(control="fixed", coef=0.1, cap=cap)}
    )
    disturb(trainer.collector.roles.policy)
    stage, _ = stage_on(trainer, tmp_path)
    if cap is None:
        before = weights_of(trainer.optimizer.named_parameters)
        stage.train_round(0, 30, PROMPTS)
        assert trainer.update == 30
        assert not torch.equal(weights_of(trainer.optimizer.named_parameters), before)
        return
    with pytest.raises(
        DivergedError, match=rf"cap 1e-06, and came no lower than .* in {PATIENCE} rollouts"
    ):
        stage.train_round(0, 30, PROMPTS)
    assert PATIENCE < trainer.update < 30
    kl = [line["policy/kl"] for line in stage.metrics.lines()]
    assert len(kl) == trainer.update
    assert min(kl) == kl[-PATIENCE - 1] == min(kl[:-PATIENCE])


def test_patience_with_the_cap_outlives_a_restart(gpt2_folder: Path, tmp_path: Path) -> None:
    def stopped_at(place: Path, pause: int) -> int:
        first = trainer_on(gpt2_folder, **FAR_BEYOND)
        disturb(first.collector.roles.policy)
        stage_on(first, place)[0].train_round(0, pause, PROMPTS)
        second = trainer_on(gpt2_folder, **FAR_BEYOND)
        stage, _ = stage_on(second, place)
        stage.restore()
        with pytest.raises(DivergedError, match="came no lower"):
            stage.train_round(0, 30, PROMPTS)
        return second.update

    assert stopped_at(tmp_path / "early", 1) == stopped_at(tmp_path / "late", PATIENCE - 1)


def test_weights_are_kept_with_their_checkpoints_and_dropped_with_them(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    stage, _ = stage_on(small(gpt2_folder), tmp_path)
    assert stage.current_name == "policy/update-0"
    stage.train_round(0, 4, PROMPTS)
    assert stage.checkpoints == [3, 4]
    assert stage.weights.names() == ["policy/update-3", "policy/update-4"]
    assert stage.current_name == stage.name_of(0) == "policy/update-4"


def test_evaluated_weights_outlive_their_checkpoint(gpt2_folder: Path, tmp_path: Path) -> None:
    stage, _ = stage_on(small(gpt2_folder), tmp_path)
    stage.train_round(0, 1, PROMPTS)
    stage.keep_weights()
    evaluated = weights_of(stage.trainer.optimizer.named_parameters)
    stage.train_round(1, 4, PROMPTS)
    assert stage.checkpoints == [3, 4]
    assert "policy/update-1" in stage.weights.names()
    with stage.weights.loaded("policy/update-1"):
        now = weights_of(stage.trainer.optimizer.named_parameters)
    torch.testing.assert_close(now, evaluated, **EXACT)


def test_keep_every_keeps_updates_that_have_no_checkpoint(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    trainer = trainer_on(
        gpt2_folder, keep_every=2, batch_size=2, episodes=16, epochs=1, checkpoint_every=0
    )
    stage, _ = stage_on(trainer, tmp_path)
    stage.train_round(0, 5, PROMPTS)
    assert stage.checkpoints == [5]
    assert stage.weights.names() == [f"policy/update-{n}" for n in (2, 4, 5)]


def test_a_run_with_more_episodes_names_its_last_policy_anew(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    """Else samples and figures of the first end would be taken for those of the second."""
    stage, _ = stage_on(small(gpt2_folder), tmp_path)
    stage.train_round(0, 2, PROMPTS)
    first = stage.name_of(0)
    stage.keep_weights()
    longer = trainer_on(gpt2_folder, batch_size=4, episodes=16, epochs=1, lr=1e-2)
    again, _ = stage_on(longer, tmp_path)
    again.restore()
    assert (again.current_name, again.name_of(0)) == (first, first)
    again.train_round(0, 4, PROMPTS)
    assert (first, again.name_of(0)) == ("policy/update-2", "policy/update-4")
    assert {first, again.name_of(0)} <= set(again.weights.names())


def test_a_round_added_without_an_update_has_the_name_of_the_same_weights(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    stage, _ = stage_on(small(gpt2_folder), tmp_path)
    stage.train_round(0, 2, PROMPTS)
    stage.train_round(1, 2, PROMPTS)
    assert stage.name_of(1) == stage.name_of(0) == "policy/update-2"


def test_updates_made_again_after_an_evaluation_get_names_of_their_own(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    """A run that diverged after its round was evaluated goes on with a lower step size."""
    stage, _ = stage_on(small(gpt2_folder), tmp_path)
    stage.train_round(0, 3, PROMPTS)
    stage.keep_weights()
    damage(tmp_path, 3)
    slower = trainer_on(gpt2_folder, batch_size=4, episodes=16, epochs=1, lr=1e-4)
    again, heard = stage_on(slower, tmp_path)
    again.restore()
    assert again.update == 2
    again.train_round(0, 3, PROMPTS)
    assert "this one is policy/update-3-branch-1" in heard.said[-1]
    assert again.name_of(0) == "policy/update-3-branch-1"
    kept = {name: again.weights.folder(name) for name in ("policy/update-3", again.name_of(0))}
    one, other = (load_file(f / "lora_weights.safetensors") for f in kept.values())
    assert any(not torch.equal(one[name], other[name]) for name in one)


def test_updates_made_again_without_a_change_have_the_same_weights_and_names(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    stage, _ = stage_on(small(gpt2_folder), tmp_path)
    stage.train_round(0, 3, PROMPTS)
    stage.keep_weights()
    weights = weights_of(stage.trainer.optimizer.named_parameters)
    damage(tmp_path, 3)
    again, _ = stage_on(small(gpt2_folder), tmp_path)
    again.restore()
    again.train_round(0, 3, PROMPTS)
    assert again.name_of(0) == "policy/update-3"
    torch.testing.assert_close(
        weights_of(again.trainer.optimizer.named_parameters), weights, **EXACT
    )


def test_a_missing_export_is_made_from_the_weights_of_its_round(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    stage, _ = stage_on(small(gpt2_folder), tmp_path)
    stage.train_round(0, 1, PROMPTS)
    stage.keep_weights()
    exported = tmp_path / "policy" / "round-0" / "model.safetensors"
    before = load_file(exported)
    stage.train_round(1, 2, PROMPTS)
    current = weights_of(stage.trainer.optimizer.named_parameters)
    shutil.rmtree(exported.parent)
    stage.train_round(0, 1, PROMPTS)
    after = load_file(exported)
    assert all(torch.equal(after[name], before[name]) for name in before)
    torch.testing.assert_close(
        weights_of(stage.trainer.optimizer.named_parameters), current, **EXACT
    )


def test_a_roll_back_in_a_running_process_is_that_of_a_fresh_one(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    """Adam's moments of later updates are gone, at the start of the run too."""
    ends = []
    for is_fresh in (False, True):
        run = tmp_path / str(is_fresh)
        stage = PolicyStage(
            small(gpt2_folder), MetricsLog(run / "m.jsonl"), run=run, progress=Heard(), kept={0}
        )
        stage.ensure_checkpoint()
        stage.train_round(0, 3, PROMPTS)
        if is_fresh:
            stage, _ = stage_on(small(gpt2_folder), run)
            stage.restore()
        stage.roll_back(0, request="c1", label_cutoff=1)
        assert not stage.trainer.optimizer.adam.state
        assert stage.trainer.optimizer.n_steps == 0
        stage.train_round(0, 2, PROMPTS)
        ends.append(weights_of(stage.trainer.optimizer.named_parameters))
    torch.testing.assert_close(*ends, **EXACT)


@pytest.mark.parametrize(("control", "coef"), [("fixed", 0.7), ("adaptive", 0.1)])
def test_a_changed_kl_coefficient_holds_on_resume_unless_it_is_steered(
    gpt2_folder: Path, tmp_path: Path, control: str, coef: float
) -> None:
    def trainer(kl: float) -> PolicyTrainer:
        settings = KLConfig(control=control, coef=kl, target=1e-9, horizon=1e4)  # type: ignore[arg-type]
        return trainer_on(gpt2_folder, batch_size=4, episodes=16, epochs=1, kl=settings)

    stage, _ = stage_on(trainer(0.1), tmp_path)
    stage.train_round(0, 2, PROMPTS)
    steered = stage.trainer.kl_coef
    again, _ = stage_on(trainer(0.7), tmp_path)
    again.restore()
    assert again.trainer.kl_coef == (0.7 if control == "fixed" else steered)
    again.train_round(0, 3, PROMPTS)
    line = again.metrics.lines()[-1]
    assert line["policy/kl_coef"] == pytest.approx(coef, rel=0.01)


def test_the_lines_of_the_metrics_name_the_method(gpt2_folder: Path, tmp_path: Path) -> None:
    stage, _ = stage_on(small(gpt2_folder), tmp_path)
    stage.train_round(0, 2, PROMPTS)
    assert [line["method"] for line in stage.metrics.lines()] == ["ppo", "ppo"]


def test_a_round_that_is_trained_on_is_not_told_as_lost(gpt2_folder: Path, tmp_path: Path) -> None:
    """Its folder is deleted before the first update; ^C may come before it is written again."""
    stage, _ = stage_on(small(gpt2_folder), tmp_path)
    stage.train_round(0, 1, PROMPTS)
    record_stage(tmp_path, stage="policy", round_number=0, update=1, events=1, head="ab")
    stage.train(0, 2, PROMPTS)
    assert not (tmp_path / "policy" / "round-0").exists()
    assert "policy/round-0" not in last_record_of(tmp_path).made


def last_record_of(run: Path) -> StageRecord:
    record = last_record(run)
    assert record is not None
    return record
