"""What goes wrong is told in words that help, and never more than the caller may know."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from prefloop.errors import DiskError, StoreAwayError, StoreError
from prefloop.store.core.database import Database
from prefloop.store.people.access import TOUCH_SECONDS
from prefloop.store.store import Store
from tests.clock_for_tests import MovableClock
from tests.unit.web.desk import Desk, answer_to, claim, make_desk, new_id

SAMPLE_TEXT = "Once upon a time a private text"


def raising(error: Exception) -> Callable[..., object]:
    """Return a function that raises."""

    def fail(*_: object, **__: object) -> object:
        raise error

    return fail


@pytest.fixture
def full_disk(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database cannot be written any more."""
    error = DiskError("/home/olga/prefloop.db could not be written: the disk is full.")
    for part, name in (
        (desk.store.answers, "submit_within"),
        (desk.store.queue.claims, "claim_within"),
    ):
        monkeypatch.setattr(part, name, raising(error))


def test_a_full_disk_is_told_and_nothing_is_taken(
    desk: Desk, full_disk: None, caplog: pytest.LogCaptureFixture
) -> None:
    ann = desk.browser("ann")
    answer = ann.post("/api/claims", json={"n": 1})
    assert (answer.status_code, answer.json()["error"]["code"]) == (507, "disk_full")
    assert "not saved" in answer.json()["error"]["message"]
    assert "olga" not in answer.text, "the machine's paths are nobody's business"
    assert "disk is full" in caplog.text


def test_a_full_disk_stands_on_the_dashboard(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    ann, olga = desk.browser("ann"), desk.browser("olga")
    assert olga.get("/api/dashboard").json()["disk_text"] == ""
    with monkeypatch.context() as broken:
        error = DiskError("run/prefloop.db could not be written: the disk is full.")
        broken.setattr(desk.store.queue.claims, "claim_within", raising(error))
        assert ann.post("/api/claims", json={"n": 1}).status_code == 507
    told = olga.get("/api/dashboard").json()["disk_text"]
    assert told.startswith("Nothing can be saved")
    assert "prefloop.db" not in told, "viewers read it too"
    assert 'id="disk-warning"' in olga.get("/dashboard").text


def test_on_a_full_disk_whoever_is_logged_in_can_still_read(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = MovableClock(monkeypatch)
    olga = desk.browser("olga")
    clock.jump(2 * TOUCH_SECONDS)
    desk.app.state.services.callers.forget_all()
    full = raising(DiskError("run/prefloop.db could not be written: the disk is full."))
    monkeypatch.setattr(Database, "writing", full)
    assert olga.get("/api/dashboard").status_code == 200


def test_an_answer_on_a_full_disk_can_be_sent_again_later(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = desk.browser("ann")
    [question] = claim(ann)
    name, body = new_id(), answer_to(question)
    with monkeypatch.context() as broken:
        broken.setattr(desk.store.answers, "submit_within", raising(DiskError("the disk is full")))
        assert ann.put(f"/api/answers/{name}", json=body).status_code == 507
    assert ann.put(f"/api/answers/{name}", json=body).json()["outcome"] == "stored"


def test_a_database_that_is_away_is_told_with_when_to_try_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = desk.browser("ann")
    [question] = claim(ann)
    name, body = new_id(), answer_to(question)
    away = raising(StoreAwayError("postgresql://olga@db/x cannot be reached."))
    with monkeypatch.context() as broken:
        broken.setattr(desk.store.answers, "submit_within", away)
        answer = ann.put(f"/api/answers/{name}", json=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "store_away")
        assert int(answer.headers["retry-after"]) > 0
        assert "olga" not in answer.text
    with monkeypatch.context() as broken:
        broken.setattr(desk.store.access, "session", away)
        desk.app.state.services.callers.forget_all()
        assert ann.get("/api/me").status_code == 503, "not 401: the session may be good"
        assert ann.get("/label").status_code == 503
        assert desk.browser().get("/healthz").status_code == 200
    assert ann.put(f"/api/answers/{name}", json=body).json()["outcome"] == "stored"


def test_our_own_bug_has_a_number_and_no_text_of_anybody(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(desk.store.queue.claims, "claim_within", raising(KeyError(SAMPLE_TEXT)))
    answer = desk.browser("ann").post("/api/claims", json={"n": 1})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (500, "bug")
    number = error["message"].split()[-1].rstrip(".")
    assert number in caplog.text and "KeyError" in caplog.text and "routes.py" in caplog.text
    assert "POST /api/claims" in caplog.text
    assert SAMPLE_TEXT not in caplog.text and SAMPLE_TEXT not in answer.text
    assert answer.headers["content-security-policy"]


def test_what_the_database_refuses_is_our_bug_and_its_words_stay_inside(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    error = StoreError(f"store reported a problem. The database said: {SAMPLE_TEXT}")
    error.__cause__ = ValueError(SAMPLE_TEXT)
    monkeypatch.setattr(desk.store.queue.claims, "claim_within", raising(error))
    answer = desk.browser("ann").post("/api/claims", json={"n": 1})
    assert answer.status_code == 500
    assert SAMPLE_TEXT not in answer.text and SAMPLE_TEXT not in caplog.text


def test_what_the_store_refuses_is_told_in_its_own_words(desk: Desk) -> None:
    answer = desk.browser("olga").post("/api/people", json={"name": "ann", "role": "labeler"})
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "refused"
    assert "ann" in answer.json()["error"]["message"]


def test_a_field_that_is_wrong_is_named_and_not_repeated(desk: Desk) -> None:
    ann = desk.browser("ann")
    answer = ann.post("/api/cord", json={"reason": "x" * 2000, "extra": SAMPLE_TEXT})
    told = answer.json()["error"]["message"]
    assert answer.status_code == 422
    assert "reason" in told and "extra" in told
    assert SAMPLE_TEXT not in told and "xxxx" not in told


def test_a_page_that_fails_is_a_page(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = desk.browser("ann")
    missing = ann.get("/nowhere")
    assert missing.status_code == 404 and "<h1>" in missing.text
    forbidden = ann.get("/team")
    assert forbidden.status_code == 403 and "not open to a labeler" in forbidden.text
    monkeypatch.setattr("prefloop.web.http.pages.START", {})
    bug = ann.get("/")
    assert bug.status_code == 500 and "<h1>" in bug.text


def test_permissions_that_were_refused_are_logged(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="prefloop.web"):
        desk.browser("ann").get("/api/people")
    assert f"GET /api/people refused to {desk.people['ann']}" in caplog.text


def test_a_zero_in_a_path_or_question_reaches_no_database(desk: Desk) -> None:
    olga = desk.browser("olga")
    for path in ("/api/people/%00/tokens", "/api/team?version=%00", "/api/people/a%00b/tokens"):
        answer = olga.get(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "malformed"), path


@pytest.mark.parametrize(
    "path", ["/api/questions?before=", "/api/dashboard?after=", "/team/parts/questions?before="]
)
def test_a_number_that_no_database_holds_is_refused(place: str | Path, path: str) -> None:
    with Store.open(place) as store:
        desk = make_desk(store, questions=2)
        olga = desk.browser("olga")
        numbers = (2**31 - 1, 2**31, 2**52, 2**63, 10**40, -1)
        answers = [olga.get(f"{path}{number}").status_code for number in numbers]
        desk.app.state.services.close()
    assert answers == [200, *[422] * 5]
