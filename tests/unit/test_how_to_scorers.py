"""What docs/how-to/write-a-scorer.md and judge-with-a-language-model.md say works as written."""

import re
import sys
from pathlib import Path

import pytest
import yaml

from prefloop.errors import SettingsError
from prefloop.evaluation.judges.build import build_judge
from prefloop.run_file import parse_run
from prefloop.scorers.build import build_scorer
from tests.architecture.source import ROOT

HOW_TO = ROOT / "docs" / "how-to"


def blocks(page: str, language: str) -> list[str]:
    """Return the code of a page in one language, in order."""
    text = (HOW_TO / page).read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files of the page, installed the way pip leaves them."""
    for code in blocks("write-a-scorer.md", "python"):
        if match := re.match(r"# (\S+\.py)\n", code):
            path = tmp_path / match[1]
            path.parent.mkdir(exist_ok=True)
            path.write_text(code)
    info = tmp_path / "my_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n")
    points = "\n".join(blocks("write-a-scorer.md", "toml"))
    points = re.sub(r'\[project\.entry-points\."(.*?)"\]', r"[\1]", points).replace('"', "")
    (info / "entry_points.txt").write_text(points)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for name in [name for name in sys.modules if name.startswith("my_package")]:
        monkeypatch.delitem(sys.modules, name)
    return tmp_path


def test_the_function_trains_a_policy(package: Path) -> None:
    first = yaml.safe_load(blocks("write-a-scorer.md", "yaml")[0])
    run = parse_run(first, "run.yaml")
    scorer = build_scorer(run.policy.reward, run.scorers)
    assert scorer.score(["", ""], ["Please, please.", "No!"]).tolist() == [2.0, -1.0]


def test_the_class_scores_with_its_settings(package: Path) -> None:
    second = yaml.safe_load(blocks("write-a-scorer.md", "yaml")[1])
    run = parse_run(second, "run.yaml")
    assert build_scorer("calm", run.scorers).score([""], ["Tea, please!"]).tolist() == [-2.0]
    assert build_scorer("politeness", {}).score(["Ask."], ["Tea, please!"]).tolist() == [0.0]
    with pytest.raises(SettingsError, match="Did you mean shouting"):
        parse_run({"scorers": {"calm": {"kind": "politeness", "shuoting": 3.0}}}, "run.yaml")


def test_the_judge_compares(package: Path) -> None:
    judge = build_judge("shorter", parse_run({"evaluation": {"judges": ["shorter"]}}, "run.yaml"))
    assert judge.compare("", "short", "not so short") == "win"
    labels = {"synthetic": {"scorers": {"length": 1.0}}}
    with pytest.raises(SettingsError, match="'shorter' is no independent judge"):
        parse_run({"comparisons": labels, "evaluation": {"judges": ["shorter"]}}, "run.yaml")


@pytest.mark.parametrize("text", blocks("judge-with-a-language-model.md", "yaml"))
def test_every_example_of_an_endpoint_is_a_run_file(text: str) -> None:
    raw = yaml.safe_load(text)
    assert parse_run(raw, "run.yaml").model_dump()["judges"] == raw.get("judges", {})
