"""The page's small functions: differences, visible signs, keys, stopwatch, where login leads."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.site import serving


@pytest.fixture(scope="module")
def page(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Return a window on a server, nobody logged in; what is called in it keeps no state."""
    with serving(tmp_path_factory.mktemp("site")) as site, browser.new_context() as context:
        window = context.new_page()
        window.goto(f"{site.address}/login")
        yield window


def run(page: Page, module: str, code: str, given: object = None) -> Any:
    """Return what an expression gives in which `it` is the module and `given` the argument."""
    take = f"const it = await import('/static/labeling/{module}.js');"
    return page.evaluate(f"async (given) => {{ {take} return {code}; }}", given)


DIFFERENT = """(() => {
  const [own, base] = given.map((text) => it.words(text));
  const isNew = it.differing(own, base);
  return own.filter((_, i) => isNew[i]).join("|");
})()"""


@pytest.mark.parametrize(
    ("own", "base", "expected"),
    [
        ("the cat sat", "the cat sat", ""),
        ("the cat sat", "The CAT sat", ""),
        ("the black cat sat", "the cat sat", "black"),
        ("a b c", "x y z", "a| |b| |c"),
        ("one two", "", "one| |two"),
        ("", "one two", ""),
        ("he pays half.", "he pays nothing.", "half"),
        ("she sat, and sang", "she sat and sang", ","),
        ("b a", "a b", "b"),
        ("猫が好き", "犬が好き", "猫"),
    ],
)
def test_what_is_not_in_the_other_text(page: Page, own: str, base: str, expected: str) -> None:
    assert run(page, "diff", DIFFERENT, [own, base]) == expected


def test_long_texts_are_compared_in_time(page: Page) -> None:
    code = """(() => {
      const a = it.words("alpha beta ".repeat(20000)), b = it.words("beta gamma ".repeat(20000));
      const t = performance.now(); const n = it.differing(a, b);
      return [performance.now() - t < 5000, n.filter(Boolean).length];
    })()"""
    assert run(page, "diff", code) == [True, 20_000]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\n\ttext  here", "plain\n\ttext  here"),
        ("a\u200bb", "a[ZWSP]b"),
        ("a\u200b\u200b\u200bb", "a[ZWSP ×3]b"),
        ("a\u202e\u200bb", "a[2 hidden]b"),
        ("\ufeffa", "[BOM]a"),
        ("a\u0000b", "a[U+0000]b"),
        ("a\u00adb", "a[SHY]b"),
        ("a\r\nb\rc", "a\nb[U+000D]c"),
        ("naïve Straße", "naïve Straße"),
        ("👩‍👩‍👧 ❤️ 👍🏽 1️⃣ 🇨🇭", "👩‍👩‍👧 ❤️ 👍🏽 1️⃣ 🇨🇭"),
        ("می‌خواهم", "می‌خواهم"),
        ("क्‍ष", "क्‍ष"),
        ("sol\u200did", "sol[ZWJ]id"),
        ("x\ufe0f\ufe0f", "x[U+FE0F ×2]"),
        ("a\U000e0041b", "a[U+E0041]b"),
    ],
)
def test_signs_that_hide_are_shown(page: Page, text: str, shown: str) -> None:
    code = """[...it.readable(given).childNodes].map((n) =>
      n.className === "hidden-character" ? `[${n.textContent}]` : n.data).join("")"""
    assert run(page, "text", code, text) == shown


KEYS = "it.actionOf(new KeyboardEvent('keydown', given))"


@pytest.mark.parametrize(
    ("event", "action"),
    [
        ({"key": "1", "code": "Digit1"}, {"action": "sample", "number": 1}),
        ({"key": "8", "code": "Numpad8"}, {"action": "sample", "number": 8}),
        ({"key": "9", "code": "Digit9"}, None),
        ({"key": "&", "code": "Digit1"}, {"action": "sample", "number": 1}),
        ({"key": "à", "code": "Digit0"}, {"action": "tie"}),
        ({"key": "=", "code": "Digit0", "shiftKey": True}, {"action": "tie"}),
        ({"key": "!", "code": "Digit1", "shiftKey": True}, None),
        ({"key": "B", "code": "KeyB"}, {"action": "all_bad"}),
        ({"key": "и", "code": "KeyB"}, {"action": "all_bad"}),
        ({"key": "p", "code": "KeyP"}, {"action": "copies"}),
        ({"key": "x", "code": "KeyX"}, None),
        ({"key": "X", "code": "KeyX"}, None),
        ({"key": "X", "code": "KeyX", "shiftKey": True}, {"action": "cord"}),
        ({"key": "?", "code": "Slash", "shiftKey": True}, {"action": "help"}),
        ({"key": "1", "code": "Digit1", "ctrlKey": True}, None),
        ({"key": "s", "code": "KeyS", "metaKey": True}, None),
        ({"key": "1", "code": "Digit1", "repeat": True}, None),
        ({"key": "1", "code": "Digit1", "isComposing": True}, None),
    ],
)
def test_keys_on_many_keyboards(page: Page, event: dict[str, Any], action: object) -> None:
    found = run(page, "keys", KEYS, event)
    assert found == action


def test_the_stopwatch_counts_what_was_active(page: Page) -> None:
    code = """(() => {
      const w = new it.Stopwatch(1000, true);
      w.touch(11_000); w.touch(12_000, true); w.touch(200_000);
      w.turn(false, 210_000); w.turn(true, 500_000); w.touch(400_000);
      return w.read(510_000);
    })()"""
    read = run(page, "stopwatch", code)
    assert read["seconds"] == 509.0
    assert read["first_key_seconds"] == 11.0
    assert read["active_seconds"] == 10 + 1 + 60 + 10 + 60


@pytest.mark.parametrize(
    ("search", "page_after_login"),
    [
        ("", "/"),
        ("?next=/label", "/label"),
        ("?next=//evil.example", "/"),
        ("?next=https://evil.example", "/"),
        ("?next=/%5Cevil.example", "/"),
        ("?next=javascript:alert(1)", "/"),
        ("?next=/label?change=a-b", "/label?change=a-b"),
    ],
)
def test_login_leads_nowhere_else(page: Page, search: str, page_after_login: str) -> None:
    assert run(page, "login", "it.nextPage(given)", search) == page_after_login
