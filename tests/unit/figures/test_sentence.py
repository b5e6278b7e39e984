"""The verdict's first word and wording, for each way it can turn out."""

from prefloop.figures.estimate import EstimateFigure
from prefloop.figures.evaluation import WinRateFigures
from prefloop.figures.judging import JudgingFigures, judging_text
from prefloop.figures.sentence import verdict_sentence, verdict_word


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
    wins: int = 0,
    ties: int = 0,
    people: JudgingFigures | None = None,
    shared: tuple[str, ...] = (),
) -> str:
    win_rate = WinRateFigures(
        judge="lexicon",
        description="a list of rated words",
        shared_sources=shared,
        n=n,
        wins=wins,
        ties=ties,
        losses=n - wins - ties,
        rate=_estimate(value, low, high, n),
        decisive_rate=None,
        score=None,
        baseline_score=None,
        positive=None,
        baseline_positive=None,
        people=people,
        verdict_ids=(),
    )
    return verdict_sentence(win_rate, KL, model=model, baseline=baseline, task="sentiment")


def test_better() -> None:
    assert _sentence(0.91, 0.873, 0.937) == (
        "Better: the held-out judge (a list of rated words) prefers the tuned model on 91 % of 256 "
        "held-out prompts (95 % interval 87–94 %), at a KL of 6.1 nats."
    )


def test_what_is_not_shown_is_no_preference() -> None:
    text = _sentence(0.54, 0.478, 0.602)
    assert text == (
        "Not shown: with the held-out judge (a list of rated words), the tuned model came out "
        "ahead on 54 % of 256 held-out prompts (95 % interval 47–61 %), at a KL of 6.1 nats; that "
        "can be chance."
    )
    assert "prefer" not in text


def test_worse() -> None:
    text = _sentence(0.20, 0.152, 0.248)
    assert text.startswith("Worse: the held-out judge (a list of rated words) prefers the ref")
    assert "the reference on 80 % of 256" in text
    assert "interval 75–85 %" in text


def test_barely_better_does_not_look_like_a_tie() -> None:
    text = _sentence(0.56, 0.5034, 0.6166)
    assert text.startswith("Better: ") and "prefers the tuned model" in text
    assert "50.3–61.7 %" in text


def test_with_many_ties_it_is_said_how_the_others_went() -> None:
    decided = "It decided 100 of 256 pairs: 70 for the tuned model, 30 for the reference; a tie"
    some = _sentence(0.58, 0.52, 0.64, wins=70, ties=156)
    assert decided in some and "blunt" not in some
    blunt = _sentence(0.51, 0.45, 0.57, wins=15, ties=231)
    assert "It decided 25 of 256 pairs: 15 for the tuned model, 10 for the reference" in blunt
    assert "calls nine pairs in ten a tie is too blunt: ask another one." in blunt
    few = _sentence(0.6, 0.54, 0.66, wins=100, ties=100)
    assert few.endswith("100 ties among them count as half.") and "decided" not in few
    assert _sentence(0.6, 0.54, 0.66, wins=153, ties=1).endswith("1 tie among them counts as half.")
    assert "tie" not in _sentence(0.6, 0.54, 0.66, wins=153, ties=0)
    assert "It decided 0 of 256 pairs; a tie" in _sentence(0.5, 0.44, 0.56, ties=256)


def test_a_judge_that_labeled_is_not_called_held_out() -> None:
    text = _sentence(0.91, 0.873, 0.937, shared=("person:ann",))
    assert text.startswith("Better: the judge (a list of rated words; not independent of the label")
    assert "held-out judge" not in text


def test_one_person_is_called_one_person() -> None:
    judging = JudgingFigures(
        people=1,
        also_labeled=0,
        questions=40,
        answers_each=1,
        answers=40,
        agreement=None,
        looks=4,
        looks_planned=4,
        is_clear=False,
    )
    text = _sentence(0.91, 0.873, 0.937, people=judging)
    assert text.startswith("Better: the held-out judge (one person) prefers the tuned model")
    assert "1 person gave 40 answers" in judging_text(judging)
    of_five = judging.model_copy(update={"people": 5})
    assert "(a list of rated words)" in _sentence(0.91, 0.873, 0.937, people=of_five)


def test_not_judged_says_why_and_claims_nothing() -> None:
    assert verdict_word(None) == "Not judged"
    sentence = verdict_sentence(
        None,
        _estimate(2.0, None, None, n=1),
        model="policy/update-8",
        task="sentiment",
        why_not="no judge was asked",
    )
    assert sentence == (
        "Not judged: whether the tuned model is better at “sentiment” is not known; no judge was "
        "asked. Its KL from the reference is 2.0 nats."
    )


def test_a_bound_on_the_kl_is_called_one() -> None:
    sentence = verdict_sentence(
        None, None, model="policy/update-1", task="sentiment", kl_at_most=1.8351
    )
    assert sentence.endswith("Its KL from the reference is at most 1.84 nats.")


def test_one_prompt_is_singular() -> None:
    assert "1 held-out prompt (" in _sentence(1.0, 0.2, 1.0, n=1)


def test_other_models_are_called_by_their_names() -> None:
    text = _sentence(0.91, 0.873, 0.937, model="gpt2", baseline="policy/update-8")
    assert "prefers “gpt2” on 91 %" in text
    assert "at a KL of 6.1 nats from the reference." in text
    worse = _sentence(0.2, 0.15, 0.25, baseline="policy/update-4")
    assert worse.startswith("Worse: ") and "prefers “policy after update 4” on 80 %" in worse
