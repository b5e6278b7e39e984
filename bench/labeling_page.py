"""How fast the labeling page is: from a key to the next question painted, and the first page.

    python -m bench.labeling_page --answers 200

Real server, real SQLite store, real Chromium, all on this machine. It prints a table and writes
bench/results/labeling_page.json. Run it on a machine that does nothing else.
"""

import argparse
import json
import os
import platform
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import quantiles
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.browser.chromium import launch
from tests.browser.person import Person
from tests.browser.site import Question, serving, short_questions

RESULTS = Path(__file__).parent / "results"
WATCH_KEY = """() => {
  const shown = () => document.getElementById("samples").firstElementChild;
  const before = shown();
  window.painted = new Promise((resolve) => {
    addEventListener("keydown", (event) => {
      requestAnimationFrame(() => {
        // Runs after the frame that the animation frame was for.
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => resolve([performance.now() - event.timeStamp, shown() !== before]);
        port2.postMessage(null);
      });
    }, { once: true });
  });
}"""
WATCH_FIRST = """new MutationObserver((_, observer) => {
  if (!document.querySelector("#samples > *")) return;
  observer.disconnect();
  requestAnimationFrame(() => { window.firstShown = performance.now(); });
}).observe(document, { childList: true, subtree: true });"""
BYTES = """() => ["navigation", "resource"]
  .flatMap((kind) => performance.getEntriesByType(kind))
  .reduce((sum, entry) => sum + entry.transferSize, 0)"""


def main() -> None:
    """Measure short and long questions, print a table, and keep all figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--answers", type=int, default=200)
    n = parser.parse_args().answers
    rows = {
        "short continuations": measure(short_questions(n + 10), n),
        "long summaries": measure(long_questions(n + 10), n),
    }
    machine = f"{os.cpu_count()} cores, {platform.machine()}, load {os.getloadavg()[0]:.1f}"
    print(f"{n} answers each, {machine}\n")
    print("| questions | key to next painted, p50 | p95 | worst | first page | bytes |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, row in rows.items():
        p50, p95, worst = row["p50_ms"], row["p95_ms"], row["worst_ms"]
        first = f"{row['first_page_ms']:.0f} ms | {row['first_page_bytes'] / 1000:.0f} kB"
        print(f"| {name} | {p50:.0f} ms | {p95:.0f} ms | {worst:.0f} ms | {first} |")
    RESULTS.mkdir(exist_ok=True)
    content = json.dumps({"machine": machine, "answers": n, "rows": rows}, indent=1)
    (RESULTS / "labeling_page.json").write_text(content + "\n", encoding="utf-8")


def measure(questions: Sequence[Question], n_answers: int) -> dict[str, Any]:
    """Return percentiles over answers by key, and time and size of the first page."""
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as site:
        site.add("Ann")
        site.ask(questions)
        with sync_playwright() as playwright, launch(playwright, whole=True) as browser:
            ann = Person(browser.new_page(viewport={"width": 1440, "height": 900}), site, "Ann")
            ann.page.add_init_script(WATCH_FIRST)
            ann.come_back()
            ann.asked()
            n_bytes, first_ms = first_page(ann.page)
            times = [key_to_paint(ann.page) for _ in range(n_answers)]
            ann.is_saved()
            assert len(site.labels()) == n_answers
    cuts = quantiles(times, n=100, method="inclusive")
    return {
        "p50_ms": cuts[49],
        "p95_ms": cuts[94],
        "worst_ms": max(times),
        "first_page_ms": first_ms,
        "first_page_bytes": n_bytes,
        "all_ms": [round(time, 1) for time in times],
    }


def long_questions(n: int) -> list[Question]:
    """Return posts of some 2,000 characters with four summaries each."""
    sentence = "We have always split everything evenly, and then her boyfriend moved in. "
    return [
        (f"{i}. {sentence * 28}", [f"{sentence * 3}Should I ask him to pay {s}?" for s in "abcd"])
        for i in range(n)
    ]


def key_to_paint(page: Page) -> float:
    """Answer by a key; return the milliseconds until the next question was painted."""
    page.locator("body[data-state=asking]").wait_for()
    page.evaluate(WATCH_KEY)
    page.keyboard.press("1")
    milliseconds, is_next = page.evaluate("window.painted")
    assert is_next, "the next question was not there"
    return float(milliseconds)


def first_page(page: Page) -> tuple[int, float]:
    """Return the bytes that came for the first page, and when its question was painted."""
    return page.evaluate(BYTES), page.evaluate("window.firstShown ?? 0")


if __name__ == "__main__":
    main()
