"""A scorer or judge that fails in the middle of a run is named, and nothing is lost."""

from pathlib import Path

import pytest

from prefloop.run_folder import read_run_folder
from prefloop.scorers.endpoint import refusals
from prefloop.store.store import Store
from tests.e2e.command import Command
from tests.e2e.small_run import make_run
from tests.unit.scorers.endpoint.chat_server import Reply, says, serving

GOOD = "def score(prompts, responses):\n    return [float(len(r)) for r in responses]\n"
COUNTING = """
calls = 0


def score(prompts, responses):
    global calls
    calls += 1
    if calls > 60:
        {fault}
    return [float(len(r)) for r in responses]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mine.py"


@pytest.fixture
def run(gpt2_folder: Path, tmp_path: Path, file: Path) -> Path:
    """A run whose synthetic labelers prefer what a function of the user's scores high."""
    return make_run(
        tmp_path / "run",
        gpt2_folder,
        rounds=1,
        scorers={"mine": {"kind": "function", "file": str(file)}},
        comparisons={"labels": 96, "synthetic": {"scorers": {"mine": 1.0}}},
    )


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("return responses[0][10 ** 6]", "raised IndexError: string index out of range in mine.py"),
        ("return [float('nan')] * len(responses)", "returned nan for"),
        ("return [1.0]", "returned 1 number for 4 responses"),
    ],
    ids=["raises", "nan", "wrong length"],
)
def test_a_labelers_scorer_that_fails_is_named_and_labels_stay(
    prefloop: Command, run: Path, file: Path, fault: str, told: str
) -> None:
    file.write_text(COUNTING.format(fault=fault))
    message = prefloop.refused("comparisons", run)
    assert "scorer 'mine'" in message and told in message
    with Store.open(run / "prefloop.db") as store:
        before = {label.id: label for label in store.labels()}
    file.write_text(GOOD)
    prefloop.done("comparisons", run)
    with Store.open(run / "prefloop.db") as store:
        after = {label.id: label for label in store.labels()}
    assert len(before) == 50 and len(after) > 90 and before.items() <= after.items()


def test_a_misspelt_setting_of_a_scorer_is_told_before_anything_runs(
    prefloop: Command, run: Path
) -> None:
    message = prefloop.refused("run", run, "scorers.mine.fiel=other.py")
    assert "scorers.mine.fiel: no such setting. Did you mean file?" in message
    assert not (run / "prefloop.db").exists()


def test_a_judge_that_talks_nonsense_or_is_away_loses_nothing(
    prefloop: Command, gpt2_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Training is done when the judge fails; the same command goes on with the verdicts."""
    monkeypatch.setenv("PREFLOOP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(refusals, "FIRST_PAUSE_SECONDS", 0.01)
    with serving(lambda question, n: says("Both are lovely.")) as server:
        endpoint = {"base_url": server.url, "model": "m", "patience_seconds": 0.1, "attempts": 2}
        prices = {"prompt": 1.0, "completion": 2.0}
        run = make_run(
            tmp_path / "run",
            gpt2_folder,
            rounds=1,
            judges={"model_m": {"kind": "llm", "prices": prices, **endpoint}},
            evaluation={"judges": ["model_m", "lexicon"]},
        )
        told = prefloop.refused("run", run)
        assert "model 'm' at http://127.0.0.1" in told and "'Both are lovely.'" in told
        assert not list((run / "evaluation").rglob("*.json"))
        server.behave = lambda question, n: Reply(status=503)
        assert "503 Service Unavailable" in prefloop.refused("run", run)
        server.behave = lambda question, n: says("A")
        assert "model_m: " in prefloop.done("run", run).err
        figures = read_run_folder(run).latest
    assert figures is not None
    assert [found.judge for found in figures.figures.win_rates] == ["model_m", "lexicon"]
    assert figures.figures.win_rates[0].ties == figures.figures.win_rates[0].n
    [used] = read_run_folder(run).usage_totals
    n_pairs = figures.figures.win_rates[0].n
    assert used.usage.requests >= 2 * n_pairs + 2, "nonsense is paid for too"
    assert used.money is not None and used.money > 0
    assert "asked the model m over HTTP" in (run / "report" / "index.html").read_text("utf-8")


def test_a_policy_follows_a_function_of_the_users(
    prefloop: Command, gpt2_folder: Path, tmp_path: Path, file: Path
) -> None:
    """The control experiment of 2019 in one line: the policy is trained on a known reward."""
    file.write_text(GOOD)
    run = make_run(
        tmp_path / "run",
        gpt2_folder,
        rounds=1,
        scorers={"mine": {"kind": "function", "file": str(file)}},
        policy={"reward": "mine"},
    )
    prefloop.done("run", run)
    with Store.open(run / "prefloop.db") as store:
        assert store.labels() == []
    scores = [line.values["policy/score"] for line in read_run_folder(run).metrics]
    assert len(scores) == 6 and min(scores) > 0


def test_a_reward_that_goes_away_in_the_middle_loses_nothing(
    prefloop: Command, gpt2_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The policy follows a model over HTTP; no answered question is asked again."""
    monkeypatch.setenv("PREFLOOP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(refusals, "FIRST_PAUSE_SECONDS", 0.01)

    def rate(question: str, n_before: int) -> Reply:
        return says(str(len(question) % 11))

    def rate_forty(question: str, n_before: int) -> Reply:
        return rate(question, n_before) if len(answered) < 40 else Reply(status=503)

    answered: list[str] = []
    with serving(rate_forty) as server:
        answered = server.asked
        endpoint = {"base_url": server.url, "model": "m", "patience_seconds": 0.1}
        run = make_run(
            tmp_path / "run",
            gpt2_folder,
            rounds=1,
            scorers={"rated": {"kind": "openai", **endpoint}},
            policy={"reward": "rated"},
            evaluation={"frontier_prompts": 0},
        )
        assert "503 Service Unavailable" in prefloop.refused("run", run)
        paid = set(server.asked[:39])
        server.behave = rate
        server.asked.clear()
        prefloop.done("run", run)
        assert not paid & set(server.asked)
    assert [line.update for line in read_run_folder(run).metrics] == [1, 2, 3, 4, 5, 6]
    [used] = read_run_folder(run).usage_totals
    assert (used.name, used.usage.requests) == ("rated", used.usage.prompt_tokens // 100)
    assert used.usage.requests >= 90
