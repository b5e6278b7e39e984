"""`prefloop serve` as a process of its own, to be killed and started again."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from queue import Empty, Queue
from types import TracebackType
from typing import Self

ROOT = Path(__file__).parents[2]
START_SECONDS = 90.0
RUN_FILE = """
task: sentiment
comparisons:
  labelers: people
  people:
    gold_share: {gold_share}
    retest_share: {retest_share}
"""


def make_run(folder: Path, *, gold_share: float = 0.0, retest_share: float = 0.0) -> Path:
    """Make a run folder that can be served, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    text = RUN_FILE.format(gold_share=gold_share, retest_share=retest_share)
    (folder / "run.yaml").write_text(text)
    return folder


class ServerProcess:
    """A server over a run folder; `address` is where it can be reached."""

    def __init__(self, folder: Path, *, port: int = 0, store: str | None = None) -> None:
        self.folder = folder
        command = [sys.executable, "-m", "prefloop", "serve", str(folder), "--port", str(port)]
        if store is not None:
            command.append(f"store={store}")
        self._lines: Queue[str] = Queue()
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()
        self.told = ""
        try:
            self.address = self._address()
        except BaseException:
            self.kill()
            raise

    @property
    def pid(self) -> int:
        """Return the process's number."""
        return self.process.pid

    @property
    def port(self) -> int:
        """Return the port at which it listens."""
        return int(self.address.rsplit(":", 1)[1])

    def kill(self) -> None:
        """End it as the power button does: nothing is finished."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self._listener.join()

    def stop(self) -> None:
        """Ask it to end, and wait."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        self._listener.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.kill()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self._lines.put(line)
        self._lines.put("")

    def _address(self) -> str:
        while True:
            try:
                line = self._lines.get(timeout=START_SECONDS)
            except Empty:
                raise AssertionError(f"the server does not start:\n{self.told}") from None
            assert line, f"the server ended:\n{self.told}"
            self.told += line
            if "http://" in line:
                return line[line.index("http://") :].strip().rstrip("/.")
