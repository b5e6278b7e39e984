"""A run that can only be looked at: logins and pages work, and nothing that is sent is taken."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from prefloop.web.config import WebSettings
from tests.unit.web.desk import WORK_ONLY, Desk, desk_over, open_store


@pytest.fixture
def desk(filled: Path, tmp_path: Path) -> Iterator[Desk]:
    shutil.copy(filled, tmp_path / "prefloop.db")
    with open_store(tmp_path) as store:
        made = desk_over(store, WebSettings(claims=WORK_ONLY, is_read_only=True))
        yield made
        made.app.state.services.close()


def test_labeling_is_refused_with_a_word(desk: Desk) -> None:
    for client in (desk.browser("ann"), desk.program("ann")):
        for send, path in ((client.post, "/api/claims"), (client.put, "/api/answers/x")):
            refused = send(path, json={})
            assert refused.status_code == 403
            assert refused.json()["error"]["code"] == "read_only"
            assert "nobody can label" in refused.json()["error"]["message"]
    assert desk.store.labels() == []


def test_the_dashboard_is_shown(desk: Desk) -> None:
    for name in ("vera", "olga"):
        browser = desk.browser(name)
        assert browser.get("/dashboard").status_code == 200
        assert browser.get("/api/dashboard").status_code == 200
    assert desk.browser("olga").post("/api/people", json={"name": "eve"}).status_code == 403
    assert desk.browser("ann").get("/label").status_code == 200
