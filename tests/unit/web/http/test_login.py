"""Getting in, staying in, and getting out."""

import logging
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from prefloop.teamwork import Session
from prefloop.web.config import WebSettings
from prefloop.web.services.callers import CACHE_SECONDS, Callers
from prefloop.web.services.rate_limits import LoginLimits
from tests import own_loop
from tests.clock_for_tests import HOUR_SECONDS, MovableClock
from tests.unit.web.desk import PASSWORD, WORK_ONLY, Desk, make_desk, open_store
from tests.unit.web.services.test_rate_limits import Clock

COOKIE = "prefloop_session"


def refusal(answer: object) -> tuple[int, str]:
    """Return a refusal's status and code."""
    return answer.status_code, answer.json()["error"]["code"]  # type: ignore[attr-defined]


def test_a_code_lets_in_once(desk: Desk) -> None:
    code = desk.store.access.invite(desk.people["ann"])
    browser = desk.browser()
    entered = browser.post("/api/session", json={"code": code})
    assert entered.json()["person"] == {"name": "ann", "role": "labeler"}
    assert browser.get("/api/me").json()["name"] == "ann"
    again = desk.browser().post("/api/session", json={"code": code})
    assert refusal(again) == (401, "wrong")


def test_a_code_may_be_typed_carelessly(desk: Desk) -> None:
    code = desk.store.access.invite(desk.people["ann"])
    typed = f"  {code.lower().replace('-', ' ')} "
    assert desk.browser().post("/api/session", json={"code": typed}).status_code == 200


def test_wrong_used_and_expired_codes_look_alike(desk: Desk) -> None:
    used = desk.store.access.invite(desk.people["ann"])
    desk.browser().enter(used)
    expired = desk.store.access.invite(desk.people["ann"], valid_hours=1e-9)
    told = {
        desk.browser(host=f"10.0.0.{n}").post("/api/session", json=body).text
        for n, body in enumerate(
            [
                {"code": "AAAA-BBBB-CCCC"},
                {"code": used},
                {"code": expired},
                {"name": "nobody", "password": PASSWORD},
                {"name": "ann", "password": PASSWORD},
            ]
        )
    }
    assert len(told) == 1


def test_a_password_lets_in_as_often_as_one_likes(desk: Desk) -> None:
    desk.store.people.set_password(desk.people["olga"], PASSWORD)
    for _ in range(2):
        answer = desk.browser().post("/api/session", json={"name": "olga", "password": PASSWORD})
        assert answer.json()["person"]["role"] == "owner"
    wrong = desk.browser().post("/api/session", json={"name": "olga", "password": PASSWORD + "x"})
    assert refusal(wrong) == (401, "wrong")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"code": "x", "name": "ann", "password": "y"},
        {"name": "ann"},
        {"code": 7},
        {"code": None},
        {"code": "x", "role": "owner"},
        {"code": "x" * 201},
        {"code": "\0"},
        [],
        "x",
    ],
)
def test_a_login_is_one_thing_or_the_other(desk: Desk, body: object) -> None:
    answer = desk.browser().post("/api/session", json=body)
    assert refusal(answer) == (422, "invalid")


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(desk: Desk) -> None:
    code = desk.store.access.invite(desk.people["ann"])
    cookie = desk.browser().post("/api/session", json={"code": code}).headers["set-cookie"]
    flags = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"httponly", "samesite=strict", "path=/"} <= flags
    assert cookie.startswith(f"{COOKIE}=") and "secure" not in flags, "loopback has no TLS"
    assert not any(flag.startswith("domain") for flag in flags)
    secret = cookie.split(";")[0].split("=", 1)[1]
    assert len(secret) >= 22, "128 bits in base64"


def test_beyond_this_machine_the_cookie_travels_over_tls_only(tmp_path: Path) -> None:
    settings = WebSettings(host="0.0.0.0", origin="https://label.example.org", claims=WORK_ONLY)
    with open_store(tmp_path) as store:
        desk = make_desk(store, settings=settings)
        home = "https://label.example.org"
        browser = TestClient(desk.app, base_url=home, headers={"origin": home})
        code = store.access.invite(desk.people["ann"])
        cookie = browser.post("/api/session", json={"code": code}).headers["set-cookie"]
        assert cookie.startswith(f"__Host-{COOKIE}=") and "; Secure" in cookie
        answer = browser.get("/api/me")
        assert answer.status_code == 200
        assert "max-age" in answer.headers["strict-transport-security"]
        desk.app.state.services.close()


def test_a_page_without_tls_says_so_before_it_uses_up_the_code(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        desk = make_desk(store, settings=WebSettings(host="0.0.0.0"))
        home = "http://192.168.1.5:8765"
        browser = TestClient(desk.app, base_url=home, headers={"origin": home})
        code = store.access.invite(desk.people["ann"])
        answer = browser.post("/api/session", json={"code": code})
        assert refusal(answer) == (403, "needs_tls")
        assert "https://" in answer.json()["error"]["message"]
        assert store.access.log_in_with_code(code) is not None, "the code is good still"
        desk.app.state.services.close()


def test_every_login_gets_a_new_secret_and_ends_the_session_before_it(desk: Desk) -> None:
    browser = desk.browser()
    browser.cookies.set(COOKIE, "planted-by-somebody-else", domain="127.0.0.1")
    browser.enter(desk.store.access.invite(desk.people["ann"]))
    first = browser.cookies[COOKIE]
    assert first != "planted-by-somebody-else"
    browser.enter(desk.store.access.invite(desk.people["ann"]))
    assert browser.cookies[COOKIE] != first
    old = desk.browser()
    old.cookies.set(COOKIE, first, domain="127.0.0.1")
    assert refusal(old.get("/api/me")) == (401, "session_ended")


def test_logging_out_ends_the_session_on_the_server(desk: Desk) -> None:
    ann = desk.browser("ann")
    secret = ann.cookies[COOKIE]
    assert ann.get("/api/me").status_code == 200
    assert ann.delete("/api/session").status_code == 204
    assert COOKIE not in ann.cookies
    thief = desk.browser()
    thief.cookies.set(COOKIE, secret, domain="127.0.0.1")
    assert refusal(thief.get("/api/me")) == (401, "session_ended")


def test_who_is_disabled_is_out_within_seconds(desk: Desk) -> None:
    clock = Clock()
    desk.app.state.services.callers._clock = clock
    ann, program = desk.browser("ann"), desk.program("ann")
    assert ann.get("/api/me").status_code == program.get("/api/me").status_code == 200
    desk.store.people.disable(desk.people["ann"])
    clock.now += CACHE_SECONDS
    assert refusal(ann.get("/api/me")) == (401, "session_ended")
    assert refusal(program.get("/api/me")) == (401, "unknown_token")


def test_who_is_disabled_in_this_process_is_out_at_once(desk: Desk) -> None:
    ann = desk.browser("ann")
    assert ann.get("/api/me").status_code == 200
    answer = desk.browser("olga").post(f"/api/people/{desk.people['ann']}/disable")
    assert answer.status_code in (200, 204), answer.text
    assert refusal(ann.get("/api/me")) == (401, "session_ended")


def test_a_session_that_ends_while_it_is_looked_up_is_not_kept(desk: Desk) -> None:
    secret = desk.browser("ann").cookies[COOKIE]
    callers: Callers = desk.app.state.services.callers

    class SlowAccess:
        """The store says yes; before it is heard, the session ends."""

        def session(self, shown: str) -> Session | None:
            found = desk.store.access.session(shown)
            desk.store.access.log_out(shown)
            callers.forget(shown)
            return found

    callers._access = SlowAccess()  # type: ignore[assignment]
    assert own_loop.run(callers.by_cookie(secret)) is not None
    callers._access = desk.store.access
    assert own_loop.run(callers.by_cookie(secret)) is None


@pytest.mark.parametrize(
    ("hours", "is_in"), [((24 * 6, 24 * 6), True), ((24 * 8,), False), ((24 * 6,) * 6, False)]
)
def test_a_session_ends_unused_after_a_week_and_used_after_a_month(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, hours: tuple[int, ...], is_in: bool
) -> None:
    clock, seconds = MovableClock(monkeypatch), Clock()
    desk.app.state.services.callers._clock = seconds
    ann = desk.browser("ann")
    for passed in hours:
        clock.jump(passed * HOUR_SECONDS)
        seconds.now += passed * HOUR_SECONDS
        answer = ann.get("/api/me")
    assert answer.status_code == (200 if is_in else 401), answer.text


def test_a_forged_request_does_nothing(desk: Desk) -> None:
    ann, bob = desk.browser("ann"), desk.browser("bob")
    for token in ("", "x", bob.headers["x-csrf-token"], "é"):
        headers = {"x-csrf-token": token.encode("utf-8")}
        answer = ann.post("/api/cord", json={"reason": "x"}, headers=headers)  # type: ignore[arg-type]
        assert refusal(answer) == (403, "forged")
    del ann.headers["x-csrf-token"]
    assert refusal(ann.post("/api/cord", json={"reason": "x"})) == (403, "forged")
    assert desk.store.stop_requests.active() is None


def test_a_cookie_is_no_token_and_a_token_no_cookie(desk: Desk) -> None:
    ann = desk.browser("ann")
    secret = ann.cookies[COOKIE]
    assert ann.get("/api/me").status_code == 200, "it is remembered now"
    as_token = desk.browser().get("/api/me", headers={"authorization": f"Bearer {secret}"})
    assert refusal(as_token) == (401, "unknown_token")
    program = desk.program("ann")
    assert program.get("/api/me").status_code == 200
    browser = desk.browser()
    token = program.headers["authorization"].split()[1]
    browser.cookies.set(COOKIE, token, domain="127.0.0.1")
    assert refusal(browser.get("/api/me")) == (401, "session_ended")


def test_a_wrong_token_is_not_made_good_by_a_cookie(desk: Desk) -> None:
    ann = desk.browser("ann")
    for shown in ("Bearer x", "Basic YTpi", "Bearer", ""):
        answer = ann.get("/api/me", headers={"authorization": shown})
        assert refusal(answer) == (401, "unknown_token")


def test_the_sixth_guess_within_a_minute_is_not_looked_at(desk: Desk) -> None:
    clock = Clock()
    object.__setattr__(desk.app.state.services, "login_limits", LoginLimits(clock))
    desk.store.people.set_password(desk.people["olga"], PASSWORD)
    desk.store.people.set_password(desk.people["ann"], PASSWORD)
    browser = desk.browser()
    right = {"name": "olga", "password": PASSWORD}
    for _ in range(5):
        guess = {"name": "olga", "password": "a wrong guess"}
        assert refusal(browser.post("/api/session", json=guess)) == (401, "wrong")
    answer = browser.post("/api/session", json=right)
    assert refusal(answer) == (429, "too_many")
    assert int(answer.headers["retry-after"]) <= 60
    ann = {"name": "ann", "password": PASSWORD}
    assert desk.browser().post("/api/session", json=ann).status_code == 200, "same address"
    elsewhere = desk.browser(host="10.0.0.9").post("/api/session", json=right)
    assert elsewhere.status_code == 200, "whoever guesses a name does not lock its owner out"
    clock.now += 60
    assert browser.post("/api/session", json=right).status_code == 200


def test_wrong_codes_lock_nobody_out(desk: Desk) -> None:
    browser = desk.browser()
    for number in range(80):
        wrong = browser.post("/api/session", json={"code": f"WRONG-{number}"})
        assert refusal(wrong) == (401, "wrong")
    code = desk.store.access.invite(desk.people["ann"])
    assert desk.browser().post("/api/session", json={"code": code}).status_code == 200


def test_a_refused_login_is_logged_without_what_was_typed(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="prefloop.web"):
        desk.browser().post("/api/session", json={"name": "olga", "password": "hunter2 hunter2"})
    assert "login refused from 127.0.0.1" in caplog.text
    assert "hunter2" not in caplog.text


def test_secrets_are_in_no_repr(desk: Desk) -> None:
    ann = desk.browser("ann")
    secret = ann.cookies[COOKIE]
    ann.get("/api/me")
    callers: Callers = desk.app.state.services.callers
    assert secret not in repr(callers._cache)


def test_the_login_page_names_the_run(desk: Desk) -> None:
    assert "to the run prefloop" in desk.browser().get("/login").text


@pytest.mark.parametrize("path", ["/label", "/mine", "/instructions", "/", "/dashboard", "/team"])
def test_strangers_are_led_to_the_login_page(desk: Desk, path: str) -> None:
    answer = desk.browser().get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/login?next={path}")


@pytest.mark.parametrize(
    ("name", "page"), [("olga", "/dashboard"), ("vera", "/dashboard"), ("ann", "/label")]
)
def test_everybody_is_led_to_what_they_are_here_for(desk: Desk, name: str, page: str) -> None:
    answer = desk.browser(name).get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, page)
