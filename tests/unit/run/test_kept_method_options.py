"""What a run was made with is written out, kept where it must be, and told where it changes."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from prefloop.errors import SettingsError
from prefloop.run.kept_settings import keep_settings, with_method_options
from prefloop.run_file import parse_run


def start(folder: Path, policy: dict[str, Any], **sections: Any) -> list[str]:
    """Start a run in `folder` with these settings and return what is told."""
    folder.mkdir(exist_ok=True)
    (folder / "metrics.jsonl").touch()
    said: list[str] = []
    config = with_method_options(parse_run({"policy": policy, **sections}, "run.yaml"))
    keep_settings(config, folder, said.append).write()
    return said


def test_every_setting_of_the_method_is_written_out(tmp_path: Path) -> None:
    start(tmp_path, {"options": {"lam": 0.9}})
    policy = yaml.safe_load((tmp_path / "run.resolved.yaml").read_text())["policy"]
    assert policy["method"] == "ppo"
    assert policy["options"] == {
        "gamma": 1.0,
        "lam": 0.9,
        "clip_range": 0.2,
        "clip_range_value": 1.0,
        "vf_coef": 0.1,
        "whiten_rewards": False,
    }, "the method's own, and those of the recipe for low-rank adapters"


def test_a_misspelt_setting_of_the_method_is_refused_before_anything_is_made(
    tmp_path: Path,
) -> None:
    with pytest.raises(SettingsError, match=r"policy\.options\.gama.*Did you mean gamma"):
        start(tmp_path, {"options": {"gama": 0.9}})
    assert not (tmp_path / "run.resolved.yaml").exists()


def test_a_changed_setting_of_the_method_holds_and_is_told(tmp_path: Path) -> None:
    start(tmp_path, {"options": {"lam": 0.9}})
    assert start(tmp_path, {}) == ["policy.options.lam was 0.9 and is 0.95 from here on."]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"method": "ppo"}, "policy.method was 'rloo' and is 'ppo': the checkpoints are of the "),
        (
            {"method": "rloo", "options": {"samples_per_prompt": 4}},
            "policy.options.samples_per_prompt was 2 and is 4: updates are counted in prompts",
        ),
    ],
    ids=["method", "samples per prompt"],
)
def test_a_checkpoint_of_the_other_method_is_not_continued(
    tmp_path: Path, changed: dict[str, Any], reason: str
) -> None:
    start(tmp_path, {"method": "rloo"})
    with pytest.raises(SettingsError) as refused:
        start(tmp_path, changed)
    assert reason in str(refused.value)


def test_what_becomes_of_a_changed_kl_coefficient_is_told(tmp_path: Path) -> None:
    for control, told in (
        ("fixed", ["policy.kl.coef was 0.1 and is 2.0 from here on."]),
        ("adaptive", ["policy.kl.coef was 0.1 and is 2.0; it is where the coefficient starts"]),
    ):
        start(tmp_path / control, {"kl": {"control": control, "coef": 0.1}})
        said = start(tmp_path / control, {"kl": {"control": control, "coef": 2.0}})
        assert len(said) == 1 and said[0].startswith(told[0])
    assert "policy.kl.control=fixed" in said[0]


def test_settings_written_by_version_0_1_are_compared_under_their_names_today(
    tmp_path: Path,
) -> None:
    start(tmp_path, {})
    old = {
        "policy": {"lam": 0.9, "clip_range": 0.2},
        "comparisons": {"synthetic": {"taste": {"length": 1.0}}},
    }
    (tmp_path / "run.resolved.yaml").write_text(yaml.safe_dump(old))
    with pytest.raises(SettingsError, match=r"comparisons\.synthetic\.scorers was \{'length'"):
        start(tmp_path, {"lam": 0.95})
    same = {"synthetic": {"scorers": {"length": 1.0}}}
    judges = {"judges": ["sentiment"]}
    said = start(tmp_path, {"lam": 0.95}, comparisons=same, evaluation=judges)
    assert said == ["policy.options.lam was 0.9 and is 0.95 from here on."]
