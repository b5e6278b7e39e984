"""What several methods run with: the file, its changes for one, and the command line over both."""

from pathlib import Path

import pytest
import yaml

from prefloop.errors import InputError, SettingsError
from prefloop.experiments.members import write_run_file
from prefloop.experiments.method_settings import method_settings
from prefloop.run_file import load_run_file
from prefloop.settings.run import RunConfig

RUN = """
task: sentiment
models: {name: "builtin:tiny"}
policy: {episodes: 64, batch_size: 16, lr: 1e-5, options: {whiten_rewards: false}}
"""
METHODS = """
methods:
  ppo:
  rloo: {policy.lr: 1e-3, policy.options: {samples_per_prompt: 2}}
  dpo: {policy: {lr: 3e-4, kl: {coef: 0.1}}, policy.epochs: 1, policy.episodes: 128}
"""


def made(
    folder: Path, methods: str, *changes: str, named: str | None = None, run: str = RUN
) -> dict[str, RunConfig]:
    """Return the settings of each method of a run file with this section."""
    path = folder / "methods.yaml"
    path.write_text(run + methods)
    return method_settings(path, None if named is None else named.split(","), changes)[1]


def problems(
    folder: Path, methods: str, *changes: str, named: str | None = None, run: str = RUN
) -> list[str]:
    """Return what is told to be wrong, after a heading that names the file and counts."""
    with pytest.raises(SettingsError) as caught:
        made(folder, methods, *changes, named=named, run=run)
    heading, *lines = str(caught.value).splitlines()
    assert heading.startswith(f"{folder / 'methods.yaml'} has {len(lines)} problem")
    return [line.removeprefix("  - ") for line in lines]


def test_the_file_says_which_methods_there_are_and_what_each_changes(tmp_path: Path) -> None:
    found = made(tmp_path, METHODS)
    ppo, rloo, dpo = found.values()
    assert list(found) == [c.policy.method for c in found.values()] == ["ppo", "rloo", "dpo"]
    assert [c.policy.lr for c in found.values()] == [1e-5, 1e-3, 3e-4]
    assert (dpo.policy.epochs, dpo.policy.episodes, dpo.policy.kl.coef) == (1, 128, 0.1)
    assert dpo.policy.batch_size == ppo.policy.batch_size == 16, "the rest of a section stays"
    assert dpo.policy.kl.target == ppo.policy.kl.target
    assert ppo.policy.options["whiten_rewards"] is False
    assert rloo.policy.options["samples_per_prompt"] == 2
    assert list(made(tmp_path, "methods: [rloo, ppo]")) == ["rloo", "ppo"]


def test_no_run_has_the_section(tmp_path: Path) -> None:
    found = made(tmp_path, METHODS)
    write_run_file(tmp_path / "dpo", found["dpo"])
    text = (tmp_path / "dpo" / "run.yaml").read_text(encoding="utf-8")
    assert "methods" not in yaml.safe_load(text)
    assert load_run_file(tmp_path / "dpo" / "run.yaml") == found["dpo"]


def test_the_command_line_wins_over_the_file(tmp_path: Path) -> None:
    found = made(tmp_path, METHODS, "rloo:policy.lr=5e-4", named="rloo,a2po")
    assert {name: c.policy.lr for name, c in found.items()} == {"rloo": 5e-4, "a2po": 1e-5}
    assert found["rloo"].policy.options["samples_per_prompt"] == 2, "the file's other changes stay"
    for_all = made(tmp_path, METHODS, "policy.lr=2e-5", "dpo:policy.lr=4e-5")
    assert [c.policy.lr for c in for_all.values()] == [2e-5, 2e-5, 4e-5]


def test_a_path_of_one_method_leads_from_the_file(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("good 1")
    entry = "{evaluation.models: [words.txt], scorers.mine: {kind: lexicon}}"
    found = made(tmp_path, f"methods: {{ppo: {entry}, rloo: null}}")
    assert found["ppo"].evaluation.models == [str(tmp_path / "words.txt")]
    assert found["ppo"].scorers == {"mine": {"kind": "lexicon"}} and found["rloo"].scorers == {}


def test_every_problem_is_told_at_once_with_its_key(tmp_path: Path) -> None:
    section = """
methods:
  ppo: {policy.lrr: 1e-3, comparisons.labels: 9}
  roo: {policy.lr: 1e-3}
  rloo: {policy: {lr: fast}, policy.method: ppo, rewards: 3}
  dpo: {policy.episodes: 100, policy.options.beta: 1}
  best_of_n: many
"""
    found = problems(tmp_path, section, run="polcy: {}\n" + RUN)
    starts = [
        "methods.best_of_n: 'many' is no mapping of settings to values",
        "methods.ppo.comparisons.labels: all methods share prompts, samples and labels; write it",
        "methods.rloo.policy.method: the method is the one that the entry is called after",
        "polcy: no such setting. Did you mean policy?",
        "methods.ppo.policy.lrr: no such setting. Did you mean lr?",
        "methods.roo: method 'roo' is not known; did you mean 'rloo'?",
        "methods.rloo.rewards: Input should be a valid dictionary",
        "methods.rloo.policy.lr: Input should be a valid number",
        "methods.dpo.policy: episodes 100 does not fill rollouts of batch_size 16",
    ]
    assert len(found) == len(starts)
    assert all(map(str.startswith, found, starts)), found


def test_policies_that_could_not_be_compared_are_refused_before_any_is_trained(
    tmp_path: Path,
) -> None:
    both = "methods: {ppo: {policy.reward: sentiment}, rloo: {policy: {warm_start: {epochs: 1}}}}"
    assert [line.split(" begin")[0] for line in problems(tmp_path, both)][:2] == [
        "methods.ppo.policy.reward: the policies of a comparison",
        "methods.rloo.policy.warm_start.epochs: the policies of a comparison",
    ]
    assert len(problems(tmp_path, both)) == 2, "each is told once"


def test_a_method_that_does_not_fit_the_run_is_told_before_anybody_labels(tmp_path: Path) -> None:
    changes = "dpo: {policy.kl.coef: 0}, rloo: {policy.options: {samples_per_prompt: 3}}"
    found = problems(tmp_path, f"methods: {{ppo: null, {changes}}}")
    assert [line.split(",")[0].split(": it")[0] for line in found] == [
        "methods.dpo: policy.kl.coef 0 leaves policy.method dpo without a loss",
        "methods.rloo: policy.method rloo draws 3 responses to each prompt",
    ]
    scored = RUN.replace("policy: {", "policy: {reward: sentiment, ")
    [problem] = problems(tmp_path, "methods: {ppo: null, dpo: null}", run=scored)
    assert "with policy.reward 'sentiment' nobody labels" in problem


def test_an_option_that_a_method_does_not_have_is_told_with_its_key(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, "methods: {ppo: null, dpo: {policy.options.lam: 1}}")
    assert problem.startswith("methods.dpo.policy.options.lam: no such setting")
    assert made(tmp_path, "methods: {ppo: null, dpo: {policy.options.lam: 1}}", named="ppo,rloo")


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ("", "it is empty; name two methods or more"),
        ("[]", "it is empty"),
        ("{}", "it is empty"),
        ("ppo", "'ppo' is neither a list of methods, such as [ppo, rloo], nor a mapping"),
        ("[ppo]", "ppo is alone; name two different methods or more"),
        ("{rloo: {policy.lr: 1e-3}}", "rloo is alone"),
        ("[ppo, rloo, ppo]", "ppo is there 2 times"),
        ("[ppo, rloo: {policy.lr: 1e-3}]", "is no name; where a method changes something, write a"),
        ("{ppo: {policy: {lr: 1}, policy.lr: 2}, rloo: }", "ppo.policy.lr: it is there twice"),
        ("{ppo: {policy: 3, policy.lr: 2}, rloo: }", "ppo.policy.lr: policy is changed there too"),
        ("{ppo: {methods: [dpo]}, rloo: }", "ppo.methods: an entry of methods holds settings"),
        ("{ppo: , rloo: {recipe: none}}", "rloo.recipe: it changes task, models, and all methods"),
    ],
)
def test_a_section_of_another_shape_is_refused(tmp_path: Path, section: str, told: str) -> None:
    [problem] = problems(tmp_path, f"methods: {section}", "rloo:policy.lr=1")
    assert problem.startswith(("methods: ", "methods.")) and told in problem


@pytest.mark.parametrize(
    ("methods", "name", "lines"),
    [
        ("methods: {rloo: {policy.lr: 1}, ppo: , rloo: {policy.lr: 2}}", "methods.rloo", "line 5"),
        (
            "methods: {ppo: , rloo: {policy.lr: 1, policy.lr: 2}}",
            "methods.rloo.policy.lr",
            "line 5",
        ),
        ("methods: [ppo, rloo]\nmethods: [ppo, dpo]", "methods", "lines 5 and 6"),
        ("methods: [ppo, rloo]\nseed: 3\nseed: 4", "seed", "lines 6 and 7"),
    ],
)
def test_nothing_is_lost_to_a_name_that_stands_twice(
    tmp_path: Path, methods: str, name: str, lines: str
) -> None:
    [problem] = problems(tmp_path, methods)
    assert problem.startswith(f"{name}: it stands 2 times, on {lines}; ")


def test_a_name_that_stands_twice_is_told_with_what_else_is_wrong(tmp_path: Path) -> None:
    first, second = problems(tmp_path, "methods: {ppo: , roo: }\nseed: 3\nseed: 4")
    assert first.startswith("seed: it stands 2 times") and second.startswith("methods.roo: ")


def test_changes_for_all_hold_whatever_is_wrong_with_the_methods(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, "rounds: 2\nmethods: [ppo]", "rounds=1", "rloo:policy.lr=1")
    assert "ppo is alone" in problem


def test_earlier_names_of_settings_mean_what_todays_do(tmp_path: Path) -> None:
    """The file's options are for its own method under these names, too, and an entry's win."""
    run = RUN.replace("options: {whiten_rewards: false}", "lam: 0.9")
    found = made(tmp_path, "methods: {ppo: , rloo: }", run=run)
    assert found["ppo"].policy.options["lam"] == 0.9
    found = made(tmp_path, "methods: {ppo: {policy.lam: 0.8}, rloo: }", run=run)
    assert found["ppo"].policy.options["lam"] == 0.8


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("best_of_n:policy.lr=1", "is for best_of_n, and the methods are ppo, rloo, dpo"),
        ("roo:policy.lr=1", "is for roo, and the methods are ppo, rloo, dpo"),
        ("methods.rloo.policy.lr=1", "rloo:policy.lr=1e-4 changes one"),
        ("methods=[ppo,rloo]", "--methods ppo,rloo names methods"),
    ],
)
def test_a_change_that_no_method_would_take_is_refused(
    tmp_path: Path, change: str, told: str
) -> None:
    with pytest.raises(InputError, match=told):
        made(tmp_path, METHODS, change)


def test_without_methods_both_ways_of_naming_them_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"methods: \[ppo, rloo\], or .* --methods ppo,rloo"):
        made(tmp_path, "")
    assert list(made(tmp_path, "", named="ppo,dpo")) == ["ppo", "dpo"]
    assert list(made(tmp_path, "methods: [rloo]", named="ppo,dpo")) == ["ppo", "dpo"]
