"""People in tests: programs that label through the real page's interface, or in the store."""

import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from prefloop.store.store import Store
from prefloop.teamwork import Assignment, ClaimPolicy

PATIENCE_SECONDS = 120.0
POLICY = ClaimPolicy(gold_share=0.0, retest_share=0.0)


def eventually(what: str, is_true: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> Any:
    """Return the first true answer; fail if there is none in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = is_true()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {seconds:.0f} s")


def best_of(texts: dict[str, str]) -> str:
    """Return the id of the sample that everybody here likes: the last by its letters."""
    return max(texts, key=lambda sample_id: (texts[sample_id], sample_id))


class Labeler(threading.Thread):
    """Answers whatever is asked, through HTTP with a token, and outlives its server."""

    def __init__(self, run: Path, name: str, *, at_most: int = 10**9) -> None:
        super().__init__(name=name, daemon=True)
        self.run_folder = run
        self.at_most = at_most
        self.acknowledged: dict[str, str] = {}
        """Ids of answers that the server said were stored -> the text that was chosen."""
        self.is_over = threading.Event()
        self.error: BaseException | None = None
        with Store.open(run / "prefloop.db") as store:
            person = store.people.by_name(name) or store.people.add(name, "labeler")
            _, self.token = store.access.new_token(person.id, "a test")

    def run(self) -> None:
        """Label until told to stop."""
        try:
            while not self.is_over.is_set() and len(self.acknowledged) < self.at_most:
                try:
                    self._label()
                except (httpx.TransportError, OSError):
                    self.is_over.wait(0.1)
        except BaseException as error:
            self.error = error
            raise

    def stop(self) -> None:
        """Stop, and tell what went wrong."""
        self.is_over.set()
        self.join(PATIENCE_SECONDS)
        if self.error is not None:
            raise AssertionError("the labeler failed") from self.error

    def _label(self) -> None:
        address = (self.run_folder / "serve.lock").read_text().strip()
        if not address:
            self.is_over.wait(0.1)
            return
        headers = {"authorization": f"Bearer {self.token}"}
        with httpx.Client(base_url=address, headers=headers, timeout=20) as client:
            version = self._read(client)
            while not self.is_over.is_set() and len(self.acknowledged) < self.at_most:
                claimed = client.post("/api/claims", json={"n": 2}).raise_for_status()
                for assignment in claimed.json()["assignments"]:
                    self._answer(client, assignment, version)
                if not claimed.json()["assignments"]:
                    self.is_over.wait(0.2)

    def _read(self, client: httpx.Client) -> str:
        me = client.get("/api/me").raise_for_status().json()
        version: str = me["instructions"]["version"]
        if me["must_read"]:
            client.post("/api/me/instructions", json={"version": version}).raise_for_status()
        return version

    def _answer(self, client: httpx.Client, view: dict[str, Any], version: str) -> None:
        texts = {sample["id"]: sample["text"] for sample in view["samples"]}
        answer_id, chosen = str(uuid4()), best_of(texts)
        body = {
            "assignment_id": view["assignment_id"],
            "answer": "best",
            "chosen": chosen,
            "shown": list(texts),
            "seconds": 1.5,
            "device": "program",
            "instructions": version,
        }
        # The same answer again until somebody says that it is there, as the page does.
        while not self.is_over.is_set():
            try:
                told = client.put(f"/api/answers/{answer_id}", json=body)
            except httpx.TransportError:
                self.is_over.wait(0.1)
                client.base_url = httpx.URL((self.run_folder / "serve.lock").read_text().strip())
                continue
            if told.status_code >= 500:
                self.is_over.wait(0.1)
                continue
            assert told.status_code == 200, told.text
            self.acknowledged[answer_id] = texts[chosen]
            return


def chosen_texts(store: Store) -> dict[str, str]:
    """Return what was chosen, by label id."""
    chosen = {label.id: label.chosen for label in store.labels() if label.chosen is not None}
    samples = store.samples_by_id(chosen.values())
    return {label_id: samples[name].text for label_id, name in chosen.items()}


def answer_in_store(store: Store, name: str, n: int = 10**9, *, seed: int = 0) -> int:
    """Answer up to `n` open questions as somebody, without a server; return how many."""
    from prefloop.records import Label
    from prefloop.teamwork import Submission

    if store.people.by_name(name) is None:
        store.people.add(name, "labeler")
    rng = random.Random(seed)
    done = 0
    while done < n:
        views: list[Assignment] = store.queue.claim(
            name, n=min(4, n - done), rng=rng, policy=POLICY
        )
        if not views:
            break
        receipts = store.answers.submit(
            [
                Submission(
                    label=Label(
                        id=str(uuid4()),
                        comparison_id=view.comparison_id,
                        labeler=name,
                        answer="best",
                        chosen=best_of({s.id: s.text for s in view.samples}),
                        shown=tuple(s.id for s in view.samples),
                        seconds=1.5,
                        instructions=store.instructions.current().version,
                    ),
                    assignment_id=view.id,
                )
                for view in views
            ]
        )
        assert {r.outcome for r in receipts} == {"stored"}, receipts
        done += len(views)
    return done
