"""Names become classes, other packages add some, and what is unknown is told with a guess."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from prefloop.errors import InputError, SettingsError
from prefloop.evaluation.judges.build import build_judge
from prefloop.registry import JUDGES, LABELERS, METHODS, SCORERS, NoSettings, sources_of
from prefloop.run_file import parse_run
from prefloop.scorers.build import build_scorer
from prefloop.settings.section import Section

REGISTRIES = (SCORERS, JUDGES, LABELERS, METHODS)


@pytest.fixture
def politeness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another package on the path, installed the way pip leaves it."""
    info = tmp_path / "polite-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: polite\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[prefloop.scorers]\n"
        "politeness = polite_scorer:PolitenessScorer\n"
        "length = polite_scorer:PolitenessScorer\n"
        "gone = polite_scorer:NoSuchScorer\n"
        "broken = broken_scorer:BrokenScorer\n"
        "unreadable = unreadable_scorer:Anything\n"
        "[prefloop.judges]\n"
        "broken_judge = broken_scorer:BrokenScorer\n"
        "length = broken_scorer:BrokenScorer\n"
    )
    (tmp_path / "unreadable_scorer.py").write_text("1 / 0\n")
    (tmp_path / "broken_scorer.py").write_text(
        "class BrokenScorer:\n"
        "    name = 'broken'\n"
        "    description = 'a broken scorer'\n"
        "    @staticmethod\n"
        "    def sources(settings):\n"
        "        return {'nothing'}\n"
        "    def __init__(self):\n"
        "        raise RuntimeError('no model here')\n"
    )
    (tmp_path / "polite_scorer.py").write_text(
        "import numpy as np\n"
        "from prefloop.settings.section import Section\n"
        "class PolitenessScorer:\n"
        "    name = 'politeness'\n"
        "    sources = frozenset({'manners'})\n"
        "    description = 'a count of pleases'\n"
        "    class Settings(Section):\n"
        "        weight: float = 1.0\n"
        "    def __init__(self, settings):\n"
        "        self.weight = settings.weight\n"
        "    def score(self, prompts, responses):\n"
        "        return self.weight * np.array([float('please' in r) for r in responses])\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    for module in ("polite_scorer", "broken_scorer", "unreadable_scorer"):
        monkeypatch.delitem(sys.modules, module, raising=False)


def test_an_unknown_name_is_told_with_a_guess_and_all_that_are_known() -> None:
    with pytest.raises(SettingsError, match="scorer 'lenght' is not known; did you mean 'length'"):
        SCORERS.load("lenght")
    assert "Known: " in str(SCORERS.problem("xyz"))
    assert SCORERS.problem("length") is None


def test_a_package_registers_a_scorer_with_one_line(politeness: None) -> None:
    section = {"very_polite": {"kind": "politeness", "weight": 3.0}}
    responses = ["Yes please", "No"]
    assert build_scorer("politeness", {}).score(["", ""], responses).tolist() == [1.0, 0.0]
    assert build_scorer("very_polite", section).score(["", ""], responses).tolist() == [3.0, 0.0]
    assert sources_of(SCORERS.load("politeness"), NoSettings()) == {"manners"}


def test_a_setting_of_a_plug_in_that_is_misspelt_is_told(politeness: None) -> None:
    raw = {"scorers": {"p": {"kind": "politeness", "wieght": 3.0}}}
    with pytest.raises(SettingsError, match=r"scorers\.p\.wieght: .*Did you mean weight"):
        parse_run(raw, "run.yaml")
    with pytest.raises(SettingsError, match=r"scorers\.p: scorer 'politness' .*'politeness'"):
        parse_run({"scorers": {"p": {"kind": "politness"}}}, "run.yaml")


def test_a_class_that_cannot_be_imported_is_told(politeness: None) -> None:
    with pytest.raises(SettingsError, match=r"registered as polite_scorer:NoSuchScorer"):
        SCORERS.load("gone")


def test_a_class_whose_module_fails_is_told(politeness: None) -> None:
    with pytest.raises(SettingsError, match=r"'unreadable' .*\(ZeroDivisionError: .*Correct or"):
        parse_run({"scorers": {"x": {"kind": "unreadable"}}}, "run.yaml")


def test_a_scorer_with_the_name_of_a_judge_is_refused() -> None:
    """As a judge it would be the other one."""
    raw = {"scorers": {"llm": {"kind": "lexicon"}}, "evaluation": {"judges": ["llm"]}}
    with pytest.raises(SettingsError, match=r"scorers\.llm: a judge has that name too"):
        parse_run(raw, "run.yaml")


def test_reading_a_run_file_constructs_nothing(politeness: None) -> None:
    """The constructor raises: only whoever needs the scorer finds out."""
    raw = {
        "scorers": {"mine": {"kind": "broken"}},
        "judges": {"other": {"kind": "broken_judge"}},
        "evaluation": {"judges": ["other", "mine", "broken", "broken_judge"]},
    }
    run = parse_run(raw, "run.yaml")
    with pytest.raises(InputError, match=r"scorer 'mine' .*no model here in broken_\w+.py, line"):
        build_scorer("mine", run.scorers)
    with pytest.raises(InputError, match=r"judge 'other' .*RuntimeError: no model here"):
        build_judge("other", run)


def test_sources_that_cannot_be_told_are_a_problem_of_the_class() -> None:
    class Vague:
        @staticmethod
        def sources(settings: Section) -> set[str]:
            raise KeyError("no idea")

    with pytest.raises(SettingsError, match=r"sources \(.*Vague\) raised KeyError"):
        sources_of(Vague, NoSettings())


def test_a_package_cannot_change_what_a_built_in_name_means(politeness: None) -> None:
    assert build_scorer("length", {}).score([""], ["Yes please"])[0] != 1.0


def test_a_package_cannot_change_what_a_built_in_scorer_judges(politeness: None) -> None:
    run = parse_run({"evaluation": {"judges": ["length"]}}, "run.yaml")
    assert build_judge("length", run).sources == {"length"}


def test_a_judge_of_the_labelers_sources_is_refused(politeness: None) -> None:
    labels = {"synthetic": {"scorers": {"politeness": 1.0, "length": 0.0}}}
    with pytest.raises(SettingsError, match=r"no independent judge: .*manners") as error:
        parse_run({"comparisons": labels, "evaluation": {"judges": ["politeness"]}}, "run.yaml")
    offered = str(error.value).rsplit("Independent: ", 1)[1]
    assert "lexicon" in offered and "politeness" not in offered
    run = parse_run({"comparisons": labels, "evaluation": {"judges": ["length"]}}, "run.yaml")
    assert run.evaluation.judges == ["length"], "a weight of 0 does not label"


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (
            {"policy": {"reward": "openai"}},
            r"policy\.reward: openai needs settings \(openai\.base_url: .*Write an entry of kind: ",
        ),
        (
            {"scorers": {"x": {"kind": "length"}}, "evaluation": {"judges": ["hf_classifier"]}},
            r"evaluation\.judges: hf_classifier needs settings \(hf_classifier\.folder: ",
        ),
        (
            {"evaluation": {"judges": ["llm"]}},
            r"evaluation\.judges: llm needs settings .* under judges: and choose it",
        ),
        (
            {"comparisons": {"synthetic": {"scorers": {"function": 1.0}}}},
            r"comparisons\.synthetic\.scorers: function needs settings \(function\.file: ",
        ),
        ({"scorers": {"mine": {"file": "x.py"}}}, r"scorers\.mine\.kind is missing: which scorer"),
        (
            {"scorers": {"length": {"kind": "function", "file": "x.py"}}},
            r"scorers\.length: length is itself a known scorer; give the one of kind function",
        ),
        (
            {"judges": {"length": {"kind": "llm", "base_url": "http://h/v1", "model": "m"}}},
            r"judges\.length: a scorer has that name too",
        ),
        (
            {"comparisons": {"synthetic": {"scorers": {"length": float("nan")}}}},
            r"comparisons\.synthetic\.scorers\.length: Input should be a finite number",
        ),
        ({"scorers": {"llm": {"kind": "length"}}}, r"scorers\.llm: a judge has that name too"),
        ({"policy": {"reward": "lenght"}}, r"policy\.reward: scorer 'lenght' .*mean 'length'"),
    ],
)
def test_what_a_choice_lacks_is_told_when_the_file_is_read(raw: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        parse_run(raw, "run.yaml")


def test_a_scorer_with_settings_may_keep_its_own_name() -> None:
    raw = {"scorers": {"function": {"file": "x.py"}}, "policy": {"reward": "function"}}
    assert parse_run(raw, "run.yaml").policy.reward == "function"


def test_a_scorer_named_like_the_runs_own_reward_model_is_refused() -> None:
    raw = {"scorers": {"reward_model": {"folder": "m"}}, "policy": {"reward": "reward_model"}}
    with pytest.raises(SettingsError, match=r"scorers.reward_model: in policy.reward .* another"):
        parse_run(raw, "run.yaml")


def test_a_judge_that_shares_a_source_with_the_reward_is_refused() -> None:
    """Nobody labels where the policy follows a scorer; whoever labeled elsewhere may judge."""
    with pytest.raises(SettingsError, match=r"'lexicon' is no .*: policy.reward rests on the same"):
        parse_run({"policy": {"reward": "lexicon"}}, "run.yaml")
    raw = {"policy": {"reward": "length"}, "evaluation": {"judges": ["sentiment"]}}
    assert parse_run(raw, "run.yaml").evaluation.judges == ["sentiment"]


READING = """
import sys
from prefloop.run_file import parse_run
endpoint = {"kind": "openai", "base_url": "http://127.0.0.1:9/v1", "model": "m"}
parse_run(
    {
        "scorers": {"rated": endpoint, "mine": {"kind": "function", "file": "x"}},
        "policy": {"reward": "rated"},
        "evaluation": {"judges": ["mine"]},
    },
    "run.yaml",
)
from prefloop.scorers import build
heavy = {"torch", "transformers", "peft"} & set(sys.modules)
assert not heavy, heavy
"""


def test_reading_a_run_file_and_building_scorers_imports_no_torch() -> None:
    result = subprocess.run([sys.executable, "-c", READING], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
