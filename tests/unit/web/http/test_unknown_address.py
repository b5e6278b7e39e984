"""Behind a proxy that the settings do not name, the owner is told what to set, once and safely."""

import logging
from pathlib import Path

import pytest
from starlette.datastructures import Headers

from prefloop.web.config import WebSettings
from prefloop.web.http.unknown_address import MOST_TOLD, public_address
from tests.unit.web.desk import Desk, desk_over, open_store

PUBLIC = "https://label.example.org"
PROXIES = {
    "passes the public name on": {"host": "label.example.org"},
    "says the name beside its own": {
        "host": "127.0.0.1.internal",
        "x-forwarded-host": "label.example.org",
    },
    "keeps the server's own name": {"host": "127.0.0.1:8765", "origin": PUBLIC},
}


@pytest.fixture
def desk(sqlite_path: Path) -> Desk:
    return desk_over(open_store(sqlite_path.parent))


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the owner's terminal says: warnings and worse."""
    return [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]


def log_in(desk: Desk, headers: dict[str, str]) -> tuple[int, str]:
    """Try to log in through a proxy; return the status and what the person reads."""
    answer = desk.browser().post("/api/session", json={"code": "x"}, headers=headers)
    return answer.status_code, answer.json()["error"]["message"]


@pytest.mark.parametrize("headers", PROXIES.values(), ids=PROXIES)
def test_the_owner_is_told_once_and_the_person_whom_to_ask(
    desk: Desk, headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    browser = desk.browser()
    browser.headers["origin"] = PUBLIC
    for _ in range(3):
        answer = browser.post("/api/session", json={"code": "x"}, headers=headers)
        assert answer.status_code in (400, 403)
        assert "ask the owner" in answer.json()["error"]["message"]
    [sentence] = told(caplog)
    assert f"Somebody came by {PUBLIC}; if that is your proxy, set" in sentence
    assert "set comparisons.people.origin to it" in sentence


def test_a_page_that_is_refused_says_so_too(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    page = desk.browser().get("/", headers={"host": "label.example.org:8443", "origin": ""})
    assert page.status_code == 400 and "ask the owner" in page.text
    assert "Somebody came by https://label.example.org:8443;" in told(caplog)[0]


def test_another_address_than_the_one_that_was_set_is_told_with_it(
    sqlite_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = WebSettings(origin="https://old.example.org")
    desk = desk_over(open_store(sqlite_path.parent), settings)
    assert log_in(desk, {"host": "label.example.org", "origin": PUBLIC})[0] == 400
    assert "It is https://old.example.org now." in told(caplog)[0]
    caplog.clear()
    own = {"host": "old.example.org", "origin": "https://old.example.org"}
    assert log_in(desk, own)[0] == 401, "only the code is wrong"
    assert "origin" not in " ".join(told(caplog))


@pytest.mark.parametrize(
    "host",
    [
        *("", "-", "a b", "label.example.org/\x1b[2J", "x" * 300, "[::1", "a:b", "a:999999"),
        *("label.example.org\r\nset", "<script>", "%s%s", "name@label.example.org"),
        *("[:::::]", "[1.1]", "[:::]:80"),
    ],
)
def test_no_text_of_a_stranger_reaches_the_terminal(host: str) -> None:
    for headers in ({"host": host}, {"host": "", "origin": f"https://{host}"}):
        raw = [(k.encode(), v.encode("latin-1")) for k, v in headers.items()]
        assert public_address(Headers(raw=raw)) is None


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost", "[::1]:8765"])
def test_the_server_itself_is_no_proxy(host: str) -> None:
    assert public_address(Headers({"host": host, "sec-fetch-site": "cross-site"})) is None


@pytest.mark.parametrize(
    ("headers", "address"),
    [
        ({"host": "Label.Example.org"}, PUBLIC),
        ({"host": "label.example.org", "x-forwarded-proto": "http"}, "http://label.example.org"),
        ({"host": "label.example.org", "x-forwarded-proto": "ftp"}, PUBLIC),
        ({"host": "[2001:db8::1]:80"}, "https://[2001:db8::1]:80"),
        ({"host": "127.0.0.1", "origin": "http://lab:8080"}, "http://lab:8080"),
        ({"host": "lab", "origin": "null"}, "https://lab"),
        ({"host": "label.example.org", "origin": "http://127.0.0.1:8765"}, PUBLIC),
        ({"host": "127.0.0.1:8765", "origin": "http://localhost:80"}, "http://localhost:80"),
    ],
)
def test_plain_addresses_are_read(headers: dict[str, str], address: str) -> None:
    assert public_address(Headers(headers)) == address


def test_whoever_makes_names_up_fills_no_log(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(3 * MOST_TOLD):
        desk.browser().get("/login", headers={"host": f"name-{number}.example.org", "origin": ""})
    assert len(told(caplog)) == MOST_TOLD
