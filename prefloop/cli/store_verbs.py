"""Move, back up, restore and verify a run's store."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from prefloop.cli.arguments import AsJson, RunFolder, run_file

if TYPE_CHECKING:
    from prefloop.store.upkeep.integrity import IntegrityReport

Place = Annotated[
    str,
    typer.Argument(
        envvar="PREFLOOP_STORE_URL",
        help="A postgresql:// URL, or a new path. Kept out of the process list by the "
        "environment variable PREFLOOP_STORE_URL; a password also by PGPASSWORD.",
        show_default=False,
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Replace an existing file.")]


def migrate(folder: RunFolder, to: Place, as_json: AsJson = False) -> None:
    """Move the run's store into another database, all of it or nothing, and use that from then on.

    Example: `prefloop store migrate my-run postgresql://ann@db.example/labels`
    """
    from prefloop.cli.console import make_progress
    from prefloop.cli.page import served_at
    from prefloop.files import only_one_process
    from prefloop.store.upkeep.moving import existing, move, without_password

    _place(folder)  # A folder without a run is refused before a lock is made in it.
    with only_one_process(folder):
        old = _place(folder)
        # Before anything is moved: a file that cannot name the new store would name the old one.
        _renamed(folder, _as_written(folder, without_password(to)))
        progress = make_progress()
        try:
            with existing(old) as source:
                moved = move(source, to, progress)
        finally:
            progress.close()
        _use_from_now_on(folder, _as_written(folder, without_password(to)))
    if as_json:
        print(json.dumps({name: table.n_rows for name, table in moved.items()}))
        return
    new, n_rows = without_password(to), sum(table.n_rows for table in moved.values())
    print(f"{n_rows} rows, {moved['labels'].n_rows} labels among them, are in {new}:")
    print("every row and the hash chain were compared.")
    print(f"{run_file(folder)} names it; {without_password(str(old))} takes no more answers.")
    if without_password(to) != to:
        print("The password was not written down: set PGPASSWORD, or use ~/.pgpass.")
    if served_at(folder):
        print("The labeling page still has the old one: start it again. Browsers keep what is sent")
        print("meanwhile, and send it then.")


def backup(
    folder: RunFolder,
    file: Annotated[Path, typer.Argument(help="The file to write.")],
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Write the run's store into one file; people may go on labeling meanwhile.

    Example: `prefloop store backup my-run labels-monday.db`
    """
    from prefloop.cli.console import make_progress
    from prefloop.store.upkeep.backup import back_up

    head = back_up(_place(folder), file, make_progress(), force=force)
    if as_json:
        print(json.dumps({"file": str(file), "events": head.n_events, "head": head.hash}))
        return
    print(f"{file} holds everything up to event {head.n_events}.")
    print(f"The head of its ledger is {head.hash}")
    print("Write it down elsewhere: `prefloop store verify RUN --head` finds any change before it.")


def restore(
    folder: RunFolder,
    file: Annotated[Path, typer.Argument(help="A backup.")],
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Replace the run's store with a backup; --force replaces one with newer answers, and keeps it.

    Example: `prefloop store restore my-run labels-monday.db`
    """
    from prefloop.cli.console import make_progress
    from prefloop.files import only_one_process
    from prefloop.store.upkeep.backup import restore as put_back

    _place(folder)
    with only_one_process(folder):
        place = _place(folder)
        n_events = put_back(file, place, make_progress(), force=force)
        _note_restored(folder)
    _print_events(n_events, file, f"The run's store is {file}, up to event {n_events}.", as_json)


def verify(
    folder: RunFolder,
    file: Annotated[
        Path | None, typer.Argument(help="A backup; without it, the run's own store.")
    ] = None,
    head: Annotated[
        str | None,
        typer.Option(
            help="An earlier head of the ledger, from a report, a card or a backup: without it, "
            "a chain that was computed again as a whole is not detected."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check a store or a backup: pages, foreign keys, ledger, and the rows that it covers.

    Example: `prefloop store verify my-run labels-monday.db`
    """
    from prefloop.cli.console import make_progress
    from prefloop.store.core.database_copy import readable
    from prefloop.store.upkeep.integrity import check_integrity

    with readable(file or _place(folder)) as place:
        found = check_integrity(place, make_progress(), known_head=head)
    if as_json:
        report = {
            "events": found.n_events,
            "head": found.end.hash if found.end else None,
            "events_of_head": found.n_known,
            "problems": list(found.problems),
            "without_hash": dict(found.n_without_hash),
        }
        print(json.dumps(report))
    else:
        _print_integrity(found)
    if found.problems:
        raise typer.Exit(2)


def _note_restored(folder: Path) -> None:
    """Write down that the run goes on from the backup, which may be older than what was made."""
    from prefloop.run_file import load_run_file
    from prefloop.run_history import RESTORED, last_record, record_stage
    from prefloop.run_store import store_place
    from prefloop.store.store import Store

    with Store.open(store_place(load_run_file(run_file(folder)), folder)) as store:
        head = store.ledger_head()
    before = last_record(folder)
    record_stage(
        folder,
        stage=RESTORED,
        round_number=before.round if before else 0,
        update=before.update if before else 0,
        events=head.n_events,
        head=head.hash,
    )


def _place(folder: Path) -> str | Path:
    from prefloop.run_file import load_run_file

    return load_run_file(run_file(folder)).store or folder / "prefloop.db"


def _as_written(folder: Path, place: str) -> str:
    """Return a place as the run's files name it: a path leads from the run folder, not from here.

    In the folder it is relative, so that the folder can be moved; elsewhere it is absolute.
    """
    from prefloop.store.upkeep.integrity import is_url

    if is_url(place):
        return place
    path, root = Path(place).resolve(), folder.resolve()
    return str(path.relative_to(root) if path.is_relative_to(root) else path)


def _use_from_now_on(folder: Path, place: str) -> None:
    """Name the store in the run's files, and leave every other line as it is."""
    from prefloop.files import write_atomically

    for path, text in _renamed(folder, place).items():
        write_atomically(path, text)


def _renamed(folder: Path, place: str) -> dict[Path, str]:
    """Return the text of each of the run's files as it names the store.

    InputError if a file is written in a way in which no line of it can be exchanged.
    """
    import yaml

    from prefloop.errors import InputError
    from prefloop.run_file import RunFileLoader

    line, texts = f"store: {json.dumps(place)}", {}
    for path in (run_file(folder), folder / "run.resolved.yaml"):
        if not path.is_file():
            continue
        text = path.read_text(encoding="utf-8-sig")
        changed, n_changed = re.subn(r"(?m)^store:.*$", lambda _: line, text)
        texts[path] = changed if n_changed else f"{line}\n{text}"
        try:
            is_named = yaml.load(texts[path], Loader=RunFileLoader)["store"] == place
        except (yaml.YAMLError, ValueError, TypeError, KeyError):
            is_named = False
        if not is_named:
            raise InputError(
                f"{path} is written so that no line of it can name the store. Write `{line}` as a "
                "line of its own there, and move the store again. Nothing was moved."
            )
    return texts


def _print_events(n_events: int, file: Path, message: str, as_json: bool) -> None:
    print(json.dumps({"file": str(file), "events": n_events}) if as_json else message)


def _print_integrity(found: "IntegrityReport") -> None:
    for problem in found.problems:
        print(f"bad  {problem}")
    counts = ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in found.n_rows.items() if n)
    print(f"{found.n_events} events in the ledger; {counts or 'no rows'}.")
    if found.n_without_hash:
        rows = ", ".join(f"{n} {name}" for name, n in found.n_without_hash.items())
        print(f"An earlier version stored {rows} without a hash: a change of these is not noticed.")
    if found.n_rewritten:
        print(f"{found.n_rewritten} events were rewritten when a person was renamed or erased: of")
        print("these the hashes are what they were, and the words as they were written then.")
    if found.n_known is not None and not found.problems:
        since = found.n_events - found.n_known
        print(f"Everything up to event {found.n_known}, the one with that head, is as it was then;")
        print(f"{since} {'event has' if since == 1 else 'events have'} come since.")
    if found.end is not None:
        print(f"The head of the ledger is {found.end.hash}")
    if not found.problems:
        print("The store is intact: pages, foreign keys, hash chain, rows with a hash in it, and")
        print("labels rebuilt from it.")
