"""A run whose policy is not paid for the length of its answers."""

from pathlib import Path

import pytest

from prefloop.figures.held_out_text import held_out_text
from prefloop.figures.reading import read_trust
from tests.e2e.small_run import finish, make_run


def test_a_scorer_is_held_out_of_the_reward_through_the_whole_loop(
    gpt2_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = {"rounds": 1, "policy": {"episodes": 32}}
    run = make_run(tmp_path / "run", gpt2_folder, rewards={"hold_out": ["length"]}, **few)
    finish(run)
    said = " ".join(capsys.readouterr().err.split())
    folder = run / "rewards" / "round-0"
    figures = read_trust((folder / "trust.json").read_text(), "trust.json").held_out
    assert figures is not None and 0 < figures.share < 1
    (term,) = figures.terms
    assert term.scorer == "length" and term.weight != 0 and term.mean > 1
    assert held_out_text(figures) in said
    assert held_out_text(figures) in (folder / "README.md").read_text()
    page = (run / "report" / "index.html").read_text()
    assert "The policy is not paid for what goes with length" in page
