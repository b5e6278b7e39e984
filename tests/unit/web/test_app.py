"""Opening the labeling server loads no deep-learning library."""

import os
import subprocess
import sys
from pathlib import Path

HEAVY = ("torch", "transformers", "peft", "accelerate")

SERVE = """
import sys
from prefloop.web import serving

# The app is complete and its socket listens by then.
serving.Server.run = lambda self, sockets=None: print("served", self.config.app.title)
from prefloop.cli.main import app

app(["serve", sys.argv[1], "--port", "0"], standalone_mode=False)
"""


def loaded(code: str, *arguments: str) -> str:
    """Run code in a fresh process; return its output and the heavy modules that it loaded."""
    show = f"\nimport sys\nprint('loaded', [m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code + show, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_app_is_imported_without_torch() -> None:
    assert "loaded []" in loaded("import prefloop.web.app")


def test_serve_reads_the_run_file_and_opens_the_page_without_torch(tmp_path: Path) -> None:
    text = "task: sentiment\nmodels: {name: 'builtin:tiny'}\ncomparisons: {labelers: people}\n"
    (tmp_path / "run.yaml").write_text(text)
    output = loaded(SERVE, str(tmp_path))
    assert "served prefloop" in output
    assert "loaded []" in output


def test_a_process_that_loads_torch_would_be_seen() -> None:
    assert "loaded ['torch']" in loaded("import torch")
