"""The runs of several methods: what they share, what may differ, and what is made again."""

from pathlib import Path

import pytest
import yaml

from prefloop.errors import InputError, SettingsError
from prefloop.experiments import methods as room
from prefloop.experiments.carry_out import DRAWN, link_folder
from prefloop.experiments.members import Member
from prefloop.experiments.methods import REWARD_MODEL, MethodSet, make_method_set, run_methods
from prefloop.figures.cost import COSTS
from prefloop.files import append_json_line, read_json_lines, verify_folder, write_folder
from prefloop.progress import Progress, Silent
from prefloop.run_folder import LABEL_AUDIT, OVEROPTIMIZATION
from prefloop.run_history import HISTORY, METRICS_FILE

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
        ("rloo:policy.reward=sentiment", r"rloo: policy\.reward: the policies of a comparison"),
        ("rloo:policy.warm_start.epochs=1", r"rloo: policy\.warm_start: the policies"),
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


def learn(folder: Path, _: str) -> None:
    """Leave what a shared run leaves that was taken on to a policy by hand."""
    for name in (METRICS_FILE, COSTS):
        for stage in ("rewards", "rewards", "policy"):
            append_json_line(folder / name, {"stage": stage, "round": 0, "update": 1})
    for name in (LABEL_AUDIT, OVEROPTIMIZATION):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("{}")
    write_folder(folder / REWARD_MODEL, lambda place: _write(place / "trust.json"))


def _write(path: Path) -> None:
    path.write_text("{}")


@pytest.fixture
def begun(run_file: Path, monkeypatch: pytest.MonkeyPatch) -> MethodSet:
    """Methods whose store is not copied: there is none."""
    monkeypatch.setattr(room, "prepare", lambda *_: None)
    return make(run_file)


def has_the_shared_model(folder: Path) -> bool:
    is_whole = not verify_folder(folder / REWARD_MODEL)
    return (
        is_whole
        and [
            [line["stage"] for line in read_json_lines(folder / name)]
            for name in (METRICS_FILE, COSTS)
        ]
        == [["rewards", "rewards"]] * 2
    )


def test_a_method_gets_the_reward_model_and_nothing_of_another_policy(begun: MethodSet) -> None:
    run_methods(begun, Silent(), run_shared=learn, run_all=lambda *_: None)
    for member in begun.members:
        assert has_the_shared_model(member.folder)
        assert (member.folder / LABEL_AUDIT).exists()
        assert not (member.folder / OVEROPTIMIZATION).exists()


@pytest.mark.parametrize("step", range(3))
def test_a_copy_that_was_interrupted_is_made_again_and_counted_once(
    begun: MethodSet, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    copy, made = room._copy_lines, list[Path]()

    def interrupted(source: Path, place: Path) -> None:
        if len(made) == step:
            raise KeyboardInterrupt
        made.append(place)
        (link_folder if source.is_dir() else copy)(source, place)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(room, "_copy_lines", interrupted)
        patch.setattr(room, "link_folder", interrupted)
        run_methods(begun, Silent(), run_shared=learn, run_all=lambda *_: None)
    ppo = begun.members[0].folder
    assert not has_the_shared_model(ppo)
    assert not (ppo / COSTS).exists(), "begun by hand now, it would count its own steps alone"
    run_methods(begun, Silent(), run_shared=learn, run_all=lambda *_: None)
    assert all(has_the_shared_model(member.folder) for member in begun.members)


def test_a_method_that_has_begun_keeps_what_it_has(begun: MethodSet) -> None:
    ppo, rloo = (member.folder for member in begun.members)
    append_json_line(ppo / HISTORY, {})
    run_methods(begun, Silent(), run_shared=learn, run_all=lambda *_: None)
    assert not (ppo / METRICS_FILE).exists() and has_the_shared_model(rloo)
