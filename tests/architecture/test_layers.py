"""A stage imports only what lies upstream of it."""

import os
import subprocess
import sys
from pathlib import Path

from tests.architecture.source import ROOT

LINTER = Path(sys.executable).with_name("lint-imports")


def test_import_contracts_hold() -> None:
    result = subprocess.run(
        [str(LINTER), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert ", 0 broken" in result.stdout


def test_an_upward_import_would_be_seen(tmp_path: Path) -> None:
    package = tmp_path / "prefloop"
    for name in ("", "errors", "loop"):
        (package / name).mkdir(parents=True, exist_ok=True)
        (package / name / "__init__.py").write_text("", encoding="utf-8")
    (package / "errors" / "__init__.py").write_text("import prefloop.loop\n", encoding="utf-8")
    (tmp_path / "contract.toml").write_text(
        '[tool.importlinter]\nroot_package = "prefloop"\n'
        '[[tool.importlinter.contracts]]\nname = "down"\ntype = "layers"\n'
        'layers = ["prefloop.loop", "prefloop.errors"]\n',
        encoding="utf-8",
    )
    result = subprocess.run(
        [str(LINTER), "--config", "contract.toml", "--no-cache"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1, result.stdout + result.stderr
    assert "prefloop.errors -> prefloop.loop" in result.stdout
