"""One browser for all tests; a server, a store and a window for each."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from tests.browser.chromium import launch
from tests.browser.person import Person
from tests.browser.site import Site, serving, short_questions

PATIENCE_MS = 15_000
"""The machine of a test may be busy; nothing is slept through, only waited for."""

NewPerson = Callable[..., Person]


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """Return Playwright, with patience.

    It ends with these tests: a browser that nobody asked took 6 % of a core until the last test.
    """
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Return a running Chromium."""
    with launch(playwright) as running:
        yield running


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Serve a store with twelve short questions for Ann."""
    with serving(tmp_path) as made:
        made.add("Ann")
        made.ask(short_questions(12))
        yield made


@pytest.fixture
def new_person(browser: Browser, site: Site) -> Iterator[NewPerson]:
    """Return a function that gives somebody a browser of their own, at their first question."""
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def make(name: str = "Ann", *, comes_back: bool = True, **options: Any) -> Person:
        context = browser.new_context(**options)
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        context.on("weberror", lambda error: problems.append(str(error.error)))
        person = Person(context.new_page(), site, name)
        if comes_back:
            person.come_back()
        return person

    yield make
    for context in contexts:
        context.close()
    assert problems == [], "scripts of the page failed"


@pytest.fixture
def ann(new_person: NewPerson) -> Person:
    """Return Ann before her first question."""
    ann = new_person("Ann")
    ann.asked()
    return ann


@pytest.fixture
def page(ann: Person) -> Page:
    """Return Ann's window."""
    return ann.page
