"""Who may label, watch or own a run. All of it is on the owner's page as well."""

import getpass
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from prefloop.cli.arguments import AsJson, RunFolder, run_file
from prefloop.errors import InputError
from prefloop.text.printable import on_one_line

if TYPE_CHECKING:
    from prefloop.store.store import Store
    from prefloop.teamwork import Person

PersonName = Annotated[
    str, typer.Argument(help="The person's name; labels are signed with it. Pseudonyms are fine.")
]
Hours = Annotated[float, typer.Option(help="How many hours the code is valid.")]

VALID_HOURS = 72.0
LARGEST = 2**31 - 1
"""The largest number of a batch that any database takes."""


class RoleName(StrEnum):
    """The roles by name."""

    labeler = "labeler"
    viewer = "viewer"
    owner = "owner"


def add(
    folder: RunFolder,
    name: PersonName,
    role: Annotated[
        RoleName, typer.Option(help="labeler (answers), viewer (may only look) or owner.")
    ] = RoleName.labeler,
    hours: Hours = VALID_HOURS,
    as_json: AsJson = False,
) -> None:
    """Let somebody in, and print the code with which they log in the first time.

    Example: `prefloop team add my-run ann`
    """
    with _store(folder) as store:
        person = store.people.add(name, role.value)
        code = store.access.invite(person.id, hours)
        _tell_code(store, person.name, code, hours, as_json)


def invite(
    folder: RunFolder, name: PersonName, hours: Hours = VALID_HOURS, as_json: AsJson = False
) -> None:
    """Print a new code with which somebody logs in once, for another browser or a lost code.

    Example: `prefloop team invite my-run ann`
    """
    with _store(folder) as store:
        code = store.access.invite(_person(store, name).id, hours)
        _tell_code(store, name, code, hours, as_json)


def password(folder: RunFolder, name: PersonName) -> None:
    """Set somebody's password; it is asked for, or read from standard input.

    Example: `prefloop team password my-run owner`
    """
    with _store(folder) as store:
        person = _person(store, name)
        store.people.set_password(person.id, _asked_password())
    print(f"{name} may log in with name and password from now on.")


def token(
    folder: RunFolder,
    name: PersonName,
    purpose: Annotated[str, typer.Argument(help="What the token is for.")],
    as_json: AsJson = False,
) -> None:
    """Print a new token with which a program labels as somebody.

    Example: `prefloop team token my-run ann import-script`
    """
    with _store(folder) as store:
        token_id, secret = store.access.new_token(_person(store, name).id, purpose)
    if as_json:
        print(json.dumps({"id": token_id, "token": secret}))
        return
    print(f"{secret}\nThis is the only time it is shown. Send it as `Authorization: Bearer ...`.")


def disable(folder: RunFolder, name: PersonName) -> None:
    """Lock somebody out at once; what they answered stays.

    Example: `prefloop team disable my-run ann`
    """
    with _store(folder) as store:
        store.people.disable(_person(store, name).id)
    print(f"{name} is locked out. Their answers stay.")


def enable(folder: RunFolder, name: PersonName) -> None:
    """Let somebody in again who was locked out; they need a new code or their password.

    Example: `prefloop team enable my-run ann`
    """
    with _store(folder) as store:
        store.people.enable(_person(store, name).id)
    print(f"{name} may log in again. A new code: prefloop team invite {folder} {name}")


def assign(
    folder: RunFolder,
    shares: Annotated[
        list[str] | None,
        typer.Argument(
            help="Names, each alone or with a share of the answers, as ann=0.5. With shares, what "
            "is left is for all others; with names alone, nobody else is asked. No name: whoever "
            "is free."
        ),
    ] = None,
    batch: Annotated[
        int | None,
        typer.Option(
            min=-LARGEST,
            max=LARGEST,
            help="The round of the batch, or -1, -2, ... for verdicts. Left out: the newest.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say who is given the questions of a batch that is open.

    Example: `prefloop team assign my-run ann=0.5 ben=0.3`
    """
    from prefloop.figures.text import shares_text

    with _store(folder) as store:
        open_ones = [each.round for each in store.queue.batches() if each.frozen_at is None]
        if batch is None and not open_ones:
            raise InputError("No batch is open: nothing is asked now. Start the run first.")
        number = open_ones[-1] if batch is None else batch
        given = store.batch_shares.read(shares or [])
        store.batch_shares.assign(number, given, "the terminal")
        found = store.batch_shares.of(number)
        title = next(each.title for each in store.queue.batches() if each.round == number)
    if as_json:
        print(json.dumps({"batch": number, "shares": found}))
        return
    print(f"The questions of {title} are for {shares_text(found)}.")


def rename(
    folder: RunFolder,
    name: PersonName,
    new_name: Annotated[str, typer.Argument(help="The name from now on, on all answers too.")],
) -> None:
    """Change somebody's name, in the list of people and on everything that is signed with it.

    Example: `prefloop team rename my-run ann anna`
    """
    with _store(folder) as store:
        person = store.people.rename(_person(store, name).id, new_name)
    print(f"{name} is called {person.name} now.")


def erase(folder: RunFolder, name: PersonName) -> None:
    """Take somebody's name, notes and reasons out of the store for good; the answers stay.

    Example: `prefloop team erase my-run ann`
    """
    with _store(folder) as store:
        person = store.people.erase(_person(store, name).id)
    print(f"{name} is erased; the answers are signed {person.name}.")
    print("Backups, exports and reports from before hold the name still: delete them.")


def list_people(folder: RunFolder, as_json: AsJson = False) -> None:
    """Print the people, their roles, open codes, and how many questions they answered.

    Example: `prefloop team list my-run`
    """
    with _store(folder, read_only=True) as store:
        codes = store.access.open_codes()
        rows = [
            {
                "name": person.name,
                "role": person.role,
                "is_disabled": person.disabled_at is not None,
                "has_open_code": person.id in codes,
                "answers": store.own_answers.progress(person.name)["answered"],
            }
            for person in store.people.all()
        ]
    if as_json:
        print(json.dumps(rows))
        return
    for row in rows:
        locked = ", locked out" if row["is_disabled"] else ""
        code = ", a code is open" if row["has_open_code"] else ""
        name = on_one_line(row["name"])
        print(f"{name}: {row['role']}{locked}{code}, {row['answers']} answers")
    if not rows:
        print(f"Nobody yet. Let somebody in: prefloop team add {folder} ann")


@contextmanager
def _store(folder: Path, *, read_only: bool = False) -> "Iterator[Store]":
    from prefloop.run_file import load_run_file
    from prefloop.run_store import open_run_store

    config = load_run_file(run_file(folder))
    place = config.store or folder / "prefloop.db"
    is_there = "://" in str(place) or Path(place).exists()
    with open_run_store(config, folder, read_only=read_only and is_there) as store:
        yield store


def _person(store: "Store", name: str) -> "Person":
    person = store.people.by_name(name)
    if person is None:
        known = ", ".join(p.name for p in store.people.all()) or "nobody yet"
        raise InputError(f"There is nobody called {name!r}. There are: {known}.")
    return person


def _tell_code(store: "Store", name: str, code: str, hours: float, as_json: bool) -> None:
    from prefloop.figures.text import plain

    state = store.updates.state()
    address = state.address if state else ""
    # Browsers send nothing after the "#", so no log of a server or proxy gets the code.
    link = f"{address}/login#code={code}" if address else ""
    if as_json:
        shown = {"name": name, "code": code, "hours": hours, "address": address, "link": link}
        print(json.dumps(shown))
        return
    where = f" at {address}" if address else ""
    print(f"{name} logs in{where} with the code\n\n    {code}\n")
    if link:
        print(f"or by the link\n\n    {link}\n")
    print(f"It works once, within {plain(hours)} hours. Tell it to nobody else.")


def _asked_password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass("New password: ")
    if first != getpass.getpass("Once more: "):
        raise InputError("The two passwords differ. Nothing was changed; try again.")
    return first
