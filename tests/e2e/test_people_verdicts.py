"""A run that people judge: they are asked blindly, their answers train nothing, and it ends."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from prefloop.figures.evaluation import WinRateFigures
from prefloop.run import stops, waiting
from prefloop.run.monitor import WAITING_FOR_VERDICTS
from prefloop.run_folder import read_run_folder
from prefloop.store.store import Store
from prefloop.web.config import WebSettings
from tests.browser.site import Site, running
from tests.e2e.labelers import POLICY, Labeler, answer_in_store
from tests.e2e.live_run import Killed, Script, go, opened
from tests.e2e.live_run import waiting as labels_asked
from tests.e2e.small_run import make_run

SMALL: dict[str, Any] = {
    "rounds": 1,
    "task": {"response_tokens": 6},
    "comparisons": {"labels": 8, "validation_labels": 4},
    "rewards": {"normalize_samples": 16},
    "policy": {"episodes": 16, "batch_size": 8, "checkpoint_every": 1, "epochs": 1},
    "evaluation": {"judges": ["people"], "prompts": 8, "people": {"looks": 2}},
}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody here takes a second."""
    monkeypatch.setattr(waiting, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(stops, "POLL_SECONDS", 0.01)


def asked(what: str, done: int, total: int) -> bool:
    """The moment at which verdicts are waited for."""
    return what == WAITING_FOR_VERDICTS and done < total


def people_figures_of(run: Path) -> WinRateFigures:
    latest = read_run_folder(run).latest
    assert latest is not None and latest.figures.win_rate is not None
    return latest.figures.win_rate


def test_a_run_waits_for_verdicts_and_ends_with_them(gpt2_folder: Path, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", gpt2_folder, **SMALL)

    def people_answer() -> None:
        with opened(run) as store:
            for name in ("ann", "ben", "eve"):
                answer_in_store(store, name, 3)

    script = Script((asked, people_answer))
    go(run, script)
    found = people_figures_of(run)
    assert (found.judge, found.n, found.rate.confidence) == ("people", 8, 0.95)
    assert found.people is not None
    assert (found.people.people, found.people.answers, found.people.also_labeled) == (3, 8, 0)
    assert any("The verdict needs at most 8 more answers" in said for said in script.said)
    with opened(run) as store:
        assert {label.labeler[:9] for label in store.labels()} == {"synthetic"}
        [batch] = store.queue.batches()
        assert batch.is_for_verdicts and batch.frozen_at is not None


def test_a_run_that_dies_while_it_waits_for_verdicts_reads_them_again(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    run = make_run(tmp_path / "run", gpt2_folder, **SMALL)

    def some_answer_and_the_run_dies() -> None:
        with opened(run) as store:
            answer_in_store(store, "ann", 5)
        raise Killed

    with pytest.raises(Killed):
        go(run, Script((asked, some_answer_and_the_run_dies)))
    with opened(run) as store:
        assert answer_in_store(store, "ann") == 3, "people go on while the trainer is away"
    go(run, Script())
    assert people_figures_of(run).n == 8


@contextmanager
def served(run: Path) -> Iterator[None]:
    """Serve the labeling page of a run, as `prefloop serve` does."""
    with Store.open(run / "prefloop.db") as store:
        site = Site(store, WebSettings(claims=POLICY))
        with running(site):
            (run / "serve.lock").write_text(site.address)
            yield


def test_people_judge_over_http_who_did_not_label_and_see_no_model(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    labeled = {"labelers": "people", "validation_overlap": 1}
    changes = SMALL | {"comparisons": {**SMALL["comparisons"], **labeled}}
    run = make_run(tmp_path / "run", gpt2_folder, **changes)
    judges = [Labeler(run, name) for name in ("kim", "lou", "mia")]
    seen: list[str] = []

    def ann_labels() -> None:
        with opened(run) as store:
            answer_in_store(store, "ann")

    def the_others_judge() -> None:
        address = (run / "serve.lock").read_text()
        ann, kim = (Labeler(run, name) for name in ("ann", "kim"))
        for labeler in (ann, kim):
            headers = {"authorization": f"Bearer {labeler.token}"}
            with httpx.Client(base_url=address, headers=headers) as client:
                labeler._read(client)
                claimed = client.post("/api/claims", json={"n": 4}).raise_for_status()
                seen.append(claimed.text)
        for judge in judges:
            judge.start()

    with served(run):
        go(run, Script((labels_asked, ann_labels), (asked, the_others_judge)))
    for judge in judges:
        judge.stop()
    of_ann, of_kim = seen
    assert json.loads(of_ann)["assignments"] == [], "she labeled for training"
    [view, *_] = json.loads(of_kim)["assignments"]
    assert (view["label_type"], [s["id"] for s in view["samples"]]) == ("pairs", ["1", "2"])
    with opened(run) as store:
        ids = [sample.id for sample in store.samples()]
        assert not any(name in of_kim for name in ("policy", "reference", "held_out", *ids))
        assert {label.labeler for label in store.labels()} == {"ann"}
        answers = store.judging.answers(-1)
        assert {answer.label.labeler for answer in answers} <= {"kim", "lou", "mia"}
        assert {answer.label.shown[0] for answer in answers} > {answers[0].label.shown[0]}
        store.verify_chain()
    trust = json.loads((run / "rewards/round-0/trust.json").read_text())
    assert trust["labels"] == 8, "the reward model learned from ann's labels alone"
    found = people_figures_of(run)
    assert found.people is not None and found.shared_sources == ()
    assert (found.n, found.people.also_labeled) == (8, 0)
    report = (run / "report/index.html").read_text()
    assert "None of them labeled for training." in report


def test_where_there_are_too_few_others_those_who_labeled_judge_and_it_says_so(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    labeled = {"labelers": "people", "validation_overlap": 1}
    changes = SMALL | {"comparisons": {**SMALL["comparisons"], **labeled}}
    run = make_run(tmp_path / "run", gpt2_folder, **changes)

    def ann_answers() -> None:
        with opened(run) as store:
            answer_in_store(store, "ann")

    script = Script((labels_asked, ann_answers), (asked, ann_answers))
    go(run, script)
    assert any("0 gave no label for training" in said for said in script.said)
    found = people_figures_of(run)
    assert found.shared_sources == ("person:ann",)
    assert found.people is not None and found.people.also_labeled == 1
    for file in ("report/index.html", "policy/round-0/README.md"):
        assert "1 of them labeled for training." in (run / file).read_text(), file
