"""The runs of several methods: what they share, what may differ, and what is made again."""

from pathlib import Path

import pytest
import yaml

from prefloop.errors import InputError, SettingsError
from prefloop.experiments import methods as room
from prefloop.experiments.carry_out import DRAWN
from prefloop.experiments.members import Member
from prefloop.experiments.methods import MethodSet, make_method_set, run_methods
from prefloop.progress import Progress, Silent

RUN = {
    "task": "sentiment",
    "models": {"name": "builtin:tiny"},
    "policy": {"episodes": 64, "batch_size": 16, "options": {"whiten_rewards": False}},
}


@pytest.fixture
def run_file(tmp_path: Path) -> Path:
    path = tmp_path / "any.yaml"
    path.write_text(yaml.safe_dump(RUN))
    return path


def make(run_file: Path, *changes: str, methods: tuple[str, ...] = ("ppo", "rloo")) -> MethodSet:
    return make_method_set(run_file, run_file.parent / "set", methods, changes)


def test_each_method_has_its_own_options_and_all_share_the_rest(run_file: Path) -> None:
    of_rloo = ("rloo:policy.lr=2e-5", "rloo:policy.options.samples_per_prompt=2")
    made = make(run_file, "seed=5", *of_rloo)
    ppo, rloo = (member.config for member in made.members)
    assert [member.folder.name for member in made.members] == ["ppo", "rloo"]
    assert (ppo.policy.method, rloo.policy.method) == ("ppo", "rloo")
    assert ppo.policy.options["whiten_rewards"] is False
    assert "whiten_rewards" not in rloo.policy.options
    assert rloo.policy.lr == 2e-5 and ppo.policy.lr != 2e-5
    assert ppo.seed == rloo.seed == made.labels.config.seed == 5
    assert ppo.comparisons == rloo.comparisons == made.labels.config.comparisons
    assert not (run_file.parent / "set").exists(), "nothing is written"


@pytest.mark.parametrize("methods", [("ppo",), ("ppo", "ppo")])
def test_fewer_than_two_methods_are_refused(run_file: Path, methods: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="name two different methods or more"):
        make(run_file, methods=methods)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("rounds=2", "rounds: 2, and methods share labels in one round"),
        ("rloo:rounds=2", "rloo: rounds: all methods share"),
        ("rloo:comparisons.labels=60", "rloo: comparisons: all methods share"),
        ("rloo:seed=9", "rloo: seed: all methods share"),
        ("store=labels.db", "store: labels.db, and every method gets a copy"),
        ("rloo:policy.options.whiten_rewards=true", r"rloo: policy\.options\.whiten_rewards"),
        ("policy.method=rloo", "ppo: policy.method: 'rloo' would run under the name of ppo"),
    ],
)
def test_what_would_part_the_methods_is_refused(run_file: Path, change: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        make(run_file, change)


def test_a_method_that_nobody_has_is_refused_before_anything_is_made(run_file: Path) -> None:
    with pytest.raises(SettingsError, match="sarsa"):
        make(run_file, methods=("ppo", "sarsa"))


@pytest.mark.parametrize(
    ("changes", "stage"),
    [
        ((), "rewards"),
        (("rloo:rewards.lr=1e-3",), "rewards"),
        (("ppo:rewards.lr=1e-3", "rloo:rewards.epochs=2"), "comparisons"),
        (("policy.reward=sentiment",), "comparisons"),
    ],
)
def test_a_reward_model_is_shared_where_a_method_would_learn_the_same(
    run_file: Path, changes: tuple[str, ...], stage: str
) -> None:
    assert make(run_file, *changes).last_shared == stage


def test_labels_are_collected_once_and_finished_methods_stay(
    run_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, collected, prepared, ran = make(run_file), list[Path](), list[str](), list[str]()
    finished = {"ppo"}
    monkeypatch.setattr(room, "is_finished", lambda member: member.name in finished)
    monkeypatch.setattr(room, "prepare", lambda member, _: prepared.append(member.name))

    def run_all(members: list[Member], _: Progress) -> None:
        ran.extend(member.name for member in members)

    for _ in range(2):
        run_methods(
            made, Silent(), run_shared=lambda place, _: collected.append(place), run_all=run_all
        )
    assert collected == [made.labels.folder] and (made.labels.folder / DRAWN).exists()
    assert prepared == ran == ["rloo", "rloo"], "ppo was finished"
    with pytest.raises(InputError, match=r"policy\.lr.*begin another one in a new folder"):
        others = make(run_file, "ppo:policy.lr=0.5")
        run_methods(
            others, Silent(), run_shared=lambda place, _: collected.append(place), run_all=run_all
        )


def test_an_interrupted_labeling_goes_on(run_file: Path) -> None:
    made, tries = make(run_file), list[Path]()

    def stopped(folder: Path, _: str) -> None:
        tries.append(folder)
        raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            run_methods(made, Silent(), run_shared=stopped, run_all=lambda *_: None)
    assert len(tries) == 2
