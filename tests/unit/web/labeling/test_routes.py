"""A labeler's day, over HTTP."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from prefloop.store.core import clock as store_clock
from prefloop.store.store import Store
from prefloop.teamwork import Gold
from prefloop.web.config import WebSettings
from tests.clock_for_tests import MovableClock
from tests.unit.web.desk import (
    WORK_ONLY,
    Desk,
    answer_to,
    claim,
    desk_over,
    make_desk,
    new_id,
    open_store,
    samples_of,
)


def told(answer: object) -> tuple[int, str]:
    """Return a refusal's status and code."""
    return answer.status_code, answer.json()["error"]["code"]  # type: ignore[attr-defined]


def test_an_answer_becomes_a_label(desk: Desk) -> None:
    ann = desk.browser("ann")
    [question] = claim(ann)
    name = new_id()
    body = answer_to(question, active_seconds=3.0, first_key_seconds=1.0, device="phone")
    answer = ann.put(f"/api/answers/{name}", json=body | {"note": "näh", "confidence": 0.5})
    assert (answer.status_code, answer.json()) == (200, {"outcome": "stored", "message": ""})
    [label] = desk.store.labels()
    known = samples_of(desk.store, question)
    assert (label.id, label.labeler, label.chosen) == (name, "ann", known[body["chosen"]])
    assert (label.shown, label.seconds, label.note) == (tuple(known.values()), 4.5, "näh")
    assert (label.confidence, label.instructions) == (0.5, "1")


def test_control_characters_in_a_note_are_replaced_and_the_answer_may_come_again(
    desk: Desk,
) -> None:
    ann = desk.browser("ann")
    [question] = claim(ann)
    name, body = new_id(), answer_to(question, note="one\r\ntwo \x1b[2J\x07")
    outcomes = [ann.put(f"/api/answers/{name}", json=body).json()["outcome"] for _ in range(2)]
    assert outcomes == ["stored", "same"]
    assert desk.store.labels()[0].note == "one\ntwo \ufffd[2J\ufffd"


def test_the_same_answer_again_changes_nothing(desk: Desk) -> None:
    ann = desk.browser("ann")
    [question] = claim(ann)
    name, body = new_id(), answer_to(question)
    outcomes = [ann.put(f"/api/answers/{name}", json=body).json()["outcome"] for _ in range(3)]
    assert outcomes == ["stored", "same", "same"]
    assert len(desk.store.labels()) == 1


def test_the_same_id_with_other_content_is_a_conflict(desk: Desk) -> None:
    ann = desk.browser("ann")
    [question] = claim(ann)
    name, body = new_id(), answer_to(question)
    ann.put(f"/api/answers/{name}", json=body)
    other = ann.put(f"/api/answers/{name}", json=body | {"chosen": body["shown"][1]})
    assert told(other) == (409, "conflict")
    twice = ann.put(f"/api/answers/{new_id()}", json=body)
    assert told(twice) == (409, "conflict")


def test_an_answer_may_be_changed_and_taken_back_until_the_batch_closes(desk: Desk) -> None:
    ann = desk.browser("ann")
    [question] = claim(ann)
    first, second = new_id(), new_id()
    ann.put(f"/api/answers/{first}", json=answer_to(question))
    changed = answer_to(question, answer="tie", chosen=None, replaces=first)
    assert ann.put(f"/api/answers/{second}", json=changed).json()["outcome"] == "stored"
    assert [label.answer for label in desk.store.labels()] == ["tie"]
    assert ann.delete(f"/api/answers/{second}").json()["outcome"] == "stored"
    assert desk.store.labels() == []
    third = new_id()
    assert ann.put(f"/api/answers/{third}", json=answer_to(question)).status_code == 200
    desk.store.queue.freeze(7)
    assert told(ann.delete(f"/api/answers/{third}")) == (409, "closed")
    edit = answer_to(question, answer="tie", chosen=None, replaces=third)
    assert told(ann.put(f"/api/answers/{new_id()}", json=edit)) == (409, "closed")


def test_an_answer_to_a_batch_that_closed_meanwhile_is_kept(desk: Desk) -> None:
    ann = desk.browser("ann")
    [question] = claim(ann)
    desk.store.queue.freeze(7)
    answer = ann.put(f"/api/answers/{new_id()}", json=answer_to(question)).json()
    assert answer["outcome"] == "late" and "Its batch had closed" in answer["message"]
    assert len(desk.store.labels()) == 1


def test_somebody_elses_question_and_no_question_look_alike(desk: Desk) -> None:
    ann, bob = desk.browser("ann"), desk.browser("bob")
    [question] = claim(ann)
    body = answer_to(question)
    stolen = bob.put(f"/api/answers/{new_id()}", json=body)
    invented = bob.put(f"/api/answers/{new_id()}", json=body | {"assignment_id": new_id()})
    assert told(stolen) == (404, "unknown")
    assert stolen.content == invented.content
    name = new_id()
    ann.put(f"/api/answers/{name}", json=body)
    foreign = bob.delete(f"/api/answers/{name}")
    assert told(foreign) == (404, "unknown")
    assert foreign.content == bob.delete(f"/api/answers/{new_id()}").content
    assert len(desk.store.labels()) == 1


def test_a_page_that_was_open_during_an_upgrade_still_says_view(desk: Desk) -> None:
    ann = desk.browser("ann")
    first, second = claim(ann, 2)
    earlier = answer_to(first)
    earlier["view"] = earlier.pop("assignment_id")
    name = new_id()
    assert ann.put(f"/api/answers/{name}", json=earlier).json()["outcome"] == "stored"
    assert ann.put(f"/api/answers/{name}", json=answer_to(first)).json()["outcome"] == "same"
    held = [second["assignment_id"]]
    assert ann.post("/api/claims/renew", json={"views": held}).json() == {"assignments": held}
    pulled = ann.post("/api/cord", json={"reason": "It swears.", "view": held[0]})
    assert pulled.status_code == 200
    assert len(desk.store.stop_requests.all()[0].samples) == len(second["samples"])
    assert ann.request("DELETE", "/api/claims", json={"views": held}).status_code == 204
    assert ann.post("/api/claims/renew", json={"assignments": held}).json() == {"assignments": []}


@pytest.mark.parametrize(
    "changes",
    [
        {"chosen": "s99"},
        {"chosen": None},
        {"answer": "tie"},
        {"answer": "best of all", "chosen": None},
        {"shown": ["s0a"]},
        {"shown": ["sXa", "sXb"]},
        {"shown": []},
        {"seconds": -1},
        {"seconds": "4"},
        {"seconds": None},
        {"instructions": "99"},
        {"note": "x" * 4001},
        {"note": "a\0b"},
        {"confidence": 1.5},
        {"device": "fridge"},
        {"labeler": "bob"},
        {"comparison_id": "c1"},
        {"assignment_id": "a b"},
        {"assignment_id": 7},
    ],
)
def test_an_answer_that_does_not_fit_is_refused(desk: Desk, changes: dict[str, object]) -> None:
    ann = desk.browser("ann")
    [question] = claim(ann)
    answer = ann.put(f"/api/answers/{new_id()}", json=answer_to(question, **changes))
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["message"]
    assert desk.store.labels() == []


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "1" * 400])
def test_a_number_that_is_none_is_refused(desk: Desk, number: str) -> None:
    ann = desk.browser("ann")
    [question] = claim(ann)
    text = json_of(answer_to(question)).replace("4.5", number)
    headers = {"content-type": "application/json"}
    answer = ann.put(f"/api/answers/{new_id()}", content=text, headers=headers)
    assert answer.status_code == 422, answer.text


def json_of(body: dict[str, object]) -> str:
    """Return JSON as a client sends it."""
    import json

    return json.dumps(body)


def test_the_order_in_which_the_samples_were_shown_must_be_the_views_own(desk: Desk) -> None:
    ann = desk.browser("ann")
    [question] = claim(ann)
    shown = answer_to(question)["shown"][::-1]
    answer = ann.put(f"/api/answers/{new_id()}", json=answer_to(question, shown=shown))
    assert told(answer) == (422, "refused")


def test_an_id_that_is_no_uuid_is_refused(desk: Desk) -> None:
    ann = desk.browser("ann")
    [question] = claim(ann)
    assert told(ann.put("/api/answers/7", json=answer_to(question))) == (422, "invalid")


def test_a_reload_shows_the_same_question_and_two_people_never_the_same(desk: Desk) -> None:
    ann, bob = desk.browser("ann"), desk.browser("bob")
    mine = claim(ann, 3)
    again = claim(ann, 3)
    assert [q["assignment_id"] for q in mine] == [q["assignment_id"] for q in again]
    theirs = claim(bob, 4)
    assert len(theirs) == 3
    assert not {q["prompt"] for q in mine} & {q["prompt"] for q in theirs}


def test_what_is_given_back_goes_to_others(desk: Desk) -> None:
    ann, bob = desk.browser("ann"), desk.browser("bob")
    claim(ann, 4)
    mine = [q["assignment_id"] for q in claim(ann, 4)]
    assert len(claim(bob, 4)) == 2
    answer = ann.request("DELETE", "/api/claims", json={"assignments": mine})
    assert answer.status_code == 204
    assert len(claim(bob, 4)) == 4


def test_leases_are_renewed_for_whoever_holds_them(desk: Desk) -> None:
    ann, bob = desk.browser("ann"), desk.browser("bob")
    mine = [q["assignment_id"] for q in claim(ann, 2)]
    assert set(
        ann.post("/api/claims/renew", json={"assignments": mine}).json()["assignments"]
    ) == set(mine)
    assert bob.post("/api/claims/renew", json={"assignments": mine}).json()["assignments"] == []


def test_nothing_left_is_an_empty_list(desk: Desk) -> None:
    ann = desk.browser("ann")
    while questions := claim(ann, 4):
        for question in questions:
            ann.put(f"/api/answers/{new_id()}", json=answer_to(question))
    assert len(desk.store.labels()) == 6


@pytest.mark.parametrize("n", [0, 5, -1, "2", 1.5, None, True])
def test_at_most_four_questions_at_once(desk: Desk, n: object) -> None:
    assert desk.browser("ann").post("/api/claims", json={"n": n}).status_code == 422


def test_the_own_answers_come_newest_first_with_their_texts(desk: Desk) -> None:
    ann = desk.browser("ann")
    questions = claim(ann, 3)
    names = [new_id() for _ in questions]
    for name, question in zip(names, questions, strict=True):
        ann.put(f"/api/answers/{name}", json=answer_to(question, note=question["prompt"]))
    found = ann.get("/api/answers").json()["answers"]
    assert [own["id"] for own in found] == names[::-1]
    assert [own["note"] for own in found] == [q["prompt"] for q in questions[::-1]]
    assert found[0]["samples"] == questions[-1]["samples"]
    assert all(own["can_edit"] for own in found)
    assert len(ann.get("/api/answers?limit=2").json()["answers"]) == 2
    assert desk.browser("bob").get("/api/answers").json() == {"answers": []}
    desk.store.queue.freeze(7)
    assert not any(own["can_edit"] for own in ann.get("/api/answers").json()["answers"])


def test_a_major_version_of_the_instructions_is_read_first(desk: Desk) -> None:
    ann = desk.browser("ann")
    [question] = claim(ann)
    desk.store.instructions.publish("1.1", "Which is best?", "A comma was missing.", False, "olga")
    desk.app.state.services.instructions.invalidate()
    assert claim(ann)
    desk.store.instructions.publish("2", "Which is worst?", "The other way.", True, "olga")
    desk.app.state.services.instructions.invalidate()
    answer = ann.post("/api/claims", json={"n": 1})
    assert told(answer) == (409, "instructions_changed")
    late = ann.put(f"/api/answers/{new_id()}", json=answer_to(question))
    assert late.json()["outcome"] == "stored", "what was asked under the old version is kept"
    assert ann.get("/api/me").json()["must_read"]
    assert ann.post("/api/me/instructions", json={"version": "2"}).status_code == 200
    me = ann.get("/api/me").json()
    assert (me["must_read"], me["acknowledged"]) == (False, "2")
    assert claim(ann)
    assert ann.post("/api/me/instructions", json={"version": "9"}).status_code == 404


def test_me_says_who_what_to_read_and_how_far(desk: Desk, clock: MovableClock) -> None:
    ann = desk.browser("ann")
    [question] = claim(ann)
    clock.jump(90)
    ann.put(f"/api/answers/{new_id()}", json=answer_to(question, seconds=90))
    me = ann.get("/api/me").json()
    assert (me["name"], me["role"], me["csrf"]) == ("ann", "labeler", ann.headers["x-csrf-token"])
    assert me["instructions"]["html"] == "<p>Pick the <strong>best</strong>.</p>\n"
    assert me["progress"]["answered"] == 1 and me["progress"]["left"] == 10
    assert me["progress"]["today_minutes"] == pytest.approx(1.5)
    assert me["progress"]["gold"]["n"] == 0
    assert desk.program("ann").get("/api/me").json()["csrf"] is None


@pytest.mark.parametrize(
    ("offset", "before", "after"),
    [
        (-480, 2.0, 2.0),  # 15:30 and 16:30 in California
        (0, 2.0, 0.0),  # midnight in Greenwich
        (540, 2.0, 2.0),  # 8:30 and 9:30 in Tokyo
        (30, 2.0, 2.0),  # midnight at 23:30: the hour in which it falls counts whole
        (-690, 2.0, 2.0),
    ],
)
def test_today_is_the_day_of_whoever_looks(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, offset: int, before: float, after: float
) -> None:
    half_past_eleven = 1_768_087_800.0  # at night in Greenwich, 10 January 2026
    moment = [half_past_eleven]
    monkeypatch.setattr(store_clock, "database_seconds", lambda connection: moment[0])
    ann = desk.browser("ann")

    def today() -> float:
        me = ann.get(f"/api/me?utc_offset_minutes={offset}").json()
        return float(me["progress"]["today_minutes"])

    [question] = claim(ann)
    moment[0] += 120
    ann.put(f"/api/answers/{new_id()}", json=answer_to(question, seconds=1e6))
    assert today() == before
    moment[0] += 3600
    assert today() == after
    for impossible in ("-721", "841", "here"):
        assert ann.get(f"/api/me?utc_offset_minutes={impossible}").status_code == 422


def test_a_training_question_is_explained_and_a_failed_introduction_ends_there(
    tmp_path: Path,
) -> None:
    settings = WebSettings(claims=replace(WORK_ONLY, training_items=2), pass_accuracy=1.0)
    with open_store(tmp_path) as store:
        desk = make_desk(store, settings=settings)
        for n in range(2):
            example = Gold(
                comparison_id=f"c{n}",
                chosen=f"s{n}a",
                explanation="It is **shorter**.",
                is_training=True,
                created_by="olga",
            )
            store.gold.add(example)
        ann = desk.browser("ann")
        questions = claim(ann, 2)
        assert [q["is_training"] for q in questions] == [True, True]
        for question, side in zip(questions, "ab", strict=True):
            places = {name[-1]: place for place, name in samples_of(store, question).items()}
            known, chosen = places["a"], places[side]
            body = answer_to(question, chosen=chosen)
            answer = ann.put(f"/api/answers/{new_id()}", json=body).json()
            explained = {
                "is_right": chosen == known,
                "known": known,
                "explanation": "It is **shorter**.",
                "html": "<p>It is <strong>shorter</strong>.</p>\n",
            }
            assert answer["training"] == explained
        refused = ann.post("/api/claims", json={"n": 1})
        assert told(refused) == (403, "not_passed")
        assert "1 of your 2 answers" in refused.json()["error"]["message"]
        olga = desk.browser("olga")
        [listed] = [p for p in olga.get("/api/people").json()["people"] if p["name"] == "ann"]
        assert listed["qualification"] == "failed"
        assert "Let through" in olga.get("/team/people").text
        let = olga.post(f"/api/people/{listed['id']}/pass")
        assert (let.status_code, let.json()["qualification"]) == (200, "passed")
        assert [q.get("is_training") for q in claim(ann)] == [None]
        desk.app.state.services.close()


def test_who_fails_the_introduction_is_left_out_of_training_until_they_are_let_through(
    tmp_path: Path,
) -> None:
    """Also with what they answered before there was one."""
    with open_store(tmp_path) as store:
        before = make_desk(store)
        ann = before.browser("ann")
        early = new_id()
        [question] = claim(ann)
        ann.put(f"/api/answers/{early}", json=answer_to(question))
        before.app.state.services.close()
        answered = store.labels()[0].comparison_id
        example = next(c for c in ("c0", "c1") if c != answered)
        store.gold.add(
            Gold(
                comparison_id=example,
                chosen=f"s{example[1:]}a",
                explanation="It is shorter.",
                is_training=True,
                created_by="olga",
            )
        )
        desk = desk_over(
            store, WebSettings(claims=replace(WORK_ONLY, training_items=1), pass_accuracy=1.0)
        )
        ann = desk.browser("ann")
        [question] = claim(ann, 4)
        assert question["is_training"], "nothing else is handed out before it is passed"
        assert [x.id for x in store.labels(for_training=True)] == [early]
        wrong = next(p for name, p in samples_of_by_side(store, question) if name == "b")
        ann.put(f"/api/answers/{new_id()}", json=answer_to(question, chosen=wrong))
        assert store.labels(for_training=True) == []
        assert [x.id for x in store.labels()] == [early], "nothing is deleted"
        assert told(ann.post("/api/claims", json={"n": 1})) == (403, "not_passed")
        [left_out] = store.exclusions.all()
        assert left_out.reason == "0 of 1 answers in the introduction were right."
        olga = desk.browser("olga")
        undo = olga.delete(f"/api/exclusions/{left_out.id}")
        assert undo.status_code >= 400 and "Let them through" in undo.text
        olga.post(f"/api/people/{desk.people['ann']}/pass")
        assert [x.id for x in store.labels(for_training=True)] == [early]
        assert store.exclusions.all()[0].undone_by == "olga"
        assert claim(ann)
        desk.app.state.services.close()


def samples_of_by_side(store: Store, question: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the sides, a or b, of a question's samples with their places in the view."""
    return [(name[-1], place) for place, name in samples_of(store, question).items()]


def test_without_instructions_nothing_is_asked(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        desk = Desk(store, make_app(store))
        desk.people["ann"] = store.people.add("ann", "labeler").id
        ann = desk.browser("ann")
        assert told(ann.post("/api/claims", json={"n": 1})) == (409, "not_ready")
        assert ann.get("/api/me").json()["instructions"] is None
        desk.app.state.services.close()


def make_app(store: Store) -> FastAPI:
    """Return the app over an empty store."""
    from prefloop.web.app import create_app

    return create_app(store, WebSettings())


def test_fifty_answers_at_once_are_all_stored(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        desk = make_desk(store, questions=60)
        ann = desk.browser("ann")
        questions = []
        for _ in range(15):
            got = claim(ann, 4)
            names = [new_id() for _ in got]
            questions += list(zip(names, got, strict=True))
            with ThreadPoolExecutor(8) as pool:
                answers = list(
                    pool.map(
                        lambda pair: ann.put(f"/api/answers/{pair[0]}", json=answer_to(pair[1])),
                        zip(names, got, strict=True),
                    )
                )
            assert {answer.status_code for answer in answers} == {200}
        assert {label.id for label in store.labels()} == {name for name, _ in questions}
        desk.app.state.services.close()


@pytest.mark.parametrize("offered", [(), ("shorter", "kinder")])
def test_a_reason_that_the_run_does_not_have_is_refused(
    tmp_path: Path, offered: tuple[str, ...]
) -> None:
    with open_store(tmp_path) as store:
        desk = make_desk(store, settings=WebSettings(claims=WORK_ONLY, reasons=offered))
        ann = desk.browser("ann")
        [question] = claim(ann)
        body = answer_to(question, details={"strength": "slightly", "reasons": ["longer"]})
        answer = ann.put(f"/api/answers/{new_id()}", json=body)
        assert told(answer) == (422, "refused")
        known = f"it has {', '.join(offered)}" if offered else "it has none"
        assert f"This run has no reason 'longer'; {known}." in answer.json()["error"]["message"]
        assert store.labels() == []
        body["details"] = {"strength": "slightly", "reasons": list(offered)}
        assert ann.put(f"/api/answers/{new_id()}", json=body).is_success
        [label] = store.labels()
        assert label.details == body["details"]
        desk.app.state.services.close()
