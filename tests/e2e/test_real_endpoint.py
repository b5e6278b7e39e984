"""Scoring and judging with a real endpoint: `transformers serve` and the model of the demo.

`make test-slow` installs the model's package. The model has 135 million parameters: it knows how to
answer, not what is good.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from prefloop.errors import InputError
from prefloop.evaluation.judges.build import CheckedJudge, build_judge
from prefloop.evaluation.judges.judge import OUTCOMES
from prefloop.figures.usage import EndpointUsage
from prefloop.models.sources import resolve
from prefloop.run_file import parse_run
from prefloop.scorers.build import CheckedScorer, build_scorer
from tests.unit.scorers.endpoint.chat_server import closed_port

pytestmark = pytest.mark.slow

START_SECONDS = 120
PROMPTS = ["He opened the door.", "She looked up.", "The ship came home."]
RESPONSES = ["The sun was warm.", "Nobody answered her.", "The crew sang all night long."]
RATE = "How happy is this text? Answer with one number from {lowest} to {highest}.\n\n{response}"
COMPARE = "Which is happier, A or B?\n\nA: {a}\nB: {b}\n\nAnswer with one letter: A or B."


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The settings of a scorer or judge that asks SmolLM2 on this machine."""
    folder, port = str(resolve("smollm2")), closed_port()
    log = tmp_path_factory.mktemp("serve") / "log.txt"
    command = [str(Path(sys.executable).with_name("transformers")), "serve", folder]
    command += ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        _wait(process, f"http://127.0.0.1:{port}/health", log)
        yield {"base_url": f"http://127.0.0.1:{port}/v1", "model": folder, "concurrency": 2}
    finally:
        process.terminate()
        process.wait(30)


def _wait(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.5)
    raise AssertionError(f"the server did not start: {log.read_text()}")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFLOOP_CACHE", str(tmp_path))


def scorer(served: dict[str, Any], **settings: Any) -> CheckedScorer:
    entry = {"kind": "openai", "template": RATE, "max_tokens": 4, **served, **settings}
    return build_scorer("rated", {"rated": entry})


def used(scorer: CheckedScorer) -> EndpointUsage:
    figures = scorer.metered.take_usage("rated") if scorer.metered else None
    assert figures is not None
    return figures.usage


def judge(served: dict[str, Any], **settings: Any) -> CheckedJudge:
    entry = {"kind": "llm", "template": COMPARE, "max_tokens": 2, **served, **settings}
    return build_judge("compared", parse_run({"judges": {"compared": entry}}, "run.yaml"))


def test_a_real_model_rates_and_its_answers_are_kept(served: dict[str, Any]) -> None:
    first = scorer(served)
    scores = first.score(PROMPTS, RESPONSES)
    assert scores.shape == (3,) and np.abs(scores).max() <= 5.0
    usage = used(first)
    assert usage.requests >= 3 and usage.prompt_tokens > 60 and usage.completion_tokens >= 3
    again = scorer(served)
    np.testing.assert_array_equal(again.score(PROMPTS, RESPONSES), scores)
    assert used(again) == EndpointUsage(reused=3)


def test_a_real_model_compares_in_both_orders(served: dict[str, Any]) -> None:
    """This one always says A: asked in one order it would prefer whatever stands first."""
    asked = judge(served)
    there = asked.compare_all(PROMPTS, RESPONSES, RESPONSES[::-1])
    back = asked.compare_all(PROMPTS, RESPONSES[::-1], RESPONSES)
    swapped = {"win": "loss", "tie": "tie", "loss": "win"}
    assert set(there) <= set(OUTCOMES)
    assert back == [swapped[outcome] for outcome in there]


def test_what_a_real_model_says_instead_of_an_answer_is_shown(served: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"answers that cannot be read .*The last: '"):
        judge(served, attempts=2, template="Greet {a} and {b}.").compare("", "x", "y")


def test_a_real_endpoint_that_is_too_slow_is_named(served: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"no answer within timeout_seconds 0\.01, and patience"):
        scorer(served, timeout_seconds=0.01, patience_seconds=0.5).score(PROMPTS, RESPONSES)
