"""The verb that serves the labeling page and the dashboard."""

import gc
import json
import sys
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from prefloop.cli.arguments import Overrides, RunFolder, run_file
from prefloop.text.printable import printable

if TYPE_CHECKING:
    import socket

    from prefloop.settings.run import RunConfig
    from prefloop.store.store import Store
    from prefloop.web.config import WebSettings

FIRST_PORT = 8765
PORTS_TRIED = 20
OWNER = "owner"
"""Name of the owner that the very first start makes."""


def serve(
    folder: RunFolder,
    overrides: Overrides = None,
    host: Annotated[
        str | None, typer.Option(help="Address to serve at; else comparisons.people.host.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port; else comparisons.people.port.")] = None,
    for_run: Annotated[
        bool, typer.Option("--for-run", help="Report to `prefloop run`, and end with it.")
    ] = False,
) -> None:
    """Serve the labeling page and the dashboard until ^C; the run goes on beside it, or elsewhere.

    Example: `prefloop serve my-run --port 9000`
    """
    from prefloop.cli.page import require_packages, the_only_server
    from prefloop.errors import PrefloopError
    from prefloop.run.waiting import publish
    from prefloop.run_file import load_run_file
    from prefloop.web.services.memory import use_one_heap

    use_one_heap()  # Before the server's threads start.
    config = load_run_file(run_file(folder), overrides or [])
    try:
        require_packages()
        settings = _settings(config, folder, host, port)
        if settings.is_read_only:
            with _looked_at(config, folder) as store:
                _serve(store, settings, folder, for_run=for_run)
            return
        with the_only_server(folder), _store(config, folder) as store:
            if not store.instructions.all():
                publish(store, config.task)
            _serve(store, settings, folder, for_run=for_run)
    except PrefloopError as error:
        if not for_run:
            raise
        _tell_run("problem", str(error))
        raise typer.Exit(2) from error


def _store(config: "RunConfig", folder: Path) -> "Store":
    from prefloop.run_store import open_run_store
    from prefloop.web.services.memory import PAGE_CACHE_KIB

    return open_run_store(config, folder, page_cache_kib=PAGE_CACHE_KIB)


def _looked_at(config: "RunConfig", folder: Path) -> "Store":
    """Return a copy of a store that can only be looked at; logins are kept in it.

    A database on a server does not lie in the folder: it takes logins itself.
    """
    from prefloop.errors import StoreError
    from prefloop.run_store import open_run_store, store_place
    from prefloop.store.store import Store
    from prefloop.store.upkeep.integrity import is_url

    place = store_place(config, folder)
    if is_url(place):
        return open_run_store(config, folder)
    if not Path(place).is_file():
        raise StoreError(f"{place}: there is no store here, and none can be made. Check the path.")
    return Store.open_thrown_away(Path(place))


def _serve(store: "Store", settings: "WebSettings", folder: Path, *, for_run: bool) -> None:
    from prefloop.cli.page import LOCK
    from prefloop.web.http.security import READ_ONLY
    from prefloop.web.serving import advice, make_server, require_password

    tell = _tell_run if for_run else _tell_user

    def ready(address: str) -> None:
        store.updates.set_address(address)
        if not settings.is_read_only:
            (folder / LOCK).write_text(address)
        tell("address", address)
        read_only = READ_ONLY.english if settings.is_read_only else None
        for sentence in (
            read_only,
            advice(settings),
            _invitation(store, folder, is_read_only=settings.is_read_only),
        ):
            if sentence:
                tell("say", sentence)

    require_password(store, settings)
    with _door(settings, folder) as door:
        server = make_server(store, settings, on_ready=ready)
        # What the program is made of stays. Looking through it again and again for garbage would
        # keep everybody waiting meanwhile.
        gc.collect()
        gc.freeze()
        if for_run:
            # The run holds the other end of standard input. When it dies, however it dies, that
            # end is closed.
            def end_with_run() -> None:
                sys.stdin.read()
                server.should_exit = True

            Thread(target=end_with_run, daemon=True).start()
        server.run(sockets=[door])
        store.updates.set_address("")


def _settings(
    config: "RunConfig", folder: Path, host: str | None, port: int | None
) -> "WebSettings":
    from prefloop.access import is_write_protected
    from prefloop.teamwork import ClaimPolicy
    from prefloop.web.config import WebSettings
    from prefloop.web.strings import read_strings, shipped_strings

    people = config.comparisons.people
    return WebSettings(
        is_read_only=is_write_protected(folder),
        host=host or people.host,
        port=(people.port or 0) if port is None else port,
        run_name=folder.resolve().name,
        origin=people.origin,
        certificate=None if people.certificate is None else Path(people.certificate),
        key=None if people.key is None else Path(people.key),
        claims=ClaimPolicy(
            lease_seconds=60 * people.lease_minutes,
            gold_share=people.gold_share,
            retest_share=people.retest_share,
            retest_after_seconds=60 * people.retest_after_minutes,
            training_items=people.training_items,
        ),
        pass_accuracy=people.pass_accuracy,
        asks_strength=people.strength,
        reasons=tuple(people.reasons),
        renders_markdown=config.comparisons.markdown,
        strings=shipped_strings()
        if config.comparisons.strings is None
        else read_strings(Path(config.comparisons.strings)),
        hourly_wage=config.report.hourly_wage,
        currency=config.report.currency,
    )


def _door(settings: "WebSettings", folder: Path) -> "socket.socket":
    """Return a listening socket: at the port that was asked for, or the last one, or a free one.

    Pages that are open on people's screens find the run again after a restart.
    """
    from dataclasses import replace

    from prefloop.cli.page import last_address
    from prefloop.errors import SettingsError
    from prefloop.web.serving import listening

    if settings.port:
        return listening(settings)
    last = urlsplit(last_address(folder) or "").port
    for port in (*([last] if last else []), *range(FIRST_PORT, FIRST_PORT + PORTS_TRIED)):
        try:
            return listening(replace(settings, port=port))
        except SettingsError:
            continue
    return listening(settings)


def _invitation(store: "Store", folder: Path, *, is_read_only: bool = False) -> str:
    """Make an owner if there is none, and return how they log in; their code is shown only now."""
    owners = [person for person in store.people.all() if person.role == "owner"]
    if owners and not is_read_only:
        return f"A code to log in with: prefloop team invite {folder} {owners[0].name}"
    # Where nothing can be written, `prefloop team invite` could not make one either.
    owner = owners[0] if owners else store.people.add(OWNER, "owner")
    code = store.access.invite(owner.id)
    return f"Log in with this code, which works once, as the run's owner:\n\n    {code}\n"


def _tell_user(kind: str, text: str) -> None:
    print(f"The run is served at {text}" if kind == "address" else printable(text), flush=True)


def _tell_run(kind: str, text: str) -> None:
    print(json.dumps({kind: text}), flush=True)
