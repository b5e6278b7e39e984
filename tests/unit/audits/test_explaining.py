"""What shortcuts explain, on answers whose rules are known, without texts."""

from dataclasses import replace

import numpy as np

from prefloop.audits.answers import AnswerTable
from prefloop.audits.explaining import Explained, explain
from prefloop.audits.shortcuts import scorer_shortcut

SHORTCUTS = [scorer_shortcut(name, "made up") for name in ("one", "two", "three")]
K = 4


def explained(
    rng: np.random.Generator,
    n: int,
    weights: tuple[float, float, float],
    *,
    when_fast: float = 0.0,
    constant: bool = False,
) -> Explained:
    """Explain n answers of ten labelers; `when_fast` is added to the first weight when fast."""
    features = rng.normal(size=(n, K, 3))
    if constant:
        features[:, :, 2] = 1.0
    labeler = np.arange(n) % 10
    seconds = rng.uniform(5, 30, size=n)
    table = _table(labeler, seconds, np.zeros((n, K)))
    own = np.tile(np.array(weights), (n, 1))
    own[:, 0] += when_fast * table.fastest()
    likes = (features * own[:, None, :]).sum(axis=2)
    targets = np.zeros((n, K))
    targets[np.arange(n), (likes + rng.gumbel(size=(n, K))).argmax(axis=1)] = 1.0
    found = explain(
        _table(labeler, seconds, targets), SHORTCUTS, features.reshape(-1, 3), least=100
    )
    assert found is not None
    return found


def _table(labeler: np.ndarray, seconds: np.ndarray, targets: np.ndarray) -> AnswerTable:
    n = len(labeler)
    return AnswerTable(
        sample_ids=tuple(str(i) for i in range(n * K)),
        targets=targets.ravel(),
        place=np.tile(np.linspace(1, 0, K), n),
        starts=np.arange(n) * K,
        is_choice=np.ones(n, dtype=bool),
        labeler=labeler,
        question=np.arange(n),
        prompt=np.arange(n),
        labelers=tuple(f"labeler {i}" for i in range(10)),
        prompts=tuple(f"p{i}" for i in range(n)),
        seconds=seconds,
        version=np.zeros(n, dtype=np.int64),
        versions=("1",),
    )


def test_a7_a_hurry_is_found_in_80_runs_of_100_with_2000_labels() -> None:
    """0.6 log-odds per spread become 1.0 in the fastest third."""
    rng = np.random.default_rng(1)
    told = []
    for _ in range(25):
        first = explained(rng, 2000, (0.6, 0.3, 0.0), when_fast=0.4).shortcuts[0]
        assert first.when_fast is not None
        told.append(first.is_stronger_when_fast)
    assert np.mean(told) >= 0.8


def test_no_hurry_is_hardly_ever_called_one() -> None:
    rng = np.random.default_rng(2)
    told = [
        shortcut.is_stronger_when_fast
        for _ in range(25)
        for shortcut in explained(rng, 600, (0.6, 0.3, 0.0)).shortcuts
    ]
    assert sum(told) <= 1


def test_a_rule_that_decides_every_choice_is_no_hurry() -> None:
    """Its weight has no largest value, in fast answers and in all others."""
    found = explained(np.random.default_rng(8), 300, (1e6, 0.0, 0.0))
    first = found.shortcuts[0]
    assert first.name == "scorer one" and first.agreement.value > 0.99
    assert first.when_fast is not None and first.when_fast.lies_above(0.0)
    assert not first.is_stronger_when_fast


def test_a_rule_is_worth_what_it_predicts_on_prompts_it_has_not_seen() -> None:
    """How often the largest of four is chosen, with weight 3, is simulated apart."""
    found = explained(np.random.default_rng(3), 3000, (3.0, 0.0, 0.0))
    best, *others = found.shortcuts
    assert best.name == "scorer one"
    assert abs(best.agreement.value - BEST_OF_FOUR) < 0.03
    assert best.skill == (best.agreement.value - 0.25) / 0.75
    assert all(abs(s.agreement.value - 0.25) < 0.04 and not s.is_beyond_chance for s in others)
    assert abs(found.together.value - best.agreement.value) < 0.03


def _best_of_four() -> float:
    rng = np.random.default_rng(9)
    x = rng.normal(size=(100_000, K))
    return float(((3 * x + rng.gumbel(size=x.shape)).argmax(axis=1) == x.argmax(axis=1)).mean())


BEST_OF_FOUR = _best_of_four()


def test_what_never_differs_is_left_out() -> None:
    found = explained(np.random.default_rng(4), 200, (1.0, 0.0, 0.0), constant=True)
    assert found.left_out == {"scorer three": "no two samples of a question differ in it"}
    assert len(found.shortcuts) == 2


def test_what_differs_in_a_few_answers_only_is_left_out_with_their_number() -> None:
    rng = np.random.default_rng(5)
    features = rng.normal(size=(200, K, 3))
    features[7:, :, 1] = 0.0
    targets = np.eye(K)[rng.integers(K, size=200)]
    table = _table(np.arange(200) % 10, np.full(200, np.nan), targets)
    found = explain(table, SHORTCUTS, features.reshape(-1, 3), least=100)
    assert found is not None
    assert "in 7 answers, and 20 are needed" in found.left_out["scorer two"]


def test_questions_about_one_prompt_are_no_answers_for_themselves() -> None:
    """Each of 150 answers six times over, about its prompt: what is known is what 150 tell."""
    rng = np.random.default_rng(6)
    features = rng.normal(size=(150, K, 3))
    likes = features[:, :, 0] + rng.gumbel(size=(150, K))
    targets, seconds = np.eye(K)[likes.argmax(axis=1)], rng.uniform(5, 30, size=150)
    version = np.arange(150) % 2
    found = []
    for times in (1, 6):
        n = 150 * times
        table = replace(
            _table(
                np.zeros(n, dtype=np.int64),
                *(np.repeat(x, times, axis=0) for x in (seconds, targets)),
            ),
            prompt=np.arange(n) // times,
            prompts=tuple(f"p{i}" for i in range(150)),
            labelers=("ann",),
            version=np.repeat(version, times),
            versions=("1", "2"),
        )
        shown = np.repeat(features, times, axis=0).reshape(-1, 3)
        explained_ = explain(table, SHORTCUTS, shown, least=50)
        assert explained_ is not None
        (first,) = [s for s in explained_.shortcuts if s.name == "scorer one"]
        assert first.when_fast is not None and len(first.versions) == 2
        weights = [first.coefficient, first.alone, first.when_fast]
        found.append([*weights, *(v.coefficient for v in first.versions)])
    for once, often in zip(*found, strict=True):
        assert once.high is not None and often.high is not None
        assert often.n_clusters == once.n_clusters
        assert 0.8 < (often.high - often.value) / (once.high - once.value) < 1.5


def test_what_never_differs_under_a_version_has_no_weight_there() -> None:
    rng = np.random.default_rng(7)
    features = rng.normal(size=(300, K, 3))
    features[:150, :, 1] = 1.0
    targets = np.eye(K)[features[:, :, 0].argmax(axis=1)]
    table = replace(
        _table(np.arange(300) % 10, np.full(300, np.nan), targets),
        version=np.arange(300) // 150,
        versions=("1", "2"),
    )
    found = explain(table, SHORTCUTS, features.reshape(-1, 3), least=100)
    assert found is not None
    versions = {s.name: [v.version for v in s.versions] for s in found.shortcuts}
    assert versions == {"scorer one": ["1", "2"], "scorer two": ["2"], "scorer three": ["1", "2"]}


def test_where_nothing_differs_nothing_is_explained() -> None:
    table = _table(np.zeros(20, dtype=np.int64), np.full(20, np.nan), np.full((20, K), 0.25))
    assert explain(table, SHORTCUTS, np.ones((80, 3)), least=1) is None
