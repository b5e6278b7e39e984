"""The verdict's wording, for each way it can turn out."""

import pytest

from prefloop.evaluation.sentence import verdict_sentence
from prefloop.settings.task import TaskConfig
from prefloop.settings.task_presets import load_task


@pytest.fixture(scope="module")
def task() -> TaskConfig:
    return load_task("sentiment")


def _figures(value: float, low: float, high: float, n: int = 256) -> dict[str, object]:
    rate = {"value": value, "low": low, "high": high, "confidence": 0.95, "n": n, "n_clusters": n}
    return {"win_rate": {"judge": "lexicon", "rate": rate}, "kl": {"value": 6.08}}


def test_better(task: TaskConfig) -> None:
    assert verdict_sentence(_figures(0.91, 0.873, 0.937), task) == (
        "The held-out judge (a sentiment lexicon) prefers the tuned model on 91 % of 256 held-out "
        "prompts (95 % interval 87–94 %), at a KL of 6.1 nats."
    )


def test_no_better(task: TaskConfig) -> None:
    text = verdict_sentence(_figures(0.54, 0.478, 0.602), task)
    assert "finds the tuned model no better" in text
    assert "95 % interval 47–61 % holds 50 %" in text
    assert "prefers" not in text


def test_worse(task: TaskConfig) -> None:
    text = verdict_sentence(_figures(0.20, 0.152, 0.248), task)
    assert "finds the tuned model worse: it prefers the reference on 80 % of 256" in text
    assert "interval 75–85 %" in text


def test_barely_better_does_not_look_like_a_tie(task: TaskConfig) -> None:
    text = verdict_sentence(_figures(0.56, 0.5034, 0.6166), task)
    assert "prefers the tuned model" in text
    assert "50.3–61.7 %" in text


def test_not_judged_says_why_and_claims_nothing(task: TaskConfig) -> None:
    figures = {
        "win_rate": None,
        "kl": {"value": 2.0},
        "missing": {"win_rate": "no judge was asked"},
    }
    assert verdict_sentence(figures, task) == (
        "Whether the tuned model is better at “sentiment” was not judged: no judge was asked. "
        "Its KL from the reference is 2.0 nats."
    )


def test_one_prompt_is_singular(task: TaskConfig) -> None:
    assert "1 held-out prompt," in verdict_sentence(_figures(1.0, 0.2, 1.0, n=1), task)
