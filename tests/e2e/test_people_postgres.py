"""A run whose store is a PostgreSQL server, while that server goes away and comes back."""

import threading
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from prefloop.metrics import MetricsLog
from prefloop.run import best_effort, stops
from prefloop.run import waiting as people
from prefloop.store import patience
from prefloop.store.store import Store
from tests.e2e.labelers import answer_in_store
from tests.e2e.live_run import Script, go, make_people_run, update, waiting
from tests.postgres import Cluster


class Outage:
    """The server's door is taken away, and whoever is inside is put out."""

    def __init__(self, cluster: Cluster, seconds: float) -> None:
        self.door = next(cluster.folder.glob(".s.PGSQL.*[0-9]"))
        self.hidden = self.door.with_name("hidden")
        self.cluster = cluster
        self.seconds = seconds
        self.is_over = threading.Event()

    def begin(self) -> None:
        """Come back at once; the server is back after some seconds."""
        with psycopg.connect(self.cluster.url("postgres"), autocommit=True) as connection:
            self.door.rename(self.hidden)
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND datname LIKE 'test%'"
            )
        threading.Timer(self.seconds, self.end).start()

    def end(self) -> None:
        self.hidden.rename(self.door)
        self.is_over.set()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds pass faster here; the slow test takes its time."""
    monkeypatch.setattr(people, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(stops, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(best_effort, "RETRY_SECONDS", 0.3)
    monkeypatch.setattr(patience, "POLL_SECONDS", 0.1)


def answers(url: str) -> Callable[[], object]:
    def scene() -> None:
        with Store.open(url) as store:
            answer_in_store(store, "ann")

    return scene


def run_through_outages(
    cluster: Cluster, model: Path, folder: Path, *, seconds: float, n_updates: int
) -> list[str]:
    """Have the server go away while labels are waited for and while PPO goes on."""
    with cluster.new_database() as url:
        run = make_people_run(folder / "run", model, labels=8, validation_labels=0)
        first, second = Outage(cluster, seconds), Outage(cluster, seconds)

        def answer_when_it_is_back() -> None:
            assert first.is_over.wait(seconds + 60)
            answers(url)()

        def goes_away_while_labels_are_waited_for() -> None:
            first.begin()
            threading.Thread(target=answer_when_it_is_back, daemon=True).start()

        script = Script(
            (waiting, goes_away_while_labels_are_waited_for), (update(run, 2), second.begin)
        )
        settings = ("rounds=1", f"store={url}", f"policy.episodes={8 * n_updates}")
        go(run, script, *settings)
        assert second.is_over.wait(seconds + 60)
        lines = MetricsLog(run / "metrics.jsonl").lines()
        assert sum(x["stage"] == "policy" for x in lines) == n_updates
        with Store.open(url) as store:
            assert [u.line for u in store.updates.after(0)] == lines
            assert len(store.labels()) == 8
            store.verify_chain()
    return script.said


@pytest.mark.usefixtures("impatient")
def test_the_server_is_away_for_a_moment(
    postgres: Cluster, gpt2_folder: Path, tmp_path: Path
) -> None:
    said = run_through_outages(postgres, gpt2_folder, tmp_path, seconds=1.5, n_updates=12)
    assert sum("The run waits for it; nothing is lost" in x for x in said) >= 1
    assert sum("The store is back after" in x for x in said) >= 1
    assert sum("Training continues; progress and metrics are sent later" in x for x in said) >= 1


@pytest.mark.slow
def test_the_server_is_away_for_five_minutes(
    postgres: Cluster, gpt2_folder: Path, tmp_path: Path
) -> None:
    run_through_outages(postgres, gpt2_folder, tmp_path, seconds=300, n_updates=12)
