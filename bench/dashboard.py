"""How fast the owner's pages are when the store is full, and whether labelers notice.

    python bench/dashboard.py [--questions 100000] [--labels 1000000] [--store bench.db]

Takes the store of `labeling_store.py`, adds people, hours of work and a long training, and asks the
server as a browser does: with a session, over the whole app, in this process.
"""

import argparse
import random
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from labeling_store import fill, group_commit, spread, tell, timed
from starlette.testclient import TestClient

from prefloop.comparisons.quality.thresholds import Thresholds
from prefloop.store.core.team_tables import tallies
from prefloop.store.store import Store
from prefloop.web.app import create_app
from prefloop.web.config import WebSettings
from prefloop.web.services.quality_meter import QualityMeter

HOURS = 24 * 42
"""Six weeks of work."""
UPDATES = 5000
LOOKS = 100
HOME = "http://127.0.0.1:8765"


def main() -> None:
    """Fill a store if need be, and print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--questions", type=int, default=100_000)
    parser.add_argument("--labels", type=int, default=1_000_000)
    parser.add_argument("--store", type=Path, help="a store of labeling_store.py to use again")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.store or Path(folder) / "prefloop.db"
        is_new = not path.exists()
        with Store.open(path) as store:
            if is_new:
                fill(store, options.questions, options.labels // options.questions)
            if not store.people.all():
                add_work(store, options.labels)
            measure(store)


def add_work(store: Store, n_labels: int) -> None:
    """Add an owner, the hours in which the labels were given, and lines of training."""
    store.people.add("olga", "owner")
    this_hour = int(store.now() // 3600)
    rng = random.Random(1)
    shifts = [
        (this_hour - h, f"labeler{w}") for h in range(HOURS) for w in rng.sample(range(50), 9)
    ]
    each = max(1, n_labels // len(shifts))
    kinds = (("best", each), ("tie", 2), ("skip", 1))
    rows = [
        {
            "hour": hour,
            "labeler": who,
            "instructions": "1",
            "answer": kind,
            "n": n,
            "seconds": 9 * n,
        }
        for hour, who in shifts
        for kind, n in kinds
    ]
    with store._database.writing() as connection:
        connection.execute(sa.insert(tallies), rows)
    line = {"policy/score": 1.0, "policy/kl": 2.0, "policy/kl_coef": 0.1, "policy/entropy": 3.0}
    text = {"prompt": "p" * 400, "response": "r" * 200, "score": 1.0, "kl": 2.0}
    for update in range(UPDATES):
        store.updates.write("policy", 0, update, line, [text] * 3)
    store.updates.heartbeat(phase="improving the policy", round=0, done=1, total=2)


def measure(store: Store) -> None:
    """Print one line per figure."""
    app = create_app(store, WebSettings())
    owner = next(p for p in store.people.all() if p.role == "owner")
    browser = TestClient(app, base_url=HOME, headers={"origin": HOME})
    browser.post("/api/session", json={"code": store.access.invite(owner.id)})
    measuring = QualityMeter(store, Thresholds())
    tell("figures of trust, first time", [timed(measuring)])
    tell("figures of trust, again", [timed(measuring)])
    last = store.recent.last_line()
    ask = get(browser, f"/api/dashboard?after={last}")
    tell("GET /api/dashboard, the first", [timed(ask)])
    tell("GET /api/dashboard, what is new", [timed(ask) for _ in range(LOOKS)])
    whole = get(browser, "/api/dashboard?after=0")
    tell("GET /api/dashboard, 1000 lines", [timed(whole) for _ in range(10)])
    for path in ("/team", "/team/gold", "/team/people"):
        tell(f"GET {path}", [timed(get(browser, path)) for _ in range(10)])
    print(f"{'GroupCommit, 32 at once, nobody looks':40} {group_commit(store, 32)}")
    print(f"{'GroupCommit, 32 at once, 5 look':40} {watched(store, ask)}")
    app.state.services.close()


def get(browser: TestClient, path: str) -> Callable[[], Any]:
    """Return a look at a page."""

    def look() -> None:
        answer = browser.get(path)
        assert answer.status_code == 200, answer.text

    return look


def watched(store: Store, look: Callable[[], Any]) -> str:
    """Return how fast answers are taken while five dashboards are open."""
    is_over = threading.Event()
    looks: list[float] = []

    def watch() -> None:
        while not is_over.wait(2.0):
            looks.append(timed(look))

    watchers = [threading.Thread(target=watch) for _ in range(5)]
    for number, watcher in enumerate(watchers):
        watcher.start()
        time.sleep(0.4 * (number < 4))
    try:
        found = group_commit(store, 32)
    finally:
        is_over.set()
        for watcher in watchers:
            watcher.join()
    return f"{found}; looks {spread(looks)}" if looks else found


if __name__ == "__main__":
    main()
