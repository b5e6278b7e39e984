"""Writing the README beside every saved model."""

from pathlib import Path
from typing import Any

from prefloop.files import write_atomically
from prefloop.report.model_card import policy_card, reward_card
from prefloop.run_folder import read_run_folder
from prefloop.settings.task import TaskConfig


def write_cards(run: Path, *, task: TaskConfig, settings: dict[str, Any]) -> None:
    """Write the cards of all rounds, with what is known by now."""
    there = read_run_folder(run)
    judged = {file.round: file.figures for file in there.evaluations}
    for folder in sorted(run.glob("policy/round-*")):
        name = f"{there.name}, policy of {folder.name}"
        number = int(folder.name.removeprefix("round-"))
        card = policy_card(name=name, task=task, settings=settings, figures=judged.get(number))
        write_atomically(folder / "README.md", card)
    for trust in there.trusts:
        name = f"{there.name}, reward model of round-{trust.round}"
        card = reward_card(name=name, task=task, settings=settings, trust=trust.figures)
        write_atomically(run / Path(trust.path).parent / "README.md", card)
