"""What the documentation tells programs to do works as it stands there."""

import re
import subprocess
import sys

from prefloop.web.app import SECTIONS, empty_app
from prefloop.web.config import WebSettings
from tests.architecture.source import ROOT
from tests.unit.web.desk import Desk
from tests.unit.web.test_serving import running

HOW_TO = (ROOT / "docs" / "how-to" / "label-through-the-api.md").read_text(encoding="utf-8")


def test_the_labeler_in_the_documentation_labels(desk: Desk) -> None:
    [program] = re.findall(r"```python\n(.*?)```", HOW_TO, re.DOTALL)
    assert sum(map(bool, program.splitlines())) <= 25
    _, secret = desk.store.access.new_token(desk.people["bob"], "x")
    with running(desk, WebSettings()) as where:
        result = subprocess.run(
            [sys.executable, "-c", program, where, secret],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    assert result.returncode == 0, result.stderr
    labels = desk.store.labels()
    assert len(labels) == 6 and {label.labeler for label in labels} == {"bob"}


def test_every_route_and_field_is_described() -> None:
    schema = empty_app().openapi()
    lacking = [
        f"{method} {path}"
        for path, route in schema["paths"].items()
        for method, operation in route.items()
        if not operation.get("description") or not set(operation["tags"]) <= set(SECTIONS)
    ]
    assert lacking == []
    models = schema["components"]["schemas"]
    assert [name for name, model in models.items() if not model.get("description")] == []


def test_routes_that_the_how_to_names_exist() -> None:
    paths = {re.sub(r"\{\w+\}", "", path) for path in empty_app().openapi()["paths"]}
    named = {path.rstrip("/") for path in re.findall(r"(/api/[a-z/]+[a-z])", HOW_TO)}
    assert named - {"/api/openapi"} <= {path.rstrip("/") for path in paths}


def test_a_server_describes_itself_as_the_page_of_the_api_does(desk: Desk) -> None:
    """Also what each address may refuse, which the server does not carry along."""
    described = desk.browser().get("/api/openapi.json").json()
    assert described == empty_app().openapi()
    assert "503" in described["paths"]["/api/me"]["get"]["responses"]
