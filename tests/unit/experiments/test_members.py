"""An experiment's runs: ordinary run files that share samples, and no others."""

from pathlib import Path

import pytest

from prefloop.audits.alarms import ALARMS
from prefloop.cli.experiment import COPYING_RUN_FILE, DEMO_RUN_FILE
from prefloop.errors import InputError, SettingsError
from prefloop.experiments.members import (
    Experiment,
    copying_settings,
    make_experiment,
    narrowed,
    write_run_file,
)
from prefloop.experiments.results import COPIES_MORE
from prefloop.run_file import load_run_file
from prefloop.scorers.build import build_weighted
from prefloop.settings.experiment import ExperimentConfig


def made(folder: Path, *overrides: str, settings: ExperimentConfig | None = None) -> Experiment:
    return make_experiment(settings or copying_settings(), COPYING_RUN_FILE, folder, overrides)


def test_every_start_has_its_arms_once_for_each_seed(tmp_path: Path) -> None:
    experiment = made(tmp_path)
    settings = copying_settings()
    pairs = sum(len(arms) for arms in settings.members.values())
    assert len(experiment.members) == pairs * len(settings.seeds)
    assert len(experiment.sample_sets) == len(settings.members) * len(settings.seeds)
    assert len({member.folder for member in experiment.members}) == len(experiment.members)


def test_a_part_of_it_is_the_same_runs_in_the_same_folders(tmp_path: Path) -> None:
    whole = {member.folder: member for member in made(tmp_path).members}
    some = narrowed(copying_settings(), None, ["careful", "hurried", "placebo"])
    assert some.members == {
        "zero-shot": ["hurried", "careful", "placebo"],
        "supervised": ["hurried", "careful"],
    }
    assert narrowed(copying_settings(), ["supervised"], ["careful"]).members == {
        "supervised": ["careful"]
    }
    assert narrowed(copying_settings(), None, ["placebo"]).members == {"zero-shot": ["placebo"]}
    part = made(tmp_path, settings=some).members
    assert len(part) == 15 and all(whole[member.folder] == member for member in part)


@pytest.mark.parametrize(
    ("starts", "arms", "told"),
    [
        (["zero"], None, "no start 'zero'. It has zero-shot, supervised."),
        (None, ["hurry", "careful"], "no arm 'hurry'. It has hurried, careful, placebo"),
        (["supervised"], ["placebo"], "such a start and arm: .*; supervised has hurried, careful."),
        (None, [], "No run has such"),
        ([], None, "No run has such"),
    ],
)
def test_a_part_that_is_not_there_is_refused(
    starts: list[str] | None, arms: list[str] | None, told: str
) -> None:
    with pytest.raises(InputError, match=told):
        narrowed(copying_settings(), starts, arms)


def test_arms_differ_in_who_answers_and_share_everything_before(tmp_path: Path) -> None:
    experiment = made(tmp_path)
    hurried, careful = (experiment.of("zero-shot", arm)[0] for arm in ("hurried", "careful"))
    assert hurried.config.comparisons.synthetic.scorers == {"hurried_vote": 1.0}
    assert set(careful.config.comparisons.synthetic.scorers) == {"accuracy_careful", "own_words"}
    same = {"comparisons": hurried.config.comparisons}
    assert careful.config.model_copy(update=same) == hurried.config
    assert careful.samples == hurried.samples


def test_the_arms_that_avoid_copying_change_what_is_made_of_the_hurried_labels(
    tmp_path: Path,
) -> None:
    experiment = made(tmp_path)
    arms = ("hurried", "held-out", "capped")
    hurried, held_out, capped = (experiment.of("zero-shot", arm)[0].config for arm in arms)
    assert held_out.comparisons == capped.comparisons == hurried.comparisons
    assert held_out.policy == hurried.policy and capped.rewards == hurried.rewards
    assert held_out.rewards.hold_out == ["copying"]
    assert (hurried.policy.kl.cap, capped.policy.kl.cap) == (40.0, 2.0)


def test_the_supervised_start_is_trained_on_subtitles_first(tmp_path: Path) -> None:
    starts = {s.start: s.config.policy.warm_start.epochs for s in made(tmp_path).sample_sets}
    assert starts == {"zero-shot": 0, "supervised": 1}


def test_the_dose_is_the_verbatim_weight_of_the_vote_and_nothing_else(tmp_path: Path) -> None:
    source = "The harbour was closed on Monday. Nobody was hurt. The pier will be repaired."
    copy, own = "Nobody was hurt.", "Everyone stayed well."
    gaps = {}
    for arm in ("hurried", "half-verbatim", "no-verbatim", "residual"):
        config = made(tmp_path).of("zero-shot", arm)[0].config
        scorer = build_weighted(config.comparisons.known_scorers, config.scorers)
        scores = scorer.score([source] * 2, [copy, own])
        gaps[arm] = float(scores[0] - scores[1])
    assert gaps["hurried"] - gaps["half-verbatim"] == pytest.approx(1.02)
    assert gaps["half-verbatim"] - gaps["no-verbatim"] == pytest.approx(1.02)
    assert gaps["no-verbatim"] > 1, "copied pairs and triples of words still count"
    assert gaps["residual"] == 0, "of the fitted vote nothing but its noise is left"


def test_the_arm_of_noise_is_stopped_by_no_canary_that_looks_for_a_signal(tmp_path: Path) -> None:
    experiment = made(tmp_path)
    off = {m.arm: m.config.audits.canaries_off for m in experiment.members}
    assert off.pop("residual") == ["C4"]
    assert not any(off.values())


def test_an_arm_that_would_draw_other_samples_is_refused(tmp_path: Path) -> None:
    settings = copying_settings()
    warm = settings.arms["placebo"].model_copy(update={"changes": {"task.temperature": 0.9}})
    changed = settings.model_copy(update={"arms": {**settings.arms, "placebo": warm}})
    with pytest.raises(SettingsError, match="'placebo' changes task"):
        made(tmp_path, settings=changed)


def test_an_unknown_arm_is_refused_by_name() -> None:
    raw = copying_settings().model_dump()
    with pytest.raises(ValueError, match="members names lazy"):
        ExperimentConfig.model_validate({**raw, "members": {"zero-shot": ["lazy"]}})


def test_a_run_file_is_written_once_and_other_settings_are_refused(tmp_path: Path) -> None:
    member = made(tmp_path).members[0]
    write_run_file(member.folder, member.config)
    assert load_run_file(member.folder / "run.yaml") == member.config
    write_run_file(member.folder, member.config)
    other = made(tmp_path, "policy.lr=1e-5").members[0]
    with pytest.raises(InputError, match=r"policy\.lr: 0\.0015, and this command says 1e-05"):
        write_run_file(member.folder, other.config)


@pytest.mark.parametrize("path", [COPYING_RUN_FILE, DEMO_RUN_FILE], ids=lambda path: path.stem)
def test_a_judge_that_labeled_in_no_arm_judges_all(path: Path, tmp_path: Path) -> None:
    experiment = make_experiment(copying_settings(), path, tmp_path)
    for member in experiment.members:
        assert member.config.evaluation.judges == ["accuracy"]
        assert "accuracy" not in member.config.comparisons.known_scorers


def test_the_alarm_that_results_look_for_is_one_of_the_watchs() -> None:
    assert COPIES_MORE in {alarm.name for alarm in ALARMS}
