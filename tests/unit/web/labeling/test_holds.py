"""A harm flag through the API, from today's page, an older one, and a program."""

import pytest

from prefloop.store.labeling.holds import HARMFUL
from tests.unit.web.desk import Desk, answer_to, claim, new_id


@pytest.mark.parametrize(
    ("said", "holds"),
    [
        ({"note": f"{HARMFUL}: it insults"}, True),
        ({"note": "no", "is_harmful": True}, True),
        ({"note": "The prompt is broken"}, False),
        ({"note": f"not: {HARMFUL}"}, False),
    ],
)
def test_a_harm_flag_holds_its_question(desk: Desk, said: dict[str, object], holds: bool) -> None:
    ann = desk.browser("ann")
    [question] = claim(ann)
    body = answer_to(question, answer="flag", chosen=None) | said
    assert ann.put(f"/api/answers/{new_id()}", json=body).status_code == 200
    assert len(desk.store.holds.in_force()) == holds
    left = {view["prompt"] for view in claim(desk.browser("bob"), 4)}
    left |= {view["prompt"] for view in claim(desk.browser("olga"), 4)}
    assert (question["prompt"] in left) is not holds


def test_a_skip_with_these_words_holds_nothing(desk: Desk) -> None:
    ann = desk.browser("ann")
    [question] = claim(ann)
    body = answer_to(question, answer="skip", chosen=None, note=HARMFUL, is_harmful=True)
    assert ann.put(f"/api/answers/{new_id()}", json=body).status_code == 200
    assert desk.store.holds.in_force() == []


def test_the_page_sends_the_reason_that_holds(desk: Desk) -> None:
    assert f'value="{HARMFUL}"' in desk.browser("ann").get("/label").text
