"""The database server stops and comes back: told in words, nothing lost, no restart of ours."""

import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from prefloop.errors import StoreAwayError
from prefloop.store.labeling.group_commit import GroupCommit
from prefloop.store.store import Store
from tests.faults.answering import WORK_ONLY, ask, invite, publish, submission
from tests.postgres import SETTINGS, Cluster, _as, _other_user, _programs, running_cluster
from tests.unit.web.desk import answer_to, claim, make_desk, new_id


class Switch:
    """Stops a PostgreSQL server and starts it again."""

    def __init__(self, cluster: Cluster) -> None:
        self.folder = cluster.folder
        self.user = _other_user()
        copied = list(cluster.folder.rglob("bin/pg_ctl"))
        self.program = copied[0] if copied else _programs(None) / "pg_ctl"

    def stop(self, how: str) -> None:
        """Stop it: `fast` ends every connection, `immediate` is as good as a crash."""
        self._run("stop", "-m", how)

    def start(self) -> None:
        """Start it as it was, and wait until it answers."""
        options = " ".join(f"-c {name}='{value}'" for name, value in SETTINGS.items())
        self._run("start", "-l", self.folder / "again.log", "-o", f"-k {self.folder} {options}")

    def _run(self, *arguments: str | Path) -> None:
        command = [self.program, "-D", self.folder / "data", "-w", *arguments]
        # Not into a pipe: the server that it starts would hold that open.
        told = self.folder / "switch.log"
        with told.open("wb") as log:
            done = subprocess.run(
                command, check=False, cwd=self.folder, stdout=log, stderr=log, **_as(self.user)
            )
        assert done.returncode == 0, told.read_text()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A server of these tests' own."""
    with running_cluster() as running:
        yield running
        # The keeper ends the server that it started; what a switch started ends here.
        os.kill(int((running.folder / "data" / "postmaster.pid").read_text().split()[0]), 3)


@pytest.mark.parametrize("how", ["fast", "immediate"])
def test_the_store_tells_that_the_server_is_gone_and_goes_on_when_it_is_back(
    cluster: Cluster, how: str
) -> None:
    switch, luck = Switch(cluster), random.Random(1)
    with cluster.new_database() as url, Store.open(url) as store:
        publish(store)
        invite(store, 2)
        ask(store, 20)
        views = store.queue.claim("labeler-0", n=20, rng=luck, policy=WORK_ONLY)
        sent = [submission(view, luck) for view in views]
        with GroupCommit(store.answers, store.queue.claims) as commits:
            receipts = [commits.submit(each).result() for each in sent[:10]]
            assert {receipt.outcome for receipt in receipts} == {"stored"}
            switch.stop(how)
            for each in sent[10:12]:
                with pytest.raises(StoreAwayError) as told:
                    commits.submit(each).result()
                assert "cannot be reached" in str(told.value)
                assert "postgresql://" in str(told.value)
            with pytest.raises(StoreAwayError):
                store.labels()
            switch.start()
            receipts = [commits.submit(each).result() for each in sent]
        assert [receipt.outcome for receipt in receipts] == ["same"] * 10 + ["stored"] * 10
        assert {label.id for label in store.labels()} == {each.label.id for each in sent}
        assert store.verify_chain() >= 20


def test_the_page_is_told_503_and_goes_on_when_it_is_back(cluster: Cluster) -> None:
    switch = Switch(cluster)
    with cluster.new_database() as url, Store.open(url) as store:
        desk = make_desk(store)
        ann = desk.browser("ann")
        first, second = claim(ann, 2)
        saved = new_id()
        assert ann.put(f"/api/answers/{saved}", json=answer_to(first)).status_code == 200
        switch.stop("fast")
        name, body = new_id(), answer_to(second)
        for _ in range(2):
            refused = ann.put(f"/api/answers/{name}", json=body)
            assert (refused.status_code, refused.json()["error"]["code"]) == (503, "store_away")
            assert "Retry-After" in refused.headers
            assert "not saved" in refused.json()["error"]["message"]
        assert ann.post("/api/claims", json={"n": 1}).status_code == 503
        switch.start()
        stored = ann.put(f"/api/answers/{name}", json=body)
        assert (stored.status_code, stored.json()["outcome"]) == (200, "stored")
        assert ann.put(f"/api/answers/{saved}", json=answer_to(first)).json()["outcome"] == "same"
        assert len(claim(ann, 2)) == 2
        desk.app.state.services.close()
