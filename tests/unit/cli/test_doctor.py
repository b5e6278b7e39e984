"""What the doctor prints."""

from pathlib import Path

import pytest

from prefloop.cli.doctor import doctor
from prefloop.figures.check_result import CheckResult


def test_the_same_advice_is_given_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def warning(message: str, action: str) -> CheckResult:
        return CheckResult(
            stage="policy", check=message, status="warn", message=message, action=action
        )

    found = [
        warning("It copies.", "Ask for own words."),
        warning("It copies whole sentences.", "Ask for own words."),
        warning("It is long.", "Ask for short ones."),
    ]
    monkeypatch.setattr("prefloop.doctor.checks.examine", lambda _: found)
    (tmp_path / "run.yaml").write_text("seed: 1\n", encoding="utf-8")
    doctor(tmp_path)
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    below = lines[lines.index("warn   policy       It copies.") :]
    assert [line for line in below if line.startswith("->")] == [
        "-> Ask for own words.",
        "-> As above.",
        "-> Ask for short ones.",
    ]
