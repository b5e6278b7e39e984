"""What is refused before any route is asked, and what every answer carries."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.types import Message

from prefloop.label_types.types import TYPES
from prefloop.web.config import REQUEST_BYTES, WebSettings, is_loopback
from prefloop.web.http.templating import STATIC
from tests import own_loop
from tests.unit.web.desk import HOME, Desk, desk_over, make_desk, open_store


@pytest.fixture(scope="module")
def desk(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One desk for all: what is refused at the door leaves nothing behind."""
    folder = tmp_path_factory.mktemp("door")
    shutil.copy(filled, folder / "prefloop.db")
    with open_store(folder) as store:
        made = desk_over(store)
        yield made
        made.app.state.services.close()


PAGES = ("/login", "/label", "/instructions", "/mine", "/nowhere")


@pytest.mark.parametrize("path", [*PAGES, "/api/me", "/api/nowhere", "/healthz"])
def test_every_answer_carries_the_headers_that_protect(desk: Desk, path: str) -> None:
    for client in (desk.browser(), desk.browser("ann")):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        for part in ("default-src 'self'", "object-src 'none'", "base-uri 'none'"):
            assert part in policy
        assert "frame-ancestors 'none'" in policy and "form-action 'self'" in policy
        assert "unsafe" not in policy and "data:" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"
        assert "server" not in headers and "access-control-allow-origin" not in headers


def test_pages_hold_nothing_inline_and_nothing_from_elsewhere(desk: Desk) -> None:
    ann = desk.browser("ann")
    for path in PAGES:
        text = ann.get(path).text
        for forbidden in (" style=", "<style", " onclick", " onload", "javascript:", "//cdn"):
            assert forbidden not in text, path
        assert "<script>" not in text, path
        assert 'src="http' not in text and 'href="http' not in text, path


def test_static_files_may_be_kept_if_their_name_says_what_is_in_them(desk: Desk) -> None:
    browser = desk.browser()
    assert browser.get("/static/icon.svg").headers["cache-control"] == "no-cache"
    named = browser.get("/static/icon.svg?v=1").headers["cache-control"]
    assert "immutable" in named


def test_scripts_of_label_types_are_served_beside_the_static_files(desk: Desk) -> None:
    """They lie elsewhere, so their address has to be asked before the files."""
    for path in ("icon.svg", *(f"label_types/{name}/widget.js" for name in TYPES)):
        found = desk.browser().get(f"/static/{path}")
        assert found.status_code == 200, path
        assert found.headers["x-content-type-options"] == "nosniff", path
        assert "default-src 'self'" in found.headers["content-security-policy"], path


def test_static_files_alone_are_packed(desk: Desk) -> None:
    packed = {"accept-encoding": "gzip"}
    script = desk.browser().get("/static/labeling/card.js", headers=packed)
    assert script.headers["content-encoding"] == "gzip"
    assert script.headers["vary"] == "Accept-Encoding"
    page = desk.browser("ann").get("/label", headers=packed)
    assert page.status_code == 200 and "content-encoding" not in page.headers


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/..%2fapp.py",
        "/static/%2e%2e/app.py",
        "/static/%2e%2e%2f%2e%2e%2fstore/store.py",
        "/static/....//app.py",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/..\\app.py",
        "/static/icon.svg%00.py",
        "/static/",
        "/static",
    ],
)
def test_no_path_leads_out_of_the_static_files(desk: Desk, path: str) -> None:
    answer = desk.browser().get(path)
    assert answer.status_code in (400, 404)
    assert "import" not in answer.text and "root:" not in answer.text


def test_a_link_among_the_static_files_leads_nowhere(desk: Desk, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret", encoding="utf-8")
    link = STATIC / "link-of-a-test.txt"
    link.symlink_to(secret)
    try:
        assert desk.browser().get("/static/link-of-a-test.txt").status_code == 404
    finally:
        link.unlink()


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8765", "127.0.0.1.evil.example", ""]
)
def test_a_strangers_name_for_this_machine_finds_the_door_closed(desk: Desk, host: str) -> None:
    answer = desk.browser().get("/api/me", headers={"host": host})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "wrong_host")


@pytest.mark.parametrize("host", ["[:::::]", "[1.1]", "[:::]:80"])
def test_an_address_that_is_none_is_refused_in_words(desk: Desk, host: str) -> None:
    browser = desk.browser()
    assert browser.get("/api/me", headers={"host": host}).status_code == 400
    for headers in ({"origin": f"http://{host}"}, {"host": host, "origin": f"http://{host}"}):
        assert browser.post("/api/session", json={}, headers=headers).status_code in (400, 403)


@pytest.mark.parametrize("host", ["[:::::]", "[1.1]"])
def test_a_server_that_takes_any_name_takes_none_that_cannot_be(tmp_path: Path, host: str) -> None:
    with open_store(tmp_path) as store:
        desk = desk_over(store, WebSettings(host="0.0.0.0"))
        headers = {"host": host, "origin": f"http://{host}"}
        for path in ("/healthz", "/api/me", "/login", "/label"):
            assert desk.browser().get(path, headers=headers).status_code < 500
        assert desk.browser().post("/api/session", json={}, headers=headers).status_code < 500
        desk.app.state.services.close()


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1:1", "[::1]:1", "localhost"])
def test_this_machines_own_names_are_answered(desk: Desk, host: str) -> None:
    assert desk.browser().get("/healthz", headers={"host": host}).status_code == 200


def test_a_public_address_is_the_only_one_beside_this_machines_own(tmp_path: Path) -> None:
    settings = WebSettings(host="0.0.0.0", origin="https://label.example.org")
    with open_store(tmp_path) as store:
        desk = make_desk(store, settings=settings)
        browser = desk.browser()
        del browser.headers["origin"]
        for host, expected in {"label.example.org": 200, "other.example.org": 400}.items():
            assert browser.get("/healthz", headers={"host": host}).status_code == expected
        own = {"host": "label.example.org", "origin": "https://label.example.org"}
        assert browser.post("/api/session", json={"code": "x"}, headers=own).status_code == 401
        forged = own | {"origin": "http://label.example.org"}
        assert browser.post("/api/session", json={"code": "x"}, headers=forged).status_code == 403
        desk.app.state.services.close()


def test_the_longest_body_is_a_mebibyte(desk: Desk) -> None:
    ann = desk.browser("ann")
    fits = b'{"reason": "' + b"x" * (REQUEST_BYTES - 14) + b'"}'
    json = {"content-type": "application/json"}
    assert len(fits) == REQUEST_BYTES
    assert ann.post("/api/cord", content=fits, headers=json).status_code == 422
    answer = ann.post("/api/cord", content=fits + b" ", headers=json)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


def test_a_body_that_does_not_say_how_long_it_is_is_counted(desk: Desk) -> None:
    ann = desk.browser("ann")
    request = ann.build_request("POST", "/api/cord", json={})
    headers = [(k.lower(), v) for k, v in request.headers.raw if k.lower() != b"content-length"]
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": "/api/cord",
        "raw_path": b"/api/cord",
        "query_string": b"",
        "headers": [*headers, (b"transfer-encoding", b"chunked")],
        "scheme": "http",
        "client": ("127.0.0.1", 1),
    }
    answers: list[Message] = []
    n_read = 0

    async def receive() -> Message:
        nonlocal n_read
        n_read += 1
        return {"type": "http.request", "body": b" " * (1 << 16), "more_body": True}

    async def send(message: Message) -> None:
        answers.append(message)

    own_loop.run(desk.app(scope, receive, send))
    assert answers[0]["status"] == 413
    assert n_read <= REQUEST_BYTES // (1 << 16) + 1, "it was read on and on"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_only_json_is_taken(desk: Desk, kind: str) -> None:
    headers = {"content-type": kind} if kind else {}
    answer = desk.browser("ann").post("/api/cord", content=b'{"reason": "x"}', headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "not_json")


@pytest.mark.parametrize(
    "body",
    [b"{", b"[" * 100_000, b'{"reason": ' + b"9" * 5000 + b"}", b"\xff\xfe", b'"\\ud800"', b"null"],
)
def test_json_that_cannot_be_read_is_refused(desk: Desk, body: bytes) -> None:
    ann = desk.browser("ann")
    answer = ann.post("/api/cord", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost"])
def test_these_are_this_very_machine(address: str) -> None:
    assert is_loopback(address)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "", "192.168.1.5", "localhost.evil.example"])
def test_these_are_not(address: str) -> None:
    assert not is_loopback(address)


def test_an_origin_is_needed_from_a_browser_only(desk: Desk) -> None:
    ann = desk.browser("ann")
    del ann.headers["origin"]
    assert ann.post("/api/cord", json={"reason": "x"}).status_code == 200
    for headers in (
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": HOME.replace("8765", "9999")},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
    ):
        answer = ann.post("/api/cord", json={"reason": "x"}, headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forged"), headers


def test_no_form_puts_what_was_typed_into_an_address(desk: Desk) -> None:
    forms = re.findall(r"<form[^>]*>", desk.browser().get("/login").text)
    assert forms and all('method="post"' in form for form in forms)
    typed = {"code": "SECRET"}
    assert desk.browser().post("/login", data=typed).status_code == 415
