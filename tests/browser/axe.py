"""What a machine can find wrong for people who do not see or use a page like most others."""

import json

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

GRAVE = ("serious", "critical")


def faults(page: Page) -> list[str]:
    """Return what axe finds grave."""
    # Colors that fade in are measured as they are at that moment.
    page.evaluate("() => Promise.all(document.getAnimations().map((a) => a.finished))")
    result = Axe().run(page)
    return [
        f"{v['id']}: {json.dumps([n['html'][:120] + n['failureSummary'] for n in v['nodes'][:3]])}"
        for v in result.response["violations"]
        if v["impact"] in GRAVE
    ]
