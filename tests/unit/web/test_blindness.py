"""Whoever answers cannot learn where a text comes from, nor whether they are being tested."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from prefloop.store.store import Store
from prefloop.teamwork import Gold
from prefloop.web.config import WebSettings
from tests.unit.web.desk import (
    MODEL,
    WORK_ONLY,
    Desk,
    answer_to,
    claim,
    fill_queue,
    make_desk,
    new_id,
    open_store,
    samples_of,
)

SECRETS = (
    MODEL,
    "policy",
    "reference",
    "round",
    "logprob",
    "-123.25",
    "-124.5",
    "purpose",
    "score",
)
TESTING = ("gold", "retest", "kind", "comparison", "training")
PLACES = {"assignment_id", "label_type", "prompt", "samples", "lease_seconds"}


@pytest.fixture
def testing_desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk at which half of what is asked is gold or a repeat."""
    policy = replace(WORK_ONLY, gold_share=0.4, retest_share=0.4, retest_after_seconds=0.0)
    with open_store(tmp_path) as store:
        desk = make_desk(store, settings=WebSettings(claims=policy), questions=40)
        for n in range(8):
            add_gold(store, n)
        yield desk
        desk.app.state.services.close()


def add_gold(store: Store, n: int) -> None:
    """Make a silent question of the n-th."""
    store.gold.add(
        Gold(
            comparison_id=f"c{n}",
            chosen=f"s{n}a",
            explanation="It says more.",
            is_training=False,
            created_by="olga",
        )
    )


def words_of(value: Any) -> str:
    """Return JSON as text, without the texts that people are to read, and without ids."""
    if isinstance(value, dict):
        hidden = ("prompt", "text", "id", "assignment_id", "html", "chosen")
        return " ".join(f"{k} {'' if k in hidden else words_of(v)}" for k, v in value.items())
    if isinstance(value, list):
        return " ".join(map(words_of, value))
    return json.dumps(value)


def test_an_open_question_tells_nothing_of_where_it_comes_from(desk: Desk) -> None:
    ann = desk.browser("ann")
    answer = ann.post("/api/claims", json={"n": 4})
    for secret in (*SECRETS, *TESTING):
        assert secret not in answer.text
    assert {f"c{n}" for n in range(6)}.isdisjoint(str(answer.headers).split("'"))
    assert not any(secret in str(answer.headers) for secret in (MODEL, "round", "score", *TESTING))
    for question in answer.json()["assignments"]:
        assert question.keys() == PLACES
        assert all(sample.keys() == {"id", "text"} for sample in question["samples"])
        assert question["assignment_id"] not in {f"c{n}" for n in range(6)}
    for path in ("/label", "/mine", "/instructions", "/"):
        page = ann.get(path).text
        for secret in (MODEL, "-123.25", "logprob"):
            assert secret not in page


def test_nothing_a_labeler_can_fetch_tells_of_models_or_scores(desk: Desk) -> None:
    ann = desk.browser("ann")
    for question in claim(ann, 3):
        ann.put(f"/api/answers/{new_id()}", json=answer_to(question))
    for path in ("/api/me", "/api/answers", "/api/cord"):
        answer = ann.get(path)
        for secret in (MODEL, "-123.25", "-124.5", "logprob", "purpose", "comparison"):
            assert secret not in answer.text, (path, secret)


def test_samples_are_named_by_their_places_alone(desk: Desk) -> None:
    """A sample's id is a hash of its model, round and seed: whoever has it can try them all."""
    ann = desk.browser("ann")
    heard = []
    while questions := claim(ann, 4):
        for question in questions:
            places = [sample["id"] for sample in question["samples"]]
            assert places == ["1", "2"]
            heard.append(json.dumps(question))
            body = answer_to(question)
            for wrong in ({"chosen": "3"}, {"answer": "tie", "chosen": "1"}, {"shown": ["2", "1"]}):
                heard.append(ann.put(f"/api/answers/{new_id()}", json=body | wrong).text)
            heard.append(ann.put(f"/api/answers/{new_id()}", json=body).text)
    heard.append(ann.get("/api/answers").text)
    stored = [name for c in desk.store.comparisons() for name in (c.id, *c.sample_ids)]
    assert len(heard) > 4 * 5
    for name in stored:
        assert not any(re.search(rf"\b{name}\b", text) for text in heard), name


def test_an_id_that_was_guessed_is_no_answer(desk: Desk) -> None:
    ann = desk.browser("ann")
    [question] = claim(ann)
    known = samples_of(desk.store, question)
    guessed = answer_to(question, chosen=known["1"], shown=list(known.values()))
    wrong = answer_to(question, chosen="sXa", shown=["sXa", "sXb"])
    told = [ann.put(f"/api/answers/{new_id()}", json=body).json() for body in (guessed, wrong)]
    assert told[0] == told[1]
    assert desk.store.labels() == []


def test_gold_and_repeats_look_exactly_like_work(testing_desk: Desk) -> None:
    ann = testing_desk.browser("ann")
    shapes, outcomes, undone = defaultdict(set), defaultdict(set), defaultdict(set)
    answers: dict[str, str] = {}
    for _ in range(24):
        for question in claim(ann):
            view = testing_desk.store.queue.assignment(question["assignment_id"])
            assert view is not None
            shapes[view.kind].add(shape_of(question))
            name = new_id()
            saved = ann.put(f"/api/answers/{name}", json=answer_to(question))
            outcomes[view.kind].add((saved.status_code, saved.text, shape_of_headers(saved)))
            answers[name] = view.kind
    assert {"regular", "gold", "retest"} <= set(answers.values())
    assert len(set.union(*shapes.values())) == 1
    assert len(set.union(*outcomes.values())) == 1
    listed = ann.get("/api/answers?limit=200").json()["answers"]
    assert {own["id"] for own in listed} == set(answers)
    assert len({shape_of(own) for own in listed}) == 1
    assert ann.get("/api/me").json()["progress"]["answered"] == len(answers)
    for name, kind in answers.items():
        taken_back = ann.delete(f"/api/answers/{name}")
        undone[kind].add((taken_back.status_code, taken_back.text))
    assert len(set.union(*undone.values())) == 1


def shape_of(value: Any) -> str:
    """Return what JSON looks like, with its values left out."""
    if isinstance(value, dict):
        return str({key: shape_of(inner) for key, inner in value.items()})
    if isinstance(value, list):
        return str([shape_of(inner) for inner in value])
    return type(value).__name__


def shape_of_headers(answer: Any) -> str:
    """Return the names of an answer's headers."""
    return str(sorted(answer.headers))


def test_gold_looks_like_the_work_around_it_when_a_batch_closes(tmp_path: Path) -> None:
    """What was handed out in a batch that closed is late, and stays as it is, whatever it is."""
    policy = replace(WORK_ONLY, gold_share=0.5)
    with open_store(tmp_path) as store:
        desk = make_desk(store, settings=WebSettings(claims=policy), questions=40)
        for n in range(8):
            add_gold(store, n)
        ann = desk.browser("ann")
        held = claim(ann, 4)
        while {kind_of(store, question) for question in held} != {"regular", "gold"}:
            for question in held:
                ann.put(f"/api/answers/{new_id()}", json=answer_to(question))
            held = claim(ann, 4)
        kinds = {question["assignment_id"]: kind_of(store, question) for question in held}
        store.queue.freeze(7)
        fill_queue(store, 20, round=8, first=40)
        assert not {q["assignment_id"] for q in claim(ann, 4)} & set(kinds), (
            "a reload drops all or none"
        )
        told: dict[str, set[Any]] = defaultdict(set)
        for question in held:
            name = new_id()
            saved = ann.put(f"/api/answers/{name}", json=answer_to(question))
            undone = ann.delete(f"/api/answers/{name}")
            told[kinds[question["assignment_id"]]].add(
                (saved.text, undone.status_code, undone.text)
            )
        assert len(told) == 2 and len(set.union(*told.values())) == 1
        desk.app.state.services.close()


def kind_of(store: Store, question: dict[str, Any]) -> str:
    view = store.queue.assignment(question["assignment_id"])
    assert view is not None
    return view.kind


def test_what_is_left_does_not_tell_which_questions_were_gold(testing_desk: Desk) -> None:
    ann = testing_desk.browser("ann")
    left = []
    for _ in range(24):
        for question in claim(ann):
            ann.put(f"/api/answers/{new_id()}", json=answer_to(question))
            left.append(ann.get("/api/me").json()["progress"]["left"])
    assert {n % 10 for n in left} == {0}
    assert len(set(left)) < len(left) / 4


def order_of(store: Store, question: dict[str, Any]) -> tuple[str, ...]:
    """Return the samples' letters in the order on screen."""
    return tuple(name[-1] for name in samples_of(store, question).values())


def test_the_order_on_screen_is_the_views_own_and_every_order_occurs(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        desk = make_desk(store, questions=40)
        orders = set()
        for name in ("ann", "bob"):
            browser = desk.browser(name)
            for question in claim(browser, 4):
                orders.add(order_of(store, question))
                view = store.queue.assignment(question["assignment_id"])
                assert view is not None
                assert [s.text for s in view.samples] == [s["text"] for s in question["samples"]]
        while len(orders) < 2 and (questions := claim(browser, 4)):
            for question in questions:
                orders.add(order_of(store, question))
                browser.put(f"/api/answers/{new_id()}", json=answer_to(question))
        assert orders == {("a", "b"), ("b", "a")}
        desk.app.state.services.close()


def test_agreement_with_gold_is_told_in_steps_of_ten(testing_desk: Desk) -> None:
    ann = testing_desk.browser("ann")
    before = ann.get("/api/me").json()["progress"]["gold"]
    n_gold = 0
    while n_gold < 3:
        for question in claim(ann):
            view = testing_desk.store.queue.assignment(question["assignment_id"])
            assert view is not None
            n_gold += view.kind == "gold"
            ann.put(f"/api/answers/{new_id()}", json=answer_to(question))
            assert ann.get("/api/me").json()["progress"]["gold"] == before


def test_the_page_and_its_data_name_no_known_answer_before_it_is_given(testing_desk: Desk) -> None:
    ann = testing_desk.browser("ann")
    for _ in range(20):
        for question in claim(ann):
            assert "It says more." not in json.dumps(question)
            saved = ann.put(f"/api/answers/{new_id()}", json=answer_to(question))
            assert "It says more." not in saved.text
            assert not any(word in words_of(saved.json()) for word in TESTING)
