"""Rankings over HTTP: places by position, and what is no order of the question's samples."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from prefloop.records import Comparison, Prompt, Sample
from prefloop.store.store import Store
from tests.unit.web.desk import Desk, answer_to, claim, make_desk, new_id, samples_of

IDS = ("r-a", "r-b", "r-c")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Return a desk with one question, whose three samples are to be ranked."""
    with Store.open(tmp_path / "prefloop.db") as store:
        made = make_desk(store, questions=0)
        samples = [
            Sample(
                id=name,
                prompt_id="r",
                model="reference",
                round=7,
                purpose="labels",
                text=f" {name}",
                response_ids=(1,),
                is_ended=True,
                logprob=-1.0,
                ref_logprob=-1.0,
            )
            for name in IDS
        ]
        asked = Comparison(
            id="cr", prompt_id="r", sample_ids=IDS, round=8, split="train", label_type="ranking"
        )
        prompt = Prompt(id="r", text="Rank.", source="here", split="train")
        store.add_all(prompts=[prompt], samples=samples, comparisons=[asked])
        store.queue.open_batch(8, [(asked.id, 1)])
        yield made
        made.app.state.services.close()


def ranked(question: dict[str, Any], *places: list[str]) -> dict[str, Any]:
    return answer_to(question, chosen=places[0][0], details={"ranking": list(places)})


def test_places_by_position_become_places_of_samples(desk: Desk) -> None:
    ann = desk.browser("ann")
    [question] = claim(ann)
    assert question["label_type"] == "ranking"
    body = ranked(question, ["2"], ["3", "1"])
    name = new_id()
    outcomes = [ann.put(f"/api/answers/{name}", json=body).json()["outcome"] for _ in range(2)]
    assert outcomes == ["stored", "same"]
    [label] = desk.store.labels()
    ids = samples_of(desk.store, question)
    assert label.details == {"ranking": [[ids["2"]], [ids["3"], ids["1"]]]}
    [own] = ann.get("/api/answers").json()["answers"]
    assert own["details"] == {"ranking": [["2"], ["3", "1"]]}


@pytest.mark.parametrize(
    ("places", "told"),
    [
        ([["1"], ["2"]], "gives no place to 3; rank every sample"),
        ([["1"], [], ["2", "3"]], "leaves place 2 of its ranking empty"),
        ([["1"], ["2"], ["2", "3"]], "ranks sample 2 2 times; each has one place"),
        ([["1"], ["r-b"], ["2", "3"]], "ranks the unknown sample r-b; its comparison has 1, 2, 3"),
        ([["1"], ["2"], ["3"], ["4"]], "ranks the unknown sample 4"),
        ([["1", "2"], ["3"]], "the first place is that of the chosen sample alone"),
    ],
)
def test_what_is_no_order_of_the_samples_is_refused_in_clear_words(
    desk: Desk, places: list[list[str]], told: str
) -> None:
    ann = desk.browser("ann")
    [question] = claim(ann)
    answer = ann.put(f"/api/answers/{new_id()}", json=ranked(question, *places))
    assert answer.status_code == 422
    assert told in answer.json()["error"]["message"]
    assert desk.store.labels() == []
    assert ann.put(f"/api/answers/{new_id()}", json=ranked(question, ["1"], ["2", "3"])).is_success


@pytest.mark.parametrize("ranking", [None, "1", [1], [[1]], [["1"], None], {"1": 1}])
def test_places_of_another_shape_are_refused(desk: Desk, ranking: object) -> None:
    ann = desk.browser("ann")
    [question] = claim(ann)
    body = answer_to(question, details={"ranking": ranking})
    answer = ann.put(f"/api/answers/{new_id()}", json=body)
    assert answer.status_code == 422
    assert "details.ranking" in answer.json()["error"]["message"]
