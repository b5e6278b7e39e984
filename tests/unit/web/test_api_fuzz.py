"""Requests that nobody thought of: no answer above 499, and none that the documentation omits."""

from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation.case import Case
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.testclient import TestClient

from prefloop.store.store import Store
from tests.unit.web.desk import HOME, Desk, answer_to, claim, make_desk, new_id, open_store
from tests.unit.web.test_authorization import client_of

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
ROLES = ("anonymous", "labeler", "viewer", "owner", "token")
# The server's threads draw random numbers of their own while a request is being made up.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module")

ENDS_THE_SESSION = ("DELETE", "/api/session")


def busy(store: Store) -> Desk:
    """Return a desk with something of everything."""
    desk = make_desk(store, questions=30)
    ann = desk.browser("ann")
    for question in claim(ann, 3):
        ann.put(f"/api/answers/{new_id()}", json=answer_to(question))
    claim(ann, 2)
    return desk


def fuzz(desk: Desk, role: str, examples: int) -> int:
    """Send requests to every route as somebody; return how many."""
    schema = schemathesis.openapi.from_dict(desk.app.openapi())
    schema.app = desk.app
    known = {"person_id": desk.people["bob"], "comparison": "c1"}
    sent = 0
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        if (operation.method.upper(), operation.path) == ENDS_THE_SESSION:
            continue
        modes = [GenerationMode.POSITIVE]
        if operation.body or operation.path_parameters or operation.query:
            modes.append(GenerationMode.NEGATIVE)
        client = client_of(desk, role)
        sent += sum(send_all(operation, mode, client, examples, known) for mode in modes)
    return sent


def send_all(
    operation: Any, mode: GenerationMode, client: TestClient, examples: int, known: dict[str, str]
) -> int:
    """Send requests to one route; return how many."""
    sent = 0

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case: Case) -> None:
        nonlocal sent
        sent += 1
        if sent % 2 and isinstance(case.path_parameters, dict):
            # Every second request is about something that is there.
            there = {k: v for k, v in known.items() if k in case.path_parameters}
            case.path_parameters.update(there)
        case.call_and_validate(
            base_url=HOME,
            headers=_identity(client),
            cookies=dict(client.cookies),
            checks=CHECKS,
        )

    send()
    return sent


def _identity(client: TestClient) -> dict[str, str]:
    names = ("authorization", "x-csrf-token", "origin")
    return {name: client.headers[name] for name in names if name in client.headers}


@pytest.mark.parametrize("role", ["labeler", "owner"])
def test_no_request_breaks_the_server(tmp_path: Path, role: str) -> None:
    with open_store(tmp_path) as store:
        desk = busy(store)
        assert fuzz(desk, role, 2) > 80
        desk.app.state.services.close()


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES)
def test_no_request_of_many_breaks_the_server(place: str | Path, role: str) -> None:
    with Store.open(place) as store:
        desk = busy(store)
        assert fuzz(desk, role, 100) > 2000
        desk.app.state.services.close()
