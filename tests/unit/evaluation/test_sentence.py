"""The verdict's wording, for each way it can turn out."""

from prefloop.evaluation.sentence import verdict_sentence
from prefloop.figures.estimate import EstimateFigure
from prefloop.figures.evaluation import WinRateFigures


def _estimate(value: float, low: float | None, high: float | None, n: int = 256) -> EstimateFigure:
    return EstimateFigure(
        value=value, low=low, high=high, confidence=0.95, n=n, n_clusters=n, how="by hand"
    )


KL = _estimate(6.08, 5.0, 7.0)


def _sentence(
    value: float,
    low: float,
    high: float,
    n: int = 256,
    model: str = "policy/update-8",
    baseline: str = "reference",
) -> str:
    win_rate = WinRateFigures(
        judge="lexicon",
        description="a sentiment lexicon",
        n=n,
        wins=0,
        ties=0,
        losses=0,
        rate=_estimate(value, low, high, n),
        decisive_rate=None,
        score=None,
        baseline_score=None,
        positive=None,
        baseline_positive=None,
        verdict_ids=(),
    )
    return verdict_sentence(win_rate, KL, model=model, baseline=baseline, task="sentiment")


def test_better() -> None:
    assert _sentence(0.91, 0.873, 0.937) == (
        "The held-out judge (a sentiment lexicon) prefers the tuned model on 91 % of 256 held-out "
        "prompts (95 % interval 87–94 %), at a KL of 6.1 nats."
    )


def test_no_better() -> None:
    text = _sentence(0.54, 0.478, 0.602)
    assert "finds the tuned model no better" in text
    assert "95 % interval 47–61 % holds 50 %" in text
    assert "prefers" not in text


def test_worse() -> None:
    text = _sentence(0.20, 0.152, 0.248)
    assert "finds the tuned model worse: it prefers the reference on 80 % of 256" in text
    assert "interval 75–85 %" in text


def test_barely_better_does_not_look_like_a_tie() -> None:
    text = _sentence(0.56, 0.5034, 0.6166)
    assert "prefers the tuned model" in text
    assert "50.3–61.7 %" in text


def test_not_judged_says_why_and_claims_nothing() -> None:
    sentence = verdict_sentence(
        None,
        _estimate(2.0, None, None, n=1),
        model="policy/update-8",
        task="sentiment",
        why_not="no judge was asked",
    )
    assert sentence == (
        "Whether the tuned model is better at “sentiment” was not judged: no judge was asked. "
        "Its KL from the reference is 2.0 nats."
    )


def test_one_prompt_is_singular() -> None:
    assert "1 held-out prompt," in _sentence(1.0, 0.2, 1.0, n=1)


def test_other_models_are_called_by_their_names() -> None:
    text = _sentence(0.91, 0.873, 0.937, model="gpt2", baseline="policy/update-8")
    assert "prefers “gpt2” on 91 %" in text
    assert "at a KL of 6.1 nats from the reference." in text
    worse = _sentence(0.2, 0.15, 0.25, baseline="policy/update-4")
    assert "finds the tuned model worse: it prefers “policy after update 4” on 80 %" in worse
