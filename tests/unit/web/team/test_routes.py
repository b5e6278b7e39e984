"""Running a team: people, keys, exclusions, known answers, instructions, the cord's release."""

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from prefloop.teamwork import ClaimPolicy
from prefloop.web.team import pages as team_pages
from prefloop.web.team import routes as team
from prefloop.web.team.work import labelers_known
from tests.clock_for_tests import MovableClock
from tests.unit.web.desk import (
    Browser,
    Desk,
    answer_to,
    claim,
    make_desk,
    new_id,
    open_store,
    samples_of,
)

HOSTILE = '<img src=x onerror="alert(1)">'


@pytest.fixture
def owner(desk: Desk) -> Browser:
    """The owner's browser."""
    return desk.browser("olga")


def routes() -> Iterator[tuple[str, str]]:
    """Yield method and address of everything that only owners may do."""
    for router in (team.router, team_pages.router):
        for route in router.routes:
            for method in route.methods:  # type: ignore[attr-defined]
                yield method, re.sub(r"{\w+}", "x", route.path)  # type: ignore[attr-defined]


# --- who may


@pytest.mark.parametrize("who", ["vera", "ann", None])
def test_nobody_but_an_owner_gets_in(desk: Desk, who: str | None) -> None:
    browser = desk.browser(who)
    answers = {
        route: browser.request(*route, json=None if route[0] == "GET" else {}).status_code
        for route in routes()
    }
    assert len(answers) > 20
    allowed = {401, 303} if who is None else {403}
    assert {route: code for route, code in answers.items() if code not in allowed} == {}


def test_a_program_of_the_owner_may_not_run_the_team(desk: Desk) -> None:
    program = desk.program("olga")
    assert program.post("/api/people", json={"name": "x", "role": "owner"}).status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        *("/team", "/team/people", "/team/gold", "/team/gold?known=true", "/team/instructions"),
        *("/team/parts/work", "/team/parts/exclusions", "/team/parts/people"),
        "/team/parts/batches",
        *("/team/parts/questions?before=4", "/team/parts/versions"),
    ],
)
def test_every_page_is_there_and_holds_nothing_inline(owner: Browser, path: str) -> None:
    answer = owner.get(path)
    assert answer.status_code == 200, answer.text
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", answer.text)


# --- people


def test_a_new_labeler_comes_in_with_the_code(desk: Desk, owner: Browser) -> None:
    person = owner.post("/api/people", json={"name": "cleo", "role": "labeler"})
    assert person.status_code == 201 and person.json()["disabled_at"] is None
    invite = owner.post(f"/api/people/{person.json()['id']}/invites").json()
    assert invite["expires_at"] == pytest.approx(desk.store.now() + 72 * 3600, abs=60)
    newcomer = desk.browser()
    newcomer.enter(invite["code"])
    assert newcomer.get("/api/me").json()["name"] == "cleo"
    assert newcomer.post("/api/session", json={"code": invite["code"]}).status_code in (401, 429)


def test_a_code_is_listed_until_it_is_used_or_ended(desk: Desk, owner: Browser) -> None:
    place = f"/api/people/{desk.people['bob']}/invites"
    code = owner.post(place).json()["code"]

    def until() -> float | None:
        people = owner.get("/api/people").json()["people"]
        [found] = [p["code_expires_at"] for p in people if p["name"] == "bob"]
        return found

    assert until() == pytest.approx(desk.store.now() + 72 * 3600, abs=60)
    assert "A code is open until" in owner.get("/team/people").text
    assert owner.delete(place).status_code == 204
    assert until() is None
    assert "A code is open until" not in owner.get("/team/people").text
    assert desk.browser().post("/api/session", json={"code": code}).status_code == 401
    assert owner.delete("/api/people/nobody/invites").status_code == 404


def test_a_new_name_is_on_everything_at_once(desk: Desk, owner: Browser) -> None:
    ann = desk.browser("ann")
    [first, second] = claim(ann, n=2)
    body, name = answer_to(first), new_id()
    assert ann.put(f"/api/answers/{name}", json=body).status_code == 200
    owner.get("/api/dashboard")
    answer = owner.post(f"/api/people/{desk.people['ann']}/rename", json={"name": "Anna"})
    assert (answer.status_code, answer.json()["name"]) == (200, "Anna")
    assert ann.get("/api/me").json()["name"] == "Anna", "the session goes on"
    assert ann.put(f"/api/answers/{name}", json=body).json()["outcome"] == "same"
    assert ann.put(f"/api/answers/{new_id()}", json=answer_to(second)).status_code == 200
    assert {label.labeler for label in desk.store.labels()} == {"Anna"}
    at_work = owner.get("/api/dashboard").json()["tallies"]["at_work"]
    assert [person["name"] for person in at_work] == ["Anna"]
    taken = owner.post(f"/api/people/{desk.people['bob']}/rename", json={"name": "ANNA"})
    assert taken.status_code == 422


def test_an_answer_that_was_on_its_way_when_its_labeler_was_renamed_is_sent_again(
    desk: Desk,
) -> None:
    ann = desk.browser("ann")
    [question] = claim(ann)
    assert ann.get("/api/me").json()["name"] == "ann", "it is remembered now"
    desk.store.people.rename(desk.people["ann"], "Anna")
    place, body = f"/api/answers/{new_id()}", answer_to(question)
    answer = ann.put(place, json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "renamed")
    assert ann.put(place, json=body).json()["outcome"] == "stored"


@pytest.mark.parametrize("act", ["rename", "erase", "disable"])
def test_nothing_is_stored_under_a_name_that_another_process_took_away(
    desk: Desk, act: str
) -> None:
    ann = desk.browser("ann")
    [question] = claim(ann)
    assert ann.get("/api/me").json()["name"] == "ann", "it is remembered now"
    ids = (desk.people["ann"], "Anna") if act == "rename" else (desk.people["ann"],)
    getattr(desk.store.people, act)(*ids)
    refused = ann.post("/api/claims", json={"n": 4})
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "renamed")
    again = ann.post("/api/claims", json={"n": 4})
    assert again.status_code == (200 if act == "rename" else 401)
    answer = ann.put(f"/api/answers/{new_id()}", json=answer_to(question))
    assert answer.status_code == again.status_code
    names = {label.labeler for label in desk.store.labels()}
    assert names == ({"Anna"} if act == "rename" else set())


def test_somebody_is_erased_while_labeling(desk: Desk, owner: Browser) -> None:
    ann = desk.browser("ann")
    [question, open_question] = claim(ann, n=2)
    body = answer_to(question, note="I am Ann of Arbor Lane")
    assert ann.put(f"/api/answers/{new_id()}", json=body).status_code == 200
    erased = owner.post(f"/api/people/{desk.people['ann']}/erase").json()
    assert erased["name"].startswith("erased-") and erased["disabled_at"]
    assert ann.put(f"/api/answers/{new_id()}", json=answer_to(open_question)).status_code == 401
    [label] = desk.store.labels()
    assert (label.labeler, label.note) == (erased["name"], "(erased)")
    listed = owner.get("/team/people").text
    assert "Arbor Lane" not in listed
    for refused in ("enable", "rename", "erase"):
        assert f"{desk.people['ann']}/{refused}" not in listed, "it is refused for good"
    assert f"{desk.people['bob']}/rename" in listed
    assert owner.post(f"/api/people/{desk.people['ann']}/enable").status_code == 422
    oneself = owner.post(f"/api/people/{desk.people['olga']}/erase")
    assert (oneself.status_code, oneself.json()["error"]["code"]) == (409, "oneself")
    desk.store.verify_chain()


def test_names_are_taken_once(owner: Browser) -> None:
    again = owner.post("/api/people", json={"name": "ANN", "role": "labeler"})
    assert again.status_code == 422
    assert "ann" in again.json()["error"]["message"]


def test_who_is_locked_out_is_out_at_once(desk: Desk, owner: Browser) -> None:
    ann, program = desk.browser("ann"), desk.program("ann")
    assert ann.get("/api/me").status_code == program.get("/api/me").status_code == 200
    assert owner.post(f"/api/people/{desk.people['ann']}/disable").json()["disabled_at"]
    assert ann.get("/api/me").status_code == program.get("/api/me").status_code == 401
    assert "locked out" in owner.get("/team/people").text
    assert not owner.post(f"/api/people/{desk.people['ann']}/enable").json()["disabled_at"]


def test_nobody_locks_themselves_out(desk: Desk, owner: Browser) -> None:
    answer = owner.post(f"/api/people/{desk.people['olga']}/disable")
    assert answer.status_code == 409
    assert owner.get("/api/people").status_code == 200


def test_a_key_labels_until_it_ends(desk: Desk, owner: Browser) -> None:
    place = f"/api/people/{desk.people['bob']}/tokens"
    key = owner.post(place, json={"name": "batch job"}).json()
    program = desk.browser()
    headers = {"authorization": f"Bearer {key['secret']}"}
    assert program.get("/api/me", headers=headers).json()["name"] == "bob"
    [listed] = owner.get(place).json()["tokens"]
    assert (listed["id"], listed["name"], listed["revoked_at"]) == (key["id"], "batch job", None)
    assert key["secret"] not in owner.get("/team/people").text
    assert owner.delete(f"/api/tokens/{key['id']}").status_code == 204
    assert program.get("/api/me", headers=headers).status_code == 401


@pytest.mark.parametrize("what", ["invites", "disable", "enable", "tokens"])
def test_an_unknown_person_is_told(owner: Browser, what: str) -> None:
    answer = owner.post(f"/api/people/nobody/{what}", json={"name": "x"})
    assert answer.status_code == 404
    assert "nobody with this id" in answer.json()["error"]["message"]


def test_names_are_texts_wherever_they_stand(desk: Desk, owner: Browser) -> None:
    owner.post("/api/people", json={"name": HOSTILE, "role": "labeler"})
    rule = {"name": HOSTILE, "labeler": HOSTILE, "reason": HOSTILE}
    assert owner.post("/api/exclusions", json=rule).status_code == 201
    for path in ("/team", "/team/people", "/team/parts/exclusions"):
        text = owner.get(path).text
        assert HOSTILE not in text
        assert "&lt;img" in text


# --- work and exclusions


def work(desk: Desk, name: str, n: int) -> None:
    """Let somebody answer some questions."""
    browser = desk.browser(name)
    for question in claim(browser, n):
        answer = browser.put(f"/api/answers/{new_id()}", json=answer_to(question))
        assert answer.status_code == 200, answer.text


def team_of(owner: Browser, **query: str) -> dict[str, Any]:
    """Return everybody's work."""
    answer = owner.get("/api/team", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_work_is_counted_and_has_its_price(desk: Desk, owner: Browser, clock: MovableClock) -> None:
    """By the server's clock: `work` sends 4.5 seconds for each answer, and none passed."""
    browser = desk.browser("ann")
    for question in claim(browser, 3):
        clock.jump(20)
        browser.put(f"/api/answers/{new_id()}", json=answer_to(question, active_seconds=3600))
    work(desk, "bob", 1)
    ann, bob = team_of(owner)["labelers"]
    assert (ann["name"], ann["answers"], bob["name"], bob["answers"]) == ("ann", 3, "bob", 1)
    assert ann["hours"] == pytest.approx(3 * 20 / 3600, rel=0.05)
    assert bob["hours"] < 4 / 3600
    assert ann["cost"] == pytest.approx(15 * ann["hours"])
    assert ann["median_seconds"] == pytest.approx(20, abs=1)


def test_a_batch_is_given_to_people_on_the_page(desk: Desk, owner: Browser) -> None:
    [batch] = owner.get("/api/batches").json()["batches"]
    assert (batch["title"], batch["message"]) == ("round 7", "For whoever is free.")
    body = {"people": " ann = 0.5 \n\nbob=0.25\n".replace(" = ", "=")}
    [batch] = owner.put("/api/batches/7/shares", json=body).json()["batches"]
    assert batch["shares"] == [
        {"labeler": "ann", "share": 0.5},
        {"labeler": "bob", "share": 0.25},
    ]
    shown = owner.get("/team").text
    assert "For ann (50 %), bob (25 %) and whoever is free (the rest)." in shown
    assert "ann=0.5\nbob=0.25\n</textarea>" in shown
    refused = owner.put("/api/batches/7/shares", json={"people": "eve"})
    assert refused.status_code >= 400 and "nobody called" in refused.text
    owner.put("/api/batches/7/shares", json={"people": "bob"})
    assert claim(desk.browser("ann"), 4) == []
    assert len(claim(desk.browser("bob"), 4)) == 4
    owner.put("/api/batches/7/shares", json={"people": ""})
    assert desk.store.batch_shares.of(7) == {}


def test_who_leaves_questions_unanswered_is_shown(desk: Desk, owner: Browser) -> None:
    work(desk, "bob", 1)
    bob = desk.browser("bob")
    bob.request("DELETE", "/api/claims", json={"assignments": ids(claim(bob, 3))})
    ann = desk.browser("ann")
    owner.post(
        "/api/gold",
        json={"comparison": "c0", "chosen": "s0a", "explanation": "", "is_training": False},
    )
    policy = ClaimPolicy(gold_share=1.0, retest_share=0.0)
    [gold] = desk.store.queue.claim("ann", n=1, rng=random.Random(0), policy=policy)
    assert gold.kind == "gold"
    ann.request("DELETE", "/api/claims", json={"assignments": [gold.id]})
    found = {x["name"]: x for x in team_of(owner)["labelers"]}
    assert (found["bob"]["answers"], found["bob"]["unanswered"]) == (1, 3)
    assert (found["bob"]["unanswered_known"], found["ann"]["unanswered_known"]) == (0, 1)
    page = owner.get("/team").text
    assert '<a href="/team/answers?labeler=bob">bob</a>' in page
    assert "3 left unanswered<" in page
    assert "1 left unanswered, 1 known" in page


def ids(questions: list[dict[str, Any]]) -> list[str]:
    return [question["assignment_id"] for question in questions]


def test_a_finding_leads_to_the_answers_that_it_is_about(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        desk = make_desk(store, questions=80)
        for _ in range(18):
            work(desk, "bob", 4)
        owner = desk.browser("olga")
        [bob] = [x for x in team_of(owner)["labelers"] if x["name"] == "bob"]
        found = {f["kind"] for f in bob["findings"] if f["status"] == "found"}
        assert found, "bob always takes the first place"
        links = re.findall(
            r'href="/team/answers\?view=(\w+)&amp;labeler=bob">', owner.get("/team").text
        )
        assert len(links) == len(found)
        assert owner.get("/team/answers", params={"view": links[0], "labeler": "bob"}).is_success
        desk.app.state.services.close()


def test_too_little_is_no_evidence(desk: Desk, owner: Browser) -> None:
    work(desk, "ann", 3)
    [ann] = team_of(owner)["labelers"]
    assert {f["status"] for f in ann["findings"]} == {"not enough evidence"}
    assert {f["action"] for f in ann["findings"]} == {None}
    assert "not enough evidence" in owner.get("/team").text


def test_each_version_of_the_instructions_has_its_own_table(desk: Desk, owner: Browser) -> None:
    work(desk, "ann", 2)
    owner.post(
        "/api/instructions",
        json={"version": "1.1", "question": "Which?", "text": "New.", "is_major": False},
    )
    bob = desk.browser("bob")
    for question in claim(bob, 3):
        bob.put(f"/api/answers/{new_id()}", json=answer_to(question, instructions="1.1"))
    assert team_of(owner)["versions"] == ["1", "1.1"]
    for version, name, n in (("1", "ann", 2), ("1.1", "bob", 3)):
        [row] = team_of(owner, version=version)["labelers"]
        assert (row["name"], row["answers"]) == (name, n)
    assert 'href="/team?version=1.1"' in owner.get("/team").text


def test_an_exclusion_has_a_name_a_count_and_an_undo(desk: Desk, owner: Browser) -> None:
    work(desk, "ann", 3)
    rule = owner.post(
        "/api/exclusions", json={"name": "clicks", "labeler": "ann", "reason": "always the first"}
    ).json()
    assert (rule["name"], rule["n_labels"], rule["applied_by"]) == ("clicks", 3, "olga")
    assert len(desk.store.labels(for_training=True)) == 0
    assert len(desk.store.labels()) == 3, "nothing is deleted"
    assert team_of(owner)["labelers"][0]["is_excluded"]
    assert "always the first" in owner.get("/team").text
    undone = owner.delete(f"/api/exclusions/{rule['id']}").json()
    assert undone["undone_by"] == "olga"
    assert len(desk.store.labels(for_training=True)) == 3
    assert [r["id"] for r in owner.get("/api/exclusions").json()["exclusions"]] == [rule["id"]]


def test_an_exclusion_needs_a_reason_and_a_labeler(owner: Browser) -> None:
    rule = {"name": "clicks", "labeler": "ann", "reason": ""}
    assert owner.post("/api/exclusions", json=rule).status_code == 422
    nobody = owner.post("/api/exclusions", json=rule | {"labeler": "zoe", "reason": "x"})
    assert "zoe" in nobody.json()["error"]["message"]


def test_whoever_may_label_can_be_left_out(desk: Desk) -> None:
    assert labelers_known(desk.app.state.services) == ["ann", "bob", "olga"]


# --- known answers


def questions(owner: Browser, **query: Any) -> dict[str, Any]:
    """Return questions as the owner sees them."""
    answer = owner.get("/api/questions", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_questions_come_newest_first_and_in_pages(owner: Browser) -> None:
    first = questions(owner, limit=4)
    rest = questions(owner, limit=4, before=first["before"])
    names = [q["comparison"] for page in (first, rest) for q in page["questions"]]
    assert names == [f"c{n}" for n in (5, 4, 3, 2, 1, 0)]
    assert rest["before"] is None


def test_a_question_shows_how_it_was_answered(desk: Desk, owner: Browser) -> None:
    ann = desk.browser("ann")
    [view] = claim(ann)
    ann.put(f"/api/answers/{new_id()}", json=answer_to(view))
    chosen = samples_of(desk.store, view)["1"]
    [asked] = [q for q in questions(owner)["questions"] if q["n_answers"]]
    assert {s["id"]: s["votes"] for s in asked["samples"]}[chosen] == 1


def test_a_known_answer_comes_into_the_pool_and_leaves_it(desk: Desk, owner: Browser) -> None:
    body = {"comparison": "c3", "chosen": "s3b", "explanation": "Whole.", "is_training": False}
    assert owner.post("/api/gold", json=body).status_code == 201
    [known] = questions(owner, known=True)["questions"]
    assert known["comparison"] == "c3" and known["gold"]["chosen"] == "s3b"
    assert known["gold"]["created_by"] == "olga"
    assert "known to be best" in owner.get("/team/gold?known=true").text
    assert owner.delete("/api/gold/c3").status_code == 204
    assert questions(owner, known=True)["questions"] == []
    assert owner.delete("/api/gold/c3").status_code == 422


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"chosen": "s1a"}, "no sample s1a"),
        ({"comparison": "c99"}, "no comparison c99"),
        ({"is_training": True, "explanation": " "}, "explanation"),
    ],
)
def test_an_impossible_known_answer_is_refused(
    owner: Browser, changes: dict[str, Any], told: str
) -> None:
    body = {"comparison": "c3", "chosen": "s3b", "explanation": "", "is_training": False}
    answer = owner.post("/api/gold", json=body | changes)
    assert answer.status_code == 422
    assert told in answer.json()["error"]["message"]


# --- instructions


def test_a_published_version_is_in_force_at_once(desk: Desk, owner: Browser) -> None:
    body = {"version": "2", "question": "Which?", "text": "Pick *it*.", "is_major": True}
    answer = owner.post("/api/instructions", json=body)
    assert answer.status_code == 201 and "everybody reads it first" in answer.json()["message"]
    me = desk.browser("ann").get("/api/me").json()
    assert me["instructions"]["version"] == "2" and me["must_read"]
    other = owner.post("/api/instructions", json=body | {"text": "Other words."})
    assert other.status_code == 422 and "2" in other.json()["error"]["message"]


def test_a_preview_runs_nothing(owner: Browser) -> None:
    text = "**Bold**\n\n<script>alert(1)</script> [x](javascript:alert(1)) ![y](http://z/)"
    html = owner.post("/api/instructions/preview", json={"text": text}).json()["html"]
    assert "<strong>Bold</strong>" in html
    assert not re.search(r"<script|<a |<img", html)


# --- the cord


def test_an_owner_lets_the_run_go_on_and_says_what_was_checked(desk: Desk, owner: Browser) -> None:
    desk.store.updates.heartbeat(phase="policy", round=0, done=9, total=9, checkpoints=(4, 8))
    cord = desk.store.stop_requests.pull("ann", "It only repeats.", ["s1a"])
    place = f"/api/cord/{cord.id}/release"
    unsaid = owner.post(place, json={"checked": " ", "action": "resume"})
    assert unsaid.status_code == 422
    lost = owner.post(place, json={"checked": "x", "action": "roll_back", "roll_back_to": 5})
    assert "no checkpoint of update 5" in lost.json()["error"]["message"]
    said = {"checked": "Read ten samples.", "action": "roll_back", "roll_back_to": 4}
    assert owner.post(place, json=said).json()["message"] == "The run is rolled back to update 4."
    assert desk.store.stop_requests.active() is None
    assert desk.store.stop_requests.all()[-1].checked == "Read ten samples."
