"""The held-out score of an update, who may be asked for it, and the alarm where it falls."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from prefloop.audits import alarm_rules
from prefloop.audits.alarm_rules import LEAST_TREND, Rule, falls_against
from prefloop.audits.alarms import ALARMS
from prefloop.audits.held_out import SLOW_KINDS, held_out_scorer, mean_score, quick_held_out_scorer
from prefloop.figures.metrics_line import MetricsLine, read_line
from prefloop.registry import SCORERS
from prefloop.run.monitor import RunMonitor
from prefloop.run.watching import watch_policy
from prefloop.run_file import parse_run
from prefloop.scorers.build import CheckedScorer, build_scorer
from prefloop.scorers.endpoint.usage import Metered
from prefloop.settings.policy import PolicyConfig
from prefloop.settings.run import RunConfig
from prefloop.store.store import Store
from tests.unit.run.doubles import RecordedProgress
from tests.unit.scorers.endpoint.chat_server import says, serving

NAME = "held-out score falls"
(FALLS,) = [alarm.rule for alarm in ALARMS if alarm.name == NAME]
NOISE = 0.125
"""Of the mean of 64 responses whose scores have a spread of 1."""

RATED = {"kind": "openai", "base_url": "http://127.0.0.1:9/v1", "model": "m"}
"""Nobody is there: to ask it is an error."""


class Longer:
    """How many words longer than its prompt a response is."""

    name: ClassVar[str] = "longer"
    sources: ClassVar[frozenset[str]] = frozenset({"length"})
    description: ClassVar[str] = "words"

    def score(self, prompts: Sequence[str], responses: Sequence[str]) -> np.ndarray:
        pairs = zip(prompts, responses, strict=True)
        return np.array([len(y.split()) - len(x.split()) for x, y in pairs], dtype=np.float64)


def judged_by(*judges: str, **scorers: dict[str, str]) -> RunConfig:
    return parse_run({"evaluation": {"judges": list(judges)}, "scorers": scorers}, "run.yaml")


def test_the_mean_by_hand() -> None:
    scorer = CheckedScorer("longer", Longer())
    assert mean_score(scorer, ["one two", "one"], ["a b c d e", "a"]) == pytest.approx(1.5)
    assert mean_score(None, ["one"], ["a"]) is None


def test_english_words_are_not_sought_in_other_scripts() -> None:
    assert mean_score(build_scorer("lexicon", {}), ["今天"], ["天气很好"]) is None


def test_the_first_judge_that_is_quick_is_asked() -> None:
    config = judged_by("people", "rated", "imagery", "lexicon", rated=RATED)
    scorer = quick_held_out_scorer(config)
    assert scorer is not None and scorer.name == "imagery"
    assert quick_held_out_scorer(judged_by("people", "rated", rated=RATED)) is None


def test_a_function_is_asked_by_audits_but_not_in_every_update(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("def score(prompts, responses):\n    return [0.0] * len(responses)\n")
    config = judged_by("mine", mine={"kind": "function", "file": str(file)})
    asked = held_out_scorer(config)
    assert asked is not None and asked.name == "mine"
    assert quick_held_out_scorer(config) is None


def test_every_own_scorer_that_is_quick_is_without_models_and_servers() -> None:
    own = {kind for kind in SCORERS.names() if SCORERS.is_own(kind)}
    assert own > SLOW_KINDS
    for kind in own - SLOW_KINDS:
        assert SCORERS.load(kind).__module__.startswith("prefloop.scorers.")
        assert not isinstance(build_scorer(kind, {}).scorer, Metered)


@pytest.mark.parametrize(("judges", "is_asked"), [(("rated",), False), (("length",), True)])
def test_a_run_asks_no_endpoint_per_update(
    tmp_path: Path, judges: tuple[str, ...], is_asked: bool
) -> None:
    line = {"stage": "policy", "round": 0, "update": 1, "policy/score": 0.0, "policy/score_sd": 1.0}
    with (
        Store.open(tmp_path / "prefloop.db") as store,
        serving(lambda asked, n: says("4")) as server,
    ):
        config = judged_by(*judges, rated={**RATED, "base_url": server.url})
        watch = watch_policy(config, RunMonitor(store, RecordedProgress()))
        watch.begin([])
        found = watch.measure(line, ["Once", "Once"], ["upon a time", "upon"])
        watch.report({**line, **found})
    assert server.asked == []
    assert ("policy/held_out_score" in found) == is_asked
    assert "policy/score_drift" in found


def updates(
    scores: Sequence[float], held_out: Sequence[float], rounds: Sequence[int] | None = None
) -> list[MetricsLine]:
    return [
        read_line(
            {"stage": "policy", "round": rounds[i] if rounds else 0, "update": i + 1}
            | {"policy/score": score, "policy/held_out_score": held}
        )
        for i, (score, held) in enumerate(zip(scores, held_out, strict=True))
    ]


def run_of(seed: int, *, rise: float, change: float, n: int = 30) -> list[MetricsLine]:
    """Return a run whose score rises by `rise` and whose held-out score changes by `change`."""
    noise = np.random.default_rng(seed).normal(scale=NOISE, size=(2, n))
    way = np.linspace(0, 1, n)
    return updates(*([*(total * way + e)] for total, e in zip((rise, change), noise, strict=True)))


def raised_at(records: Sequence[MetricsLine], rule: Rule = FALLS) -> int | None:
    """Return the first update at which the alarm is raised."""
    ends = range(1, len(records) + 1)
    levels = {end: rule(records[:end], PolicyConfig()).level for end in ends}
    assert "stop" not in levels.values(), "it warns and never stops"
    return next((end for end, level in levels.items() if level == "warn"), None)


def check(rule: Rule) -> None:
    """What exploits its reward is found; what is sound, or only another reward, is not."""
    assert (raised_at(run_of(1, rise=2.0, change=-1.0), rule) or 99) <= 20, "missed"
    assert raised_at(run_of(1, rise=-1.0, change=2.0), rule) is None, "a score that falls"
    for seed in range(10):
        assert raised_at(run_of(seed, rise=2.0, change=0.0), rule) is None, "noise"
        assert raised_at(run_of(seed, rise=0.0, change=-1.0), rule) is None, "both do not rise"
    other = updates([*[0.0] * 12, *[9.0] * 12], [*[1.0] * 12, *[0.0] * 12], [0] * 12 + [1] * 12)
    assert raised_at(other, rule) is None, "another reward"


def test_it_is_raised_where_the_policy_exploits_its_reward_and_nowhere_else() -> None:
    check(FALLS)


def test_a_turned_rule_would_be_seen() -> None:
    with pytest.raises(AssertionError, match="missed"):
        check(falls_against("the score", "policy/score", "policy/held_out_score"))


@pytest.mark.parametrize(
    ("name", "wrong", "why"),
    [
        ("FALLS", 0.5, "noise"),
        ("RISES", 1.0, "both do not rise"),
        ("TREND", LEAST_TREND - 1, "missed"),
        ("reward_round", lambda record: 0, "another reward"),
    ],
)
def test_a_mutation_would_be_seen(
    name: str, wrong: object, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarm_rules, name, wrong)
    with pytest.raises(AssertionError, match=why):
        check(FALLS)


def test_what_it_says() -> None:
    """12 updates: 0 to 1.1 and 2.2 to 0, without noise."""
    records = updates([0.1 * i for i in range(12)], [0.2 * i for i in range(12)][::-1])
    assert FALLS(records[:-1], PolicyConfig()).level == "unknown"
    reading = FALLS(records, PolicyConfig())
    assert reading.level == "warn"
    assert reading.message == (
        "Over 12 updates the score changed by 1.10, and the held-out score by −2.20."
    )


def test_an_update_without_a_held_out_score_is_unknown() -> None:
    """As where a run goes on whose judge is an endpoint now."""
    records = run_of(1, rise=2.0, change=-1.0)
    (last,) = updates([3.0], [0.0])
    bare = read_line({"stage": "policy", "round": 0, "update": 31, "policy/score": 3.0})
    assert FALLS([*records, last], PolicyConfig()).level == "warn"
    assert FALLS([*records, bare], PolicyConfig()).level == "unknown"
