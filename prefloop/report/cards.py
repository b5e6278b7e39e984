"""Writing the README beside every saved model."""

from pathlib import Path

from prefloop.comparisons.labelers.sources import labeler_groups
from prefloop.figures.text import counted
from prefloop.files import write_atomically
from prefloop.records import LedgerHead
from prefloop.report.model_card import policy_card, reward_card
from prefloop.run_folder import read_run_folder
from prefloop.settings.run import RunConfig
from prefloop.store.store import Store


def write_cards(run: Path, store: Store, config: RunConfig) -> None:
    """Write the cards of all rounds, with what is known by now."""
    there = read_run_folder(run)
    groups, ledger = labeler_groups(store, config), _of_ledger(store.ledger_head())
    for folder in sorted(run.glob("policy/round-*")):
        number = int(folder.name.removeprefix("round-"))
        found = there.evaluation_of_round(number)
        card = policy_card(
            name=f"{there.name}, policy of {folder.name}",
            config=config,
            run=there,
            figures=found.figures if found else None,
            groups=groups,
        )
        write_atomically(folder / "README.md", card + ledger)
    for trust in there.trusts:
        name = f"{there.name}, reward model of round-{trust.round}"
        card = reward_card(name=name, config=config, trust=trust.figures, groups=groups)
        write_atomically(run / Path(trust.path).parent / "README.md", card + ledger)


def _of_ledger(head: LedgerHead) -> str:
    """Return the end of every card: by it, a later change of the run's store is found."""
    return (
        f"\nThe run's ledger had {counted(head.n_events, 'event')} when this card was written, and "
        f"the head `{head.hash}`: `prefloop store verify RUN --head` finds any change before it.\n"
    )
