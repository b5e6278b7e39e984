"""Any labeler stops the line."""

import pytest

from tests.clock_for_tests import HOUR_SECONDS, MovableClock
from tests.unit.web.desk import Desk, claim, samples_of


def test_a_labeler_pulls_and_the_owner_sees_why(desk: Desk) -> None:
    ann = desk.browser("ann")
    [question] = claim(ann)
    body = {"reason": "It insults people.", "assignment_id": question["assignment_id"]}
    assert ann.post("/api/cord", json=body).status_code == 200
    active = desk.store.stop_requests.active()
    assert active is not None and (active.pulled_by, active.reason) == ("ann", "It insults people.")
    assert active.samples == tuple(samples_of(desk.store, question).values())
    assert ann.get("/api/cord").json() == {"is_stopped": True}
    assert desk.program("olga").get("/api/cord").json() == {"is_stopped": True}
    for watcher in ("olga", "vera"):
        seen = desk.browser(watcher).get("/api/cord").json()
        assert seen["is_stopped"] and seen["cords"][0]["reason"] == "It insults people."
        assert seen["cords"][0]["released_at"] is None


def test_a_view_of_somebody_else_names_no_samples(desk: Desk) -> None:
    [question] = claim(desk.browser("bob"))
    body = {"reason": "x", "assignment_id": question["assignment_id"]}
    assert desk.browser("ann").post("/api/cord", json=body).status_code == 200
    active = desk.store.stop_requests.active()
    assert active is not None and active.samples == ()


def test_a_double_click_pulls_once(desk: Desk) -> None:
    ann = desk.browser("ann")
    answers = [ann.post("/api/cord", json={"reason": "x"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert [answer.json()["outcome"] for answer in answers] == ["stopping", "yours", "yours"]
    kinds = [event.kind for event in desk.store.events()]
    assert kinds.count("cord_pulled") == 1 and "cord_pulled_again" not in kinds


def test_a_second_person_adds_a_reason_once(desk: Desk) -> None:
    desk.browser("ann").post("/api/cord", json={"reason": "x"})
    bob = desk.browser("bob")
    assert bob.post("/api/cord", json={"reason": "y"}).status_code == 200
    assert bob.post("/api/cord", json={"reason": "y"}).status_code == 429
    kinds = [event.kind for event in desk.store.events()]
    assert kinds.count("cord_pulled_again") == 1


def test_who_pulls_at_a_run_that_has_stopped_is_not_told_that_it_will(desk: Desk) -> None:
    desk.browser("ann").post("/api/cord", json={"reason": "x"})
    active = desk.store.stop_requests.active()
    assert active is not None
    desk.store.stop_requests.stopped(active.id, 12)
    told = desk.browser("bob").post("/api/cord", json={"reason": "y"}).json()
    assert told["outcome"] == "stopped"
    assert told["message"] == "The run had stopped already. The owner will see your reason too."


def test_once_an_hour_and_a_restart_does_not_shorten_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = MovableClock(monkeypatch)
    cord = desk.store.stop_requests.pull("ann", "x")
    desk.store.stop_requests.release(cord.id, "olga", "looked", "resume")
    ann = desk.browser("ann")
    answer = ann.post("/api/cord", json={"reason": "again"})
    assert answer.status_code == 429 and int(answer.headers["retry-after"]) > 3000
    assert "Tell the owner" in answer.json()["error"]["message"]
    clock.jump(HOUR_SECONDS + 1)
    assert ann.post("/api/cord", json={"reason": "again"}).status_code == 200


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "x", "samples": ["a b"]}])
def test_a_pull_needs_a_reason(desk: Desk, body: dict[str, object]) -> None:
    assert desk.browser("ann").post("/api/cord", json=body).status_code == 422
    assert desk.store.stop_requests.active() is None
