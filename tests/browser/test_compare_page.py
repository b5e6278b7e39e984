"""The page of compared runs in a real browser: nothing from a network, nothing beyond its edge."""

from pathlib import Path
from typing import Literal

import pytest
import yaml
from playwright.sync_api import Browser, expect

from prefloop.experiments.compare.measure import compare_runs
from prefloop.experiments.compare.page import write_page
from prefloop.progress import Silent
from tests.browser.axe import faults
from tests.browser.test_accessibility import OVERFLOW
from tests.unit.report.fake_run import SETTINGS, make_run


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_stands_alone_and_can_be_read(
    browser: Browser, tmp_path: Path, scheme: Literal["light", "dark"]
) -> None:
    runs = []
    for name, lean in (("ppo", 0.2), ("rloo-with-a-long-name", 0.6), ("dpo", 0.9)):
        run = make_run(tmp_path / name, rounds=1, n_held_out=24, hostile=(), policy_lean=lean)
        settings = {**SETTINGS, "rounds": 1, "evaluation": {"judges": ["lexicon"]}}
        (run / "run.yaml").write_text(yaml.safe_dump(settings))
        runs.append(run)
    place = tmp_path / "page.html"
    write_page(compare_runs(runs, Silent()), place)
    with browser.new_context(color_scheme=scheme, viewport={"width": 360, "height": 740}) as window:
        page, asked = window.new_page(), list[str]()
        page.on("request", lambda request: asked.append(request.url))
        page.goto(place.as_uri())
        assert asked == [place.as_uri()]
        expect(page.get_by_role("region", name="Runs", exact=True)).to_be_visible()
        expect(page.get_by_role("img", name="Preferred to the reference")).to_be_visible()
        assert page.evaluate(OVERFLOW) <= 0, "wide tables scroll by themselves"
        assert faults(page) == []
