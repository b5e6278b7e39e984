"""Who may do what: every route, for everybody, with the exact answer.

A route without a line here fails the first test. Items belong to ann: `other` is bob, who may
label, but not touch what is hers.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from fastapi.routing import APIRoute
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from prefloop.records import Label
from prefloop.store.labeling.adjudications import OwnersVerdict
from prefloop.store.store import Store
from prefloop.teamwork import Gold, Submission
from prefloop.web.app import ROUTERS
from tests.unit.web.desk import (
    WORK_ONLY,
    Desk,
    answer_to,
    claim,
    make_desk,
    new_id,
    open_store,
)

CALLERS = ("anonymous", "labeler", "other", "viewer", "owner", "token")


class Codes(NamedTuple):
    """What each kind of caller is answered."""

    anonymous: int
    labeler: int
    other: int
    viewer: int
    owner: int
    token: int


ALL = Codes(200, 200, 200, 200, 200, 200)
KNOWN = Codes(401, 200, 200, 200, 200, 200)
WORK = Codes(401, 200, 200, 403, 200, 200)
OWN_ITEM = Codes(401, 200, 404, 403, 404, 200)
"""Owners see all answers in the table of labels, but do not answer in somebody's name."""
WATCH = Codes(401, 403, 403, 200, 200, 403)
RULE = Codes(401, 403, 403, 403, 200, 403)
MADE = RULE._replace(owner=201)
GONE = RULE._replace(owner=204)
PAGE = Codes(303, 200, 200, 200, 200, 403)
WORK_PAGE = PAGE._replace(viewer=403)
WATCH_PAGE = Codes(303, 403, 403, 200, 200, 403)
OWNER_PAGE = WATCH_PAGE._replace(viewer=403)


@dataclass
class Scene:
    """Things that paths and bodies name."""

    desk: Desk
    question: dict[str, Any]
    answer_id: str
    token_id: str
    exclusion_id: str
    stop_request_id: str
    adjudication_id: str

    def path(self, template: str) -> str:
        """Return a route's path with real items in it."""
        return template.format(
            answer_id=self.answer_id,
            person_id=self.desk.people["bob"],
            token_id=self.token_id,
            comparison="c4",
            form="csv",
            adjudication_id=self.adjudication_id,
            name="best_of_k",
            round=7,
            exclusion_id=self.exclusion_id,
            stop_request_id=self.stop_request_id,
        )


Body = Callable[[Scene], dict[str, Any]]


def fixed(**body: Any) -> Body:
    """Return a body that names nothing of the scene."""
    return lambda scene: body


EXPECTED: dict[str, tuple[Codes, Body | None]] = {
    # open to all
    "GET /healthz": (ALL, None),
    "GET /login": (ALL, None),
    "GET /api/openapi.json": (ALL, None),
    "HEAD /api/openapi.json": (ALL, None),
    "GET /static/label_types/{name}/widget.js": (ALL, None),
    "POST /api/session": (Codes(401, 401, 401, 401, 401, 401), fixed(code="WRONG")),
    # everybody's own
    "GET /": (Codes(303, 303, 303, 303, 303, 403), None),
    "GET /instructions": (PAGE, None),
    "GET /api/me": (KNOWN, None),
    "GET /api/cord": (KNOWN, None),
    # labeling
    "GET /label": (WORK_PAGE, None),
    "GET /mine": (WORK_PAGE, None),
    "GET /api/answers": (WORK, None),
    "POST /api/me/instructions": (WORK, fixed(version="1")),
    "POST /api/claims": (WORK, fixed(n=1)),
    "POST /api/claims/renew": (WORK, lambda s: {"assignments": [s.question["assignment_id"]]}),
    "PUT /api/answers/{answer_id}": (OWN_ITEM, lambda s: answer_to(s.question)),
    "DELETE /api/answers/{answer_id}": (OWN_ITEM, None),
    "DELETE /api/claims": (
        Codes(401, 204, 204, 403, 204, 204),
        lambda s: {"assignments": [s.question["assignment_id"]]},
    ),
    "POST /api/cord": (WORK, fixed(reason="It insults people.")),
    # watching
    "GET /dashboard": (WATCH_PAGE, None),
    "GET /api/dashboard": (WATCH, None),
    "GET /api/quality": (WATCH, None),
    # running a team
    "GET /team": (OWNER_PAGE, None),
    "GET /team/parts/work": (OWNER_PAGE, None),
    "GET /team/parts/exclusions": (OWNER_PAGE, None),
    "GET /team/parts/batches": (OWNER_PAGE, None),
    "GET /team/people": (OWNER_PAGE, None),
    "GET /team/parts/people": (OWNER_PAGE, None),
    "GET /team/gold": (OWNER_PAGE, None),
    "GET /team/parts/questions": (OWNER_PAGE, None),
    "GET /team/instructions": (OWNER_PAGE, None),
    "GET /team/parts/versions": (OWNER_PAGE, None),
    "GET /api/team": (RULE, None),
    "GET /api/batches": (RULE, None),
    "PUT /api/batches/{round}/shares": (RULE, fixed(people="ann=0.5")),
    "GET /api/people": (RULE, None),
    "GET /api/people/{person_id}/tokens": (RULE, None),
    "GET /api/questions": (RULE, None),
    "GET /api/exclusions": (RULE, None),
    "GET /team/answers": (OWNER_PAGE, None),
    "GET /team/parts/answers": (OWNER_PAGE, None),
    "GET /team/parts/answers/{comparison}": (OWNER_PAGE, None),
    "GET /api/team/answers": (RULE, None),
    "GET /api/team/answers.{form}": (RULE, None),
    "POST /api/adjudications": (MADE, fixed(comparison="c3", answer="tie")),
    "DELETE /api/adjudications/{adjudication_id}": (GONE, None),
    "DELETE /api/holds/{comparison}": (GONE, None),
    "POST /api/people": (MADE, fixed(name="new", role="labeler")),
    "POST /api/people/{person_id}/invites": (MADE, None),
    "DELETE /api/people/{person_id}/invites": (GONE, None),
    "POST /api/people/{person_id}/tokens": (MADE, fixed(name="for a program")),
    "POST /api/people/{person_id}/disable": (RULE, None),
    "POST /api/people/{person_id}/enable": (RULE, None),
    "POST /api/people/{person_id}/pass": (RULE, None),
    "POST /api/people/{person_id}/rename": (RULE, fixed(name="bobby")),
    "DELETE /api/tokens/{token_id}": (GONE, None),
    "POST /api/instructions/preview": (RULE, fixed(text="*new*")),
    "POST /api/instructions": (
        MADE,
        fixed(version="2", question="Which?", text="Read.", is_major=False),
    ),
    "POST /api/gold": (
        MADE,
        fixed(comparison="c5", chosen="s5a", explanation="It is.", is_training=False),
    ),
    "DELETE /api/gold/{comparison}": (GONE, None),
    "POST /api/exclusions": (MADE, fixed(name="random", labeler="ann", reason="as dice")),
    "DELETE /api/exclusions/{exclusion_id}": (RULE, None),
    "POST /api/cord/{stop_request_id}/release": (RULE, fixed(checked="Looked.", action="resume")),
    "POST /api/people/{person_id}/erase": (RULE, None),
    # last, for it ends the session
    "DELETE /api/session": (Codes(401, 204, 204, 204, 204, 403), None),
}


def routes() -> Iterator[str]:
    """Yield every route that the app has."""
    for router, _ in ROUTERS:
        for route in router.routes:
            assert isinstance(route, APIRoute), f"{route} is of a kind that this test cannot see"
            assert route.methods, f"{route} takes no method"
            yield from (f"{method} {route.path}" for method in route.methods)


def test_every_route_has_its_line(desk: Desk) -> None:
    own = [route for route in desk.app.routes if isinstance(route, Route)]
    given = {f"{method} {route.path}" for route in own for method in route.methods or ()}
    assert given | set(routes()) == set(EXPECTED)
    mounts = [route.path for route in desk.app.routes if isinstance(route, Mount)]
    assert mounts == ["/static"], "what is mounted is open to everybody"
    assert len(desk.app.routes) == len(own) + len(mounts) + len(ROUTERS)


@pytest.fixture(params=CALLERS)
def caller(request: pytest.FixtureRequest) -> str:
    """Each kind of caller in turn."""
    name: str = request.param
    return name


def test_everybody_may_do_exactly_what_the_table_says(tmp_path: Path, caller: str) -> None:
    with open_store(tmp_path) as store:
        desk = make_desk(store, questions=12)
        scene = set_up(desk)
        client = client_of(desk, caller)
        found = {}
        for route, (_, body) in EXPECTED.items():
            method, template = route.split(" ")
            content = None if body is None else body(scene)
            answer = client.request(method, scene.path(template), json=content)
            found[route] = answer.status_code
        assert found == {route: getattr(codes, caller) for route, (codes, _) in EXPECTED.items()}
        desk.app.state.services.close()


def set_up(desk: Desk) -> Scene:
    """Return a scene in which ann has a question on screen."""
    store = desk.store
    token_id, _ = store.access.new_token(desk.people["ann"], "another")
    store.gold.add(
        Gold(
            comparison_id="c4",
            chosen="s4a",
            explanation="",
            is_training=False,
            created_by="olga",
        )
    )
    rule = store.exclusions.apply("always left", "bob", "the left one, always", "olga")
    _hold(store, "c4")
    [question] = claim(desk.browser("ann"))
    return Scene(
        desk=desk,
        question=question,
        answer_id=new_id(),
        token_id=token_id,
        exclusion_id=rule.id,
        stop_request_id=store.stop_requests.pull("bob", "It repeats itself.").id,
        adjudication_id=store.adjudications.decide(
            OwnersVerdict(comparison_id="c2", answer="tie"), "olga"
        ).id,
    )


def _hold(store: Store, comparison_id: str) -> None:
    """Let somebody flag a question as harmful, and give all others back."""
    store.people.add("eve", "labeler")
    views = store.queue.claim("eve", n=12, rng=random.Random(0), policy=WORK_ONLY)
    [view] = [each for each in views if each.comparison_id == comparison_id]
    flag = Label(
        id="harm",
        comparison_id=comparison_id,
        labeler="eve",
        answer="flag",
        chosen=None,
        shown=tuple(sample.id for sample in view.samples),
        seconds=1.0,
        instructions="1",
    )
    store.answers.submit([Submission(label=flag, assignment_id=view.id, is_harmful=True)])
    store.queue.give_back([each.id for each in views], "eve")


def client_of(desk: Desk, caller: str) -> TestClient:
    """Return a client of this kind of caller."""
    if caller == "token":
        return desk.program("ann")
    names = {"labeler": "ann", "other": "bob", "viewer": "vera", "owner": "olga"}
    return desk.browser(names.get(caller))


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_reading_never_changes_anything_and_nothing_else_reads(desk: Desk, method: str) -> None:
    olga = desk.browser("olga")
    paths = [route.split(" ")[1] for route in EXPECTED if route.startswith("GET ")]
    for path in paths:
        if "{" in path or f"{method.upper()} {path}" in EXPECTED:
            continue
        assert olga.request(method, path, json={}).status_code == 405, path


def test_a_token_of_the_owner_labels_and_does_nothing_else(desk: Desk) -> None:
    program = desk.program("olga")
    assert program.post("/api/claims", json={"n": 1}).status_code == 200
    for path in ("/api/people", "/api/dashboard", "/api/team", "/dashboard"):
        answer = program.get(path)
        assert answer.status_code == 403, path
    assert "a program's token" in program.get("/api/people").json()["error"]["message"]
