"""The verbs about people: who may log in, and where the page is."""

import io
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from prefloop.cli import running, serving
from prefloop.cli.page import _Keeper, _message, last_address, served_at, the_only_server
from prefloop.errors import InputError
from prefloop.progress import Silent
from prefloop.run_file import parse_run
from prefloop.store.store import Store
from prefloop.web.config import WebSettings
from tests.e2e.command import Command
from tests.unit.run.doubles import RecordedProgress


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run folder whose store is empty."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "run.yaml").write_text(yaml.safe_dump({"comparisons": {"labelers": "people"}}))
    return folder


@pytest.fixture
def store(run: Path) -> Iterator[Store]:
    """The run's store."""
    with Store.open(run / "prefloop.db") as opened:
        yield opened


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_a_network_is_not_served_without_an_owners_password(
    prefloop: Command, run: Path, store: Store, host: str
) -> None:
    told = prefloop.refused("serve", run, "--host", host)
    assert "no owner has a password yet" in told and "prefloop team password" in told
    assert store.updates.state() is None, "nobody was told an address"
    olga = store.people.add("olga", "owner")
    store.people.set_password(olga.id, "correct horse battery")
    told = prefloop.refused("serve", run, "--host", "192.0.2.1", "--port", "1")
    assert "cannot be used" in told, "with a password it is tried"


def test_somebody_is_let_in_with_a_code_that_works_once(
    prefloop: Command, run: Path, store: Store
) -> None:
    told = prefloop.done("team", "add", run, "ann", "--json").json()
    entered = store.access.log_in_with_code(told["code"].lower().replace("-", " "))
    assert entered is not None and entered[1].person.role == "labeler"
    assert store.access.log_in_with_code(told["code"]) is None
    store.updates.set_address("http://127.0.0.1:8765")
    shown = prefloop.done("team", "invite", run, "ann", "--hours", 1).out
    assert "ann logs in at http://127.0.0.1:8765 with the code" in shown
    assert "within 1 hours" in shown
    [link] = [line.strip() for line in shown.splitlines() if "/login#code=" in line]
    assert link.startswith("http://127.0.0.1:8765/login#code=")
    assert store.access.log_in_with_code(link.partition("#code=")[2]) is not None
    again = prefloop.done("team", "invite", run, "ann", "--json").json()
    assert again["link"] == f"http://127.0.0.1:8765/login#code={again['code']}"


def test_somebody_is_renamed_and_erased(prefloop: Command, run: Path, store: Store) -> None:
    prefloop.done("team", "add", run, "ann")
    told = prefloop.done("team", "rename", run, "ann", "Anna").out
    assert told == "ann is called Anna now.\n"
    told = prefloop.done("team", "erase", run, "Anna").out
    [person] = [p for p in store.people.all() if p.name.startswith("erased-")]
    assert f"the answers are signed {person.name}" in told
    assert "The store is intact" in prefloop.done("store", "verify", run).out


def test_roles_and_the_list(prefloop: Command, run: Path) -> None:
    assert "Nobody yet" in prefloop.done("team", "list", run).out
    prefloop.done("team", "add", run, "olga", "--role", "owner")
    prefloop.done("team", "add", run, "vera", "--role", "viewer")
    prefloop.done("team", "disable", run, "vera")
    assert prefloop.done("team", "list", run, "--json").json() == [
        {
            "name": "olga",
            "role": "owner",
            "is_disabled": False,
            "has_open_code": True,
            "answers": 0,
        },
        {
            "name": "vera",
            "role": "viewer",
            "is_disabled": True,
            "has_open_code": False,
            "answers": 0,
        },
    ]
    assert "olga: owner, a code is open, 0 answers" in prefloop.done("team", "list", run).out
    assert "vera: viewer, locked out, 0 answers" in prefloop.done("team", "list", run).out
    assert "prefloop team invite" in prefloop.done("team", "enable", run, "vera").out
    assert "locked out" not in prefloop.done("team", "list", run).out


def test_a_password_comes_from_standard_input(
    prefloop: Command, run: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefloop.done("team", "add", run, "olga", "--role", "owner")
    monkeypatch.setattr("sys.stdin", io.StringIO("a long enough one\n"))
    prefloop.done("team", "password", run, "olga")
    assert store.access.log_in_with_password("olga", "a long enough one") is not None
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    assert "8" in prefloop.refused("team", "password", run, "olga")


def test_a_program_gets_a_token(prefloop: Command, run: Path, store: Store) -> None:
    prefloop.done("team", "add", run, "ann")
    token = prefloop.done("team", "token", run, "ann", "a script", "--json").json()["token"]
    person = store.access.by_token(token)
    assert person is not None and person.name == "ann"
    assert "only time" in prefloop.done("team", "token", run, "ann", "another").out


@pytest.mark.parametrize("verb", ["invite", "password", "disable", "enable"])
def test_somebody_unknown_is_told_with_those_there_are(
    prefloop: Command, run: Path, verb: str
) -> None:
    assert "There are: nobody yet" in prefloop.refused("team", verb, run, "ann")
    prefloop.done("team", "add", run, "ben")
    assert "nobody called 'ann'. There are: ben" in prefloop.refused("team", verb, run, "ann")


def test_the_very_first_start_makes_an_owner_and_tells_a_code(run: Path, store: Store) -> None:
    told = serving._invitation(store, run)
    code = told.split()[-1]
    entered = store.access.log_in_with_code(code)
    assert entered is not None and entered[1].person.role == "owner"
    assert "prefloop team invite" in serving._invitation(store, run)
    assert len(store.people.all()) == 1


def test_one_process_serves_a_folder(prefloop: Command, run: Path) -> None:
    assert served_at(run) is None and last_address(run) is None
    with the_only_server(run):
        assert served_at(run) == ""
        (run / "serve.lock").write_text("http://127.0.0.1:8770")
        assert served_at(run) == "http://127.0.0.1:8770"
        assert "is served already, at http://127.0.0.1:8770" in prefloop.refused("serve", run)
        with pytest.raises(InputError), the_only_server(run):
            pass
    assert served_at(run) is None
    assert last_address(run) == "http://127.0.0.1:8770"


def test_a_page_comes_back_at_its_last_port_or_at_another(run: Path) -> None:
    with serving._door(WebSettings(), run) as first:
        port = first.getsockname()[1]
        (run / "serve.lock").write_text(f"http://127.0.0.1:{port}")
        with serving._door(WebSettings(), run) as second:
            assert second.getsockname()[1] != port
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        own = free.getsockname()[1]
    (run / "serve.lock").write_text(f"http://127.0.0.1:{own}")
    with serving._door(WebSettings(), run) as door:
        assert door.getsockname()[1] == own


def test_settings_reach_the_page(run: Path) -> None:
    people = {"lease_minutes": 2.0, "retest_after_minutes": 5.0, "confidence": True, "port": 9000}
    raw = {"comparisons": {"people": people}, "report": {"hourly_wage": 20.0, "currency": "EUR"}}
    settings = serving._settings(parse_run(raw, "run.yaml"), run, None, None)
    assert (settings.claims.lease_seconds, settings.claims.retest_after_seconds) == (120.0, 300.0)
    assert settings.asks_strength and settings.port == 9000 and settings.run_name == "run"
    assert (settings.hourly_wage, settings.currency) == (20.0, "EUR")
    other = serving._settings(parse_run(raw, "run.yaml"), run, "::1", 0)
    assert (other.host, other.port) == ("::1", 0)


@pytest.mark.parametrize(
    ("comparisons", "until", "is_served"),
    [
        ({"labelers": "people"}, None, True),
        ({"labelers": "people"}, "comparisons", True),
        ({"labelers": "people"}, "samples", False),
        ({"labelers": "people", "people": {"serve": False}}, None, False),
        ({"labelers": "synthetic"}, None, False),
    ],
)
def test_a_run_serves_the_page_only_if_people_are_asked_here(
    run: Path,
    monkeypatch: pytest.MonkeyPatch,
    comparisons: dict[str, object],
    until: str | None,
    is_served: bool,
) -> None:
    served: list[Path] = []
    monkeypatch.setattr("prefloop.cli.page._Keeper.start", lambda self: served.append(self.folder))
    monkeypatch.setattr("prefloop.cli.page._Keeper.end", lambda self: None)
    config = parse_run({"comparisons": comparisons}, "run.yaml")
    with running._page(config, run, [], Silent(), until):
        assert served == ([run] if is_served else [])


@pytest.mark.parametrize(
    ("is_terminal", "display", "wants", "is_opened"),
    [
        (True, ":0", True, True),
        (True, "", True, False),
        (False, ":0", True, False),
        (True, ":0", False, False),
    ],
)
def test_a_browser_opens_only_for_somebody_at_a_screen(
    run: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_terminal: bool,
    display: str,
    wants: bool,
    is_opened: bool,
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("prefloop.cli.page.webbrowser.open", opened.append)
    monkeypatch.setattr("prefloop.cli.page.sys.stdout", io.StringIO())
    monkeypatch.setattr("prefloop.cli.page.sys.stdout.isatty", lambda: is_terminal)
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    keeper = _Keeper(run, [], Silent(), opens_browser=wants)
    for _ in range(2):
        keeper.tell({"address": "http://127.0.0.1:8765"})
    assert opened == (["http://127.0.0.1:8765"] if is_opened else [])


def test_a_problem_of_the_page_is_told_once(run: Path) -> None:
    progress = RecordedProgress()
    said = progress.said
    keeper = _Keeper(run, [], progress, opens_browser=False)
    for line in ('{"problem": "Port 80 cannot be used."}\n',) * 2:
        keeper.tell(_message(line))
    assert said == ["Port 80 cannot be used.\nUntil that is mended there is no labeling page."]
    keeper.tell(_message("a library says hello\n"))
    assert said[1:] == ["a library says hello"]


def test_the_page_of_a_run_tells_its_problem_as_a_message(
    prefloop: Command, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with the_only_server(run):
        told = prefloop("serve", run, "--for-run")
    assert told.code == 2
    assert "is served already" in told.json()["problem"]


def test_a_new_run_may_ask_people(prefloop: Command, tmp_path: Path) -> None:
    prefloop.done("init", tmp_path / "new", "--labelers", "people")
    assert "labelers: people" in (tmp_path / "new" / "run.yaml").read_text()


def test_a_batch_is_given_to_people_and_shares(prefloop: Command, run: Path, store: Store) -> None:
    for name in ("ann", "ben", "a=b"):
        store.people.add(name, "labeler")
    assert "No batch is open" in prefloop.refused("team", "assign", run, "ann")
    store.queue.open_batch(0, [])
    store.queue.open_batch(1, [])
    told = prefloop.done("team", "assign", run, "ann=0.5", "ben=0.25").out
    assert "round 1 are for ann (50 %), ben (25 %) and whoever is free (the rest)." in told
    assert store.batch_shares.of(1) == {"ann": 0.5, "ben": 0.25}
    told = prefloop.done("team", "assign", run, "--batch", 0, "ann", "a=b", "--json").json()
    assert told == {"batch": 0, "shares": {"a=b": None, "ann": None}}
    assert "whoever is free." in prefloop.done("team", "assign", run).out
    assert store.batch_shares.of(1) == {}
    assert "nobody called 'eve'" in prefloop.refused("team", "assign", run, "eve")
    assert "'half' is no number" in prefloop.refused("team", "assign", run, "ann=half")
    assert "ann stands there twice" in prefloop.refused("team", "assign", run, "ann", "ann=1")
