"""What docs/how-to/write-a-method.md says works as written."""

import re
import sys
from pathlib import Path

import pytest
import yaml

from prefloop.errors import SettingsError
from prefloop.metrics import MetricsLog
from prefloop.policy.methods.build import build_method
from prefloop.policy.stage import PolicyStage
from prefloop.progress import Silent
from prefloop.run_file import parse_run
from prefloop.settings.policy import PolicyConfig
from tests.stages_for_tests import PROMPTS, trainer_on
from tests.unit.test_how_to_scorers import blocks

PAGE = "write-a-method.md"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files of the page, installed the way pip leaves them."""
    (code,) = blocks(PAGE, "python")
    match = re.match(r"# (\S+\.py)\n", code)
    assert match is not None
    path = tmp_path / match[1]
    path.parent.mkdir()
    path.write_text(code, encoding="utf-8")
    info = tmp_path / "my_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n")
    (points,) = blocks(PAGE, "toml")
    points = re.sub(r'\[project\.entry-points\."(.*?)"\]', r"[\1]", points).replace('"', "")
    (info / "entry_points.txt").write_text(points)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [name for name in sys.modules if name.startswith("my_package")]:
        monkeypatch.delitem(sys.modules, name)


@pytest.mark.usefixtures("package")
def test_the_method_of_the_page_trains_a_policy(gpt2_folder: Path, tmp_path: Path) -> None:
    (text,) = blocks(PAGE, "yaml")
    config = parse_run(yaml.safe_load(text), "run.yaml").policy
    trainer = trainer_on(gpt2_folder, method=config.method, options=config.options)
    metrics = MetricsLog(tmp_path / "metrics.jsonl")
    stage = PolicyStage(trainer, metrics, run=tmp_path, progress=Silent())
    stage.train_round(0, 2, PROMPTS)
    lines = metrics.lines()
    assert [line["method"] for line in lines] == ["reinforce", "reinforce"]
    assert all("policy/policy_loss" in line and "policy/value_loss" not in line for line in lines)
    assert lines[1]["policy/kl"] != 0.0


@pytest.mark.usefixtures("package")
def test_its_misspelt_setting_is_refused_with_a_guess() -> None:
    with pytest.raises(SettingsError, match=r"policy\.options\.scal: .*Did you mean scale\?"):
        build_method(PolicyConfig(method="reinforce", options={"scal": 2.0}))
