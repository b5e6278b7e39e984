"""The benchmark of the label audit fills a store that the audit takes, and measures it."""

from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[3] / "bench"


def test_what_is_measured_is_a_whole_audit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCH))
    from bench.label_audit import fill, measure

    fill(tmp_path / "run", 120)
    found = measure(tmp_path / "run")
    assert found["choices"] == 120
    assert 0.25 < found["best"] < 1
    assert found["seconds"] > 0 and found["peak_mb"] > 0
    assert (tmp_path / "run" / "audits" / "labels.json").is_file()
