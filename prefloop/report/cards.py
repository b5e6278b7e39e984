"""Writing the README beside every saved model."""

from pathlib import Path
from typing import Any

from prefloop.comparisons.labels_used import labels_in_store
from prefloop.figures.reading import read_best_of_n
from prefloop.figures.text import counted
from prefloop.files import write_atomically
from prefloop.models.loading import Tokenizer
from prefloop.models.model_folder import CONFIG, read_object
from prefloop.records import LedgerHead
from prefloop.report.made import Made, policy_made
from prefloop.report.model_card import policy_card, reward_card
from prefloop.run_folder import export_folder, read_run_folder, settings_of
from prefloop.samples.stop_check import stop_token
from prefloop.settings.run import RunConfig
from prefloop.store.store import Store


def write_cards(
    run: Path, store: Store, config: RunConfig, tokenizer: Tokenizer | None = None
) -> None:
    """Write the cards of all rounds, with what is known by now.

    `config` is what is said of models that do not record their settings. By `tokenizer`, the run's
    own, the cards tell which token is the stop.
    """
    there, labels = read_run_folder(run), labels_in_store(store)
    ledger = _of_ledger(store.ledger_head())
    for folder in there.policies:
        number = folder.round
        found = there.evaluation_of_round(number)
        made = policy_made(there, number, config, labels)
        card = policy_card(
            name=f"{there.name}, policy of round-{number}",
            made=made,
            run=there,
            figures=found.figures if found else None,
            stop_id=_stop_id(made.config, tokenizer),
            chosen=read_best_of_n(export_folder(run, number)),
        )
        write_atomically(export_folder(run, number) / "README.md", card + ledger)
    for trust in there.trusts:
        record = trust.provenance
        made = Made(
            config=settings_of([record], config), labels=record.labels if record else labels
        )
        name = f"{there.name}, reward model of round-{trust.round}"
        place = run / Path(trust.path).parent
        read = _reward_input(place)
        card = reward_card(name=name, made=made, trust=trust.figures, reward_input=read)
        write_atomically(place / "README.md", card + ledger)


def _stop_id(config: RunConfig, tokenizer: Tokenizer | None) -> int | None:
    if tokenizer is None:
        return None
    return stop_token(config.task, tokenizer, match=config.samples.stop_match)


def _reward_input(folder: Path) -> dict[str, Any]:
    """Return how a saved reward model reads texts; empty if it does not say so."""
    found = (read_object(folder / CONFIG) or {}).get("reward_input")
    return found if isinstance(found, dict) else {}


def _of_ledger(head: LedgerHead) -> str:
    """Return the end of every card: by it, a later change of the run's store is found."""
    return (
        f"\nThe run's ledger had {counted(head.n_events, 'event')} when this card was written, and "
        f"the head `{head.hash}`: `prefloop store verify RUN --head` finds any change before it.\n"
    )
