"""Labels survive kill -9. (A cut of the power is another matter: see synchronous=FULL.)"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from prefloop.store.store import Store
from tests.unit.store.records_for_tests import N_FILLED, fill

WRITER = """
import sys
from prefloop.store.store import Store
from tests.unit.store.records_for_tests import label
from dataclasses import replace
store = Store.open(sys.argv[1])
print("ready", flush=True)
for i in range(100_000):
    name = f"{sys.argv[2]}-{i}"
    store.add_label(replace(label(i, labeler=name, question=i % 3), id=name))
    print(name, flush=True)
"""

AT_LEAST = 6
"""Answers of a writer before it is killed."""


def test_every_acknowledged_label_is_there_after_kill_9(path: Path) -> None:
    with Store.open(path) as store:
        fill(store)
    delays = random.Random(2019)
    acknowledged: list[str] = []
    for turn in range(4):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(turn)],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        ) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "ready\n"
            # However slow the machine is, the moment lies between two answers, or within one.
            begun = "".join(writer.stdout.readline() for _ in range(AT_LEAST))
            time.sleep(delays.uniform(0.0, 0.4))
            writer.send_signal(signal.SIGKILL)
            lines = (begun + writer.stdout.read()).split("\n")
        acknowledged.extend(lines[:-1])  # the last one may be torn: it was never read in whole
    with Store.open(path) as store:
        found = [each.id for each in store.labels()]
        assert len(acknowledged) >= 4 * AT_LEAST
        assert set(acknowledged) <= set(found)
        # At most the one answer in flight per kill is stored without its acknowledgement.
        assert len(found) - len(acknowledged) <= 4
        assert store.verify_chain() == N_FILLED + len(found)
        assert store.rebuild_labels() == len(found)
