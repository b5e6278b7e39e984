"""Best of n as a policy: what is drawn and kept, what its folders hold, and what it never does."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, cast

import pytest
import torch

from prefloop.errors import CheckpointError, InputError, SettingsError
from prefloop.figures.best_of_n import BEST_OF_N_FILE
from prefloop.figures.reading import read_best_of_n
from prefloop.figures.trust import HeldOutFigures, HeldOutTerm
from prefloop.functional.best_of_n import best_of_n_kl
from prefloop.models.identity import identity_of
from prefloop.models.model_folder import folder_problems
from prefloop.policy.best_of_n import BestOfNTrainer
from prefloop.policy.methods.build import build_method
from prefloop.policy.reward_source import HeldOutSource, RewardModelSource, ScoredBatch
from prefloop.policy.stage import PolicyStage
from prefloop.records import Prompt
from prefloop.rewards.model import RewardModel
from prefloop.rewards.saved import recalled
from prefloop.run.plan import make_plan, plan_lines
from prefloop.run.plan_time import workload_of
from prefloop.run.training import train_while_waiting
from prefloop.run_file import parse_run
from prefloop.samples.sampler import SampledBatch
from prefloop.scorers.build import CheckedScorer
from prefloop.settings.policy import PolicyConfig
from tests.stages_for_tests import PROMPTS, disturb, roles_on, stage_in, trainer_on, weights_of
from tests.tolerances import EXACT
from tests.unit.policy.likes_even import LikesEven
from tests.unit.policy.likes_even import trainer_on as even_trainer_on


def best_of(folder: Path, n: int = 8, **changes: Any) -> BestOfNTrainer:
    """Return a trainer whose reward likes even tokens."""
    options = {"n": n}
    trainer = even_trainer_on(folder, method="best_of_n", options=options, **changes)
    assert isinstance(trainer, BestOfNTrainer)
    trainer.reward = "rewards/round-0"
    return trainer


@dataclass(frozen=True)
class LongOnes:
    """A scorer as the reward."""

    fingerprint: str

    def score(self, prompts: Sequence[Prompt], batch: SampledBatch) -> ScoredBatch:
        return ScoredBatch(batch.generation.response.sum(dim=1).float())


class CountsE:
    """A scorer that counts a letter."""

    name: ClassVar[str] = "counts_e"
    sources: ClassVar[frozenset[str]] = frozenset({"a letter"})
    description: ClassVar[str] = "a count of a letter"

    def __init__(self, content_hash: str) -> None:
        self.content_hash = content_hash

    def score(self, prompts: Sequence[str], responses: Sequence[str]) -> Any:
        return [float(text.count("e")) for text in responses]


def test_the_best_of_n_draws_of_the_reference_is_kept(gpt2_folder: Path) -> None:
    trainer = best_of(gpt2_folder)
    trainer.step(PROMPTS[:4])
    collector, reward = trainer.collector, LikesEven()
    kept = trainer.chosen.keep(PROMPTS[:3], per_prompt=2, seed=5)
    drawn = collector.sampler.sample(
        collector.roles.reference, PROMPTS[:3], per_prompt=2 * 8, seed=5
    ).generation.response.reshape(6, 8, -1)
    for responses, found, score in zip(
        drawn.tolist(), kept.batch.generation.response.tolist(), kept.scores.tolist(), strict=True
    ):
        scores = reward.score(responses).tolist()
        assert score == max(scores) > min(scores)
        assert found == responses[scores.index(max(scores))], "the first of equal ones"
    assert kept.batch.query.shape[0] == len(kept.batch.stop_mask.is_ended) == 6


def test_more_draws_score_higher_and_nothing_is_trained(gpt2_folder: Path) -> None:
    means = []
    for n in (2, 16):
        trainer = best_of(gpt2_folder, n, batch_size=128)
        before = weights_of(trainer.collector.roles.policy.named_parameters)
        line = trainer.step(trainer.prompts_of(0, PROMPTS))
        after = weights_of(trainer.collector.roles.policy.named_parameters)
        torch.testing.assert_close(after, before, **EXACT)
        assert line["policy/kl_at_most"] == best_of_n_kl(n)
        assert "policy/kl" not in line, "there is no log-ratio to say it by"
        means.append(line["policy/score"] - line["policy/reference_score"])
    assert 0.3 < means[0] < means[1] - 0.3
    assert trainer.episodes == 0


def test_an_update_asks_at_least_one_prompt(gpt2_folder: Path) -> None:
    for n, prompts in ((8, 4), (64, 1)):
        assert len(best_of(gpt2_folder, n).prompts_of(0, PROMPTS)) == prompts
    build_method(PolicyConfig(method="best_of_n", options={"n": 5}, minibatches=4))


def test_its_folders_say_how_it_chooses_and_hold_no_weights(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    stage = stage_in(tmp_path, best_of(gpt2_folder))
    stage.train_round(0, 1, PROMPTS)
    for name in ("policy/update-1", "policy/round-0"):
        found = read_best_of_n(tmp_path / name)
        assert found is not None and not list((tmp_path / name).glob("*.safetensors"))
        assert (found.n, found.reward, found.reward_fingerprint) == (
            *(8, "rewards/round-0"),
            "likes even",
        )
        assert found.kl_at_most == best_of_n_kl(8)
        assert found.base_weights == identity_of(gpt2_folder).weights
        assert (found.response_tokens, found.temperature, found.stop) == (6, 1.0, None)
    (problem,) = folder_problems(tmp_path / "policy/round-0")
    assert "holds a policy without weights" in problem and "prefloop compare" in problem
    sampling = json.loads((tmp_path / "policy/round-0/generation_config.json").read_text())
    assert sampling["max_new_tokens"] == 6 and sampling["do_sample"]
    (line,) = stage.metrics.lines()
    assert (line["method"], line["episodes"]) == ("best_of_n", 0)


def test_before_the_first_reward_it_is_the_reference(gpt2_folder: Path, tmp_path: Path) -> None:
    trainer = best_of(gpt2_folder)
    stage = stage_in(tmp_path, trainer)
    stage.ensure_checkpoint()
    found = read_best_of_n(tmp_path / "policy/update-0")
    assert found is not None and (found.n, found.kl_at_most, found.reward) == (1, 0.0, "")
    drawn = trainer.chosen.respond(PROMPTS, per_prompt=2, seed=3).generation.response
    reference = trainer.collector.roles.reference
    alone = trainer.collector.sampler.sample(reference, PROMPTS, per_prompt=2, seed=3)
    torch.testing.assert_close(drawn, alone.generation.response, **EXACT)


def test_another_base_than_then_draws_nothing(gpt2_folder: Path, tmp_path: Path) -> None:
    trainer = best_of(gpt2_folder)
    stage_in(tmp_path, trainer).train_round(0, 1, PROMPTS)
    folder = tmp_path / "policy/round-0"
    with trainer.chosen.loaded(folder):
        trainer.chosen.respond(PROMPTS[:1], per_prompt=1, seed=3)
    record = folder / BEST_OF_N_FILE
    record.write_text(json.dumps({**json.loads(record.read_text()), "base_weights": "0" * 64}))
    with (
        pytest.raises(InputError, match=r"policy/round-0 draws from .*not those of then"),
        trainer.chosen.loaded(folder),
    ):
        pass
    checkpoint = trainer.state()
    checkpoint.state["policy"]["base_weights"] = "0" * 64
    with pytest.raises(InputError, match=r"the policy of update 1 draws from .*not those of then"):
        trainer.load_state(checkpoint)


def test_another_scorer_than_then_draws_nothing(gpt2_folder: Path) -> None:
    trainer = best_of(gpt2_folder)
    trainer.chosen.collector = replace(trainer.collector, reward=LongOnes("as it was"))
    trainer.reward = "long ones"
    trainer.step(PROMPTS[:1])
    trainer.chosen.respond(PROMPTS[:1], per_prompt=1, seed=3)
    nothing = cast(Any, None)
    since = LongOnes("changed since")
    trainer.chosen.collector = replace(trainer.collector, reward=since, sampler=nothing)
    with pytest.raises(InputError, match="chose by the scorer long ones, whose settings"):
        trainer.chosen.respond(PROMPTS[:1], per_prompt=1, seed=3)


def test_what_is_held_out_of_the_reward_is_held_out_of_the_choice(gpt2_folder: Path) -> None:
    """It keeps what a policy that learns is paid for, and draws nothing by other scorers."""
    trainer = best_of(gpt2_folder)
    roles, sampler = trainer.collector.roles, trainer.collector.sampler
    model = RewardModel(roles, pad_id=sampler.tokenizer.pad_id, seed=1)
    term = HeldOutTerm(scorer="counts_e", weight=5.0, mean=3.0)
    model.held_out = HeldOutFigures(questions=9, share=0.1, terms=(term,))
    whole = RewardModelSource(model, sampler)
    then, since = (HeldOutSource(whole, [CheckedScorer("counts_e", CountsE(x))]) for x in "ab")
    trainer.chosen.collector = replace(trainer.collector, reward=then)
    trainer.step(PROMPTS[:1])
    kept = trainer.chosen.keep(PROMPTS[:2], per_prompt=1, seed=3)
    drawn = sampler.sample(roles.reference, PROMPTS[:2], per_prompt=8, seed=3)
    asked = [prompt for prompt in PROMPTS[:2] for _ in range(8)]
    paid, whole_score = (source.score(asked, drawn).scores for source in (then, whole))
    torch.testing.assert_close(kept.scores, paid.reshape(2, 8).amax(dim=1))
    assert (paid - whole_score).std() > 1.0
    nothing = cast(Any, None)
    trainer.chosen.collector = replace(trainer.collector, reward=since, sampler=nothing)
    with pytest.raises(InputError, match=r"less what goes with the scorers of rewards\.hold_out"):
        trainer.chosen.respond(PROMPTS[:1], per_prompt=1, seed=3)


def two_updates(stage: PolicyStage, ends: tuple[int, ...] = (1, 2)) -> None:
    """Make the updates of two rounds, each with the reward of its own name."""
    for end in ends:
        trainer = stage.trainer
        assert isinstance(trainer, BestOfNTrainer)
        trainer.reward = f"rewards/round-{end - 1}"
        stage.train_round(end - 1, end, PROMPTS)


def test_a_resumed_run_is_the_uninterrupted_one_bit_for_bit(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    straight, first, second = (
        stage_in(tmp_path / place, best_of(gpt2_folder))
        for place in ("straight", "stopped", "stopped")
    )
    two_updates(straight)
    two_updates(first, (1,))
    second.restore()
    assert second.update == 1
    two_updates(second, (2,))
    assert second.metrics.lines() == straight.metrics.lines()
    for name in ("update-1", "update-2", "round-0", "round-1"):
        place = f"policy/{name}/best_of_n.json"
        found = [(tmp_path / run / place).read_bytes() for run in ("straight", "stopped")]
        assert found[0] == found[1]


def test_a_roll_back_chooses_as_the_update_did_and_goes_on_under_another_name(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    stage = stage_in(tmp_path, best_of(gpt2_folder))
    two_updates(stage)
    first = stage.metrics.lines()[1]
    stage.roll_back(1, request="r", label_cutoff=0)
    assert isinstance(stage.trainer, BestOfNTrainer)
    assert stage.trainer.chosen.now.reward == "rewards/round-0"
    two_updates(stage, (2,))
    assert stage.current_name == "policy/update-2-branch-1"
    again = stage.metrics.lines()[1]
    assert again["policy/score"] != first["policy/score"], "with other random numbers"
    with stage.weights.loaded("policy/update-1"):
        assert stage.trainer.chosen.now.reward == "rewards/round-0"
    assert stage.trainer.chosen.now.reward == "rewards/round-1"


def test_another_n_holds_from_the_next_update_on(gpt2_folder: Path, tmp_path: Path) -> None:
    two_updates(stage_in(tmp_path, best_of(gpt2_folder, 2)), (1,))
    stage = stage_in(tmp_path, best_of(gpt2_folder, 4))
    stage.restore()
    two_updates(stage, (2,))
    found = [read_best_of_n(tmp_path / f"policy/update-{n}") for n in (1, 2)]
    assert [policy.n for policy in found if policy is not None] == [2, 4]


def test_a_checkpoint_of_another_method_is_refused(gpt2_folder: Path, tmp_path: Path) -> None:
    stage_in(tmp_path, trainer_on(gpt2_folder, batch_size=4, episodes=16)).train(0, 1, PROMPTS)
    with pytest.raises(CheckpointError, match=r"made with policy\.method ppo"):
        stage_in(tmp_path, best_of(gpt2_folder)).restore()


def test_only_the_reward_model_that_chose_may_choose(gpt2_folder: Path, tmp_path: Path) -> None:
    tokenizer, roles = roles_on(gpt2_folder)
    model = RewardModel(roles, pad_id=tokenizer.pad_id, seed=1)
    disturb(roles.reward)
    before = weights_of(model.named_parameters)
    with recalled(model, tmp_path / "gone", model.fingerprint):
        pass
    with (
        pytest.raises(InputError, match="by which this policy chooses, is not there any more"),
        recalled(model, tmp_path / "rewards" / "round-0", "another"),
    ):
        pass
    torch.testing.assert_close(weights_of(model.named_parameters), before, **EXACT)


def test_nothing_goes_on_while_people_label() -> None:
    raw = {"policy": {"method": "best_of_n"}, "comparisons": {"labelers": "people"}, "rounds": 3}
    config = parse_run(raw, "run.yaml")
    assert not config.asks_live and config.updates == 3
    assert parse_run({**raw, "policy": {}}, "run.yaml").asks_live
    stages = SimpleNamespace(config=config, rounds=None, people=None)
    train_while_waiting(cast(Any, stages), 1)


def test_its_plan_says_that_nothing_is_trained() -> None:
    config = parse_run({"policy": {"method": "best_of_n", "options": {"n": 8}}}, "run.yaml")
    plan = make_plan(config, {"train": 100, "validation": 10, "held_out": 40})
    assert (plan.best_of, plan.updates, plan.episodes, plan.passes) == (8, 1, 0, 0.0)
    (line,) = (line for line in plan_lines(plan, "run") if "is not trained" in line)
    assert "the best of 8 of the untuned model" in line and "at most 1.21 nats" in line
    work = [
        workload_of(
            parse_run({"policy": {"method": "best_of_n", "options": {"n": n}}}, "run.yaml"),
            layers=8,
            judged=40,
        )
        for n in (8, 32)
    ]
    assert work[1].evaluation.total > 2 * work[0].evaluation.total
    assert work[0].policy == work[1].policy, "a batch in either"


def test_settings_of_rollouts_refuse_nothing_where_nothing_is_trained() -> None:
    policy = {"method": "best_of_n", "episodes": 100, "batch_size": 64, "minibatches": 3}
    assert parse_run({"rounds": 20, "policy": policy}, "run.yaml").updates == 20
    with pytest.raises(SettingsError, match="minibatches 3 does not divide"):
        parse_run({"policy": policy | {"method": "ppo"}}, "run.yaml")


@pytest.mark.parametrize("content", [b"\xff", b"{", b"[]", b"{}"])
def test_a_damaged_file_of_the_policy_is_named(tmp_path: Path, content: bytes) -> None:
    place = tmp_path / "policy/round-0"
    place.mkdir(parents=True)
    (place / BEST_OF_N_FILE).write_bytes(content)
    with pytest.raises(InputError, match=r"policy/round-0.*Delete the folder .*policy/round-0"):
        read_best_of_n(place)
