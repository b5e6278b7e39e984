"""The files behind a run's names: another model is refused, a corrected function is told."""

import importlib
import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from prefloop.errors import SettingsError
from prefloop.registry import Registry
from prefloop.run.kept_contents import followed_scorers, installed_code, keep_contents, keep_sharing
from prefloop.run_file import parse_run
from prefloop.scorers.build import CheckedScorer, build_scorer
from tests.models_for_tests import save_gpt2
from tests.unit.rewards.test_hf_classifier import save_gpt2_classifier

ONE = "def score(prompts, responses):\n    return [1.0] * len(responses)\n"


def said(
    base: Path, run: Path, scorers: Mapping[str, CheckedScorer] | None = None, *, begun: bool = True
) -> list[str]:
    """Return what is said when a run starts on these files."""
    told: list[str] = []
    keep_contents("m", base, scorers or {}, run, has_begun=begun, say=told.append)
    return told


def scorer(name: str, **entry: Any) -> dict[str, CheckedScorer]:
    return {name: build_scorer(name, {name: entry})}


def test_another_model_at_the_same_path_is_refused(gpt2_folder: Path, tmp_path: Path) -> None:
    base, run = Path(shutil.copytree(gpt2_folder, tmp_path / "m")), tmp_path / "run"
    said(base, run, begun=False)
    assert said(base, run) == []
    save_gpt2(base, seed=7)
    told = r"models\.name m: .* holds different weights than the first start found in"
    for _ in range(2):
        with pytest.raises(SettingsError, match=told):
            said(base, run)
    with pytest.raises(SettingsError, match="Put the earlier files back"):
        said(base, run)
    said(base, run, begun=False)
    assert said(base, run) == [], "before the first samples any model may be taken"


@pytest.mark.parametrize(("then", "now"), [("did not", True), ("as they did", False)])
def test_a_run_that_goes_on_with_other_rows_says_so_once(
    gpt2_folder: Path, tmp_path: Path, then: str, now: bool
) -> None:
    told: list[str] = []
    said(gpt2_folder, tmp_path, begun=False)
    for shares in (not now, not now, now, now):
        keep_sharing(shares, tmp_path, has_begun=True, say=told.append)
        said(gpt2_folder, tmp_path)
    assert json.loads((tmp_path / "contents.json").read_text())["shares_queries"] is now
    [sentence] = told
    assert then in sentence and "round otherwise" in sentence
    assert "run.resolved.yaml" not in sentence, "it is written anew, and may say device: auto"
    keep_sharing(not now, tmp_path, has_begun=False, say=told.append)
    assert told == [sentence], "nothing was made with the other"


def test_a_start_that_finds_the_same_files_writes_nothing(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    said(gpt2_folder, tmp_path)
    before = (tmp_path / "contents.json").stat()
    said(gpt2_folder, tmp_path)
    after = (tmp_path / "contents.json").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_the_same_model_elsewhere_is_the_same(gpt2_folder: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    said(gpt2_folder, run, begun=False)
    assert said(Path(shutil.copytree(gpt2_folder, tmp_path / "copy")), run) == []
    assert json.loads((run / "contents.json").read_text())["model"]["folder"].endswith("copy")


def test_a_run_that_kept_nothing_yet_keeps_what_there_is(gpt2_folder: Path, tmp_path: Path) -> None:
    assert said(gpt2_folder, tmp_path / "run") == []
    with pytest.raises(SettingsError, match=r"models\.name m: .* different weights"):
        said(save_gpt2(tmp_path / "other", seed=7), tmp_path / "run")


def test_another_model_behind_a_scorer_is_refused(gpt2_folder: Path, tmp_path: Path) -> None:
    folder, run = save_gpt2_classifier(tmp_path / "clf", 1), tmp_path / "run"
    entry = {"kind": "hf_classifier", "folder": str(folder)}
    said(gpt2_folder, run, scorer("mine", **entry), begun=False)
    assert said(gpt2_folder, run, scorer("mine", **entry)) == []
    weights = folder / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(SettingsError, match=r"scorers\.mine: the files behind it have changed"):
        said(gpt2_folder, run, scorer("mine", **entry))


def test_a_corrected_function_is_told_once(gpt2_folder: Path, tmp_path: Path) -> None:
    file, run = tmp_path / "mine.py", tmp_path / "run"
    entry = {"kind": "function", "file": str(file)}
    file.write_text(ONE)
    said(gpt2_folder, run, scorer("mine", **entry), begun=False)
    file.write_text(ONE.replace("1.0", "2.0"))
    [told] = said(gpt2_folder, run, scorer("mine", **entry))
    assert told.startswith("scorers.mine: its file has changed")
    assert said(gpt2_folder, run, scorer("mine", **entry)) == []


def test_changed_code_of_an_installed_labeler_is_told_once(
    gpt2_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its file, and the modules of its package that it uses."""
    package, run = tmp_path / "its_package", tmp_path / "run"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "words.py").write_text("WORDS = ('good',)\n")
    (package / "labeler.py").write_text(
        "from its_package.words import WORDS\n\n\nclass Editor:\n    words = WORDS\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    config = parse_run({"comparisons": {"labelers": "none"}}, "run.yaml")
    config = config.model_copy(
        update={"comparisons": config.comparisons.model_copy(update={"labelers": "editor"})}
    )

    def start(*, begun: bool = True) -> list[str]:
        for name in [n for n in sys.modules if n.startswith("its_package")]:
            monkeypatch.delitem(sys.modules, name)
        importlib.invalidate_caches()
        made = importlib.import_module("its_package.labeler").Editor
        monkeypatch.setattr(Registry, "load", lambda registry, name: made)
        code, told = installed_code(config, {}), list[str]()
        assert list(code) == ["labeler editor"]
        keep_contents("m", gpt2_folder, {}, run, code=code, has_begun=begun, say=told.append)
        return told

    assert start(begun=False) == start() == []
    (package / "words.py").write_text("WORDS = ('better', 'best')\n")
    [told] = start()
    assert told.startswith("labeler editor: its code has changed; what was labeled or trained by")
    assert start() == []


def test_code_that_comes_with_prefloop_is_that_of_its_version() -> None:
    config = parse_run({"comparisons": {"synthetic": {"scorers": {"length": 1.0}}}}, "run.yaml")
    assert installed_code(config, followed_scorers(config)) == {}


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({"policy": {"reward": "length"}}, ["length"]),
        ({"comparisons": {"synthetic": {"scorers": {"length": 1.0, "copying": 0.5}}}}, None),
        ({"comparisons": {"labelers": "people"}}, []),
    ],
)
def test_scorers_that_labels_or_the_policy_rest_on(
    settings: dict[str, Any], names: list[str] | None
) -> None:
    config = parse_run({"evaluation": {"judges": ["lexicon"]}} | settings, "run.yaml")
    assert list(followed_scorers(config)) == (["length", "copying"] if names is None else names)
