"""Pooled figures of an experiment: what is counted, over whom, and what the goals say of it."""

from dataclasses import replace
from pathlib import Path

import pytest

from prefloop.cli.experiment import DEMO_RUN_FILE
from prefloop.errors import InputError
from prefloop.experiments.copying_control import above_copying, copied, measure
from prefloop.experiments.document import tables
from prefloop.experiments.goals import goals_of
from prefloop.experiments.measures import copied_before_and_after, kl, system_figures, win_rate
from prefloop.experiments.members import Member, copying_settings, make_experiment
from prefloop.experiments.summaries import (
    ArticleSummary,
    JudgedPolicy,
    copying_scores,
    lead,
)
from prefloop.figures.experiment import ArmFigures, ExperimentFigures, LabelWarningFigures
from prefloop.scorers.build import build_scorer

SOURCE = "The harbour was closed on Monday. Nobody was hurt. The pier will be repaired by June."
COPY, OWN = "Nobody was hurt.", "Everyone stayed well."
N = 40


@pytest.fixture
def member(tmp_path: Path) -> Member:
    return make_experiment(copying_settings(), DEMO_RUN_FILE, tmp_path).of("zero-shot", "hurried")[
        0
    ]


def summary(number: int, text: str, *, seed: int = 1) -> ArticleSummary:
    return ArticleSummary(prompt_id=f"p{number}", seed=seed, source=SOURCE, text=text)


def policy(member: Member, *, before: int, after: int) -> JudgedPolicy:
    """Return a policy that copied on the first `after` of `N` prompts, its start on `before`."""
    return JudgedPolicy(
        member=member,
        before=[summary(i, COPY if i < before else OWN) for i in range(N)],
        after=[summary(i, COPY if i < after else OWN) for i in range(N)],
        kl=[(f"p{i}", 2.0) for i in range(N)],
        outcomes=[(f"p{i}", 1.0 if i % 4 else 0.0) for i in range(N)],
    )


def at_seed(member: Member, seed: int) -> Member:
    return replace(member, samples=replace(member.samples, seed=seed))


def arm(member: Member, name: str, *, before: int, after: int, is_warned: bool) -> ArmFigures:
    was, now, ratio, change = copied_before_and_after([policy(member, before=before, after=after)])
    return ArmFigures(
        start="zero-shot",
        arm=name,
        title=copying_settings().arms[name].title,
        dose=copying_settings().arms[name].dose,
        seeds=(1,),
        before=was,
        after=now,
        ratio=ratio,
        change=change,
        win_rate=win_rate([policy(member, before=before, after=after)]),
        kl=None,
        labels=(
            LabelWarningFigures(
                seed=1,
                message="Copies." if is_warned else "",
                contrasts=30,
                taken=None,
                is_warned=is_warned,
                weight_in_labels=0.5,
                weight_in_rewards=0.7,
            ),
        ),
        watch=(),
    )


def test_a_copied_sentence_counts_and_a_text_without_one_does_not() -> None:
    assert copied(summary(0, COPY)) == 1.0
    assert copied(summary(0, f"{COPY} {OWN}")) == 0.5
    assert copied(summary(0, "...")) is None


def test_copies_before_and_after_are_paired_by_prompt(member: Member) -> None:
    before, after, ratio, change = copied_before_and_after([policy(member, before=4, after=20)])
    assert (before.value, after.value) == (0.1, 0.5)
    assert change.value == pytest.approx(0.4)
    assert ratio is not None and ratio.value == pytest.approx(5.0) and ratio.lies_above(1.5)
    assert change.lies_above(0.0) and after.n == N


def test_without_a_copy_there_is_no_ratio_but_a_change(member: Member) -> None:
    _, _, ratio, change = copied_before_and_after([policy(member, before=0, after=8)])
    assert ratio is None and change.value == pytest.approx(0.2)


def test_policies_without_a_sentence_are_refused(member: Member) -> None:
    empty = policy(member, before=0, after=0)
    mute = [summary(i, "") for i in range(N)]
    with pytest.raises(InputError, match="raise evaluation"):
        copied_before_and_after(
            [JudgedPolicy(member=member, before=mute, after=empty.after, kl=[], outcomes=[])]
        )


def test_the_most_copying_text_is_ranked_by_sentences_and_then_by_runs() -> None:
    half = "Nobody was hurt at all by this."
    scores = copying_scores([SOURCE] * 3, [COPY, half, OWN])
    assert scores[0] > scores[1] > scores[2]
    assert lead(f"{SOURCE} And more.") == SOURCE


def test_seeds_are_named_as_the_second_grouping() -> None:
    several = [summary(i, COPY if i % 3 else OWN, seed=s) for i in range(N) for s in (1, 2, 3)]
    measured = measure(several, build_scorer("accuracy", {}))
    figures = system_figures("zero-shot", "zero-shot", measured)
    assert figures.seeds == (1, 2, 3) and figures.n == 3 * N
    assert figures.copied_sentences is not None and "seed" in figures.copied_sentences.how
    assert "labeler" not in figures.copied_sentences.how
    for mean in (figures.words, figures.copying.density):
        assert mean is not None and "prompt and seed" in mean.how


def test_means_over_seeds_know_that_seeds_differ(member: Member) -> None:
    policies = [
        replace(policy(member, before=4, after=8), member=at_seed(member, seed), kl=rows)
        for seed in (1, 2, 3)
        for rows in [[(f"p{i}", 2.0 * seed) for i in range(N)]]
    ]
    found, alone = kl(policies), kl(policies[:1])
    assert found is not None and alone is not None
    assert found.value == pytest.approx(4.0) and alone.value == pytest.approx(2.0)
    # Student with two degrees of freedom over 2, 4, 6; by prompt alone there would be no width.
    assert found.low == pytest.approx(4.0 - 4.303 * 2 / 3**0.5, abs=0.01)
    assert alone.low == pytest.approx(2.0) and "seed" not in alone.how
    assert kl([replace(policies[0], kl=[])]) is None


def test_accuracy_is_held_against_the_start_with_as_many_copies() -> None:
    accuracy = build_scorer("accuracy", {})
    false = "Paris was closed in 1999 by Smith."
    start = measure([summary(i, false) for i in range(N)], accuracy)
    copies = measure([summary(i, COPY) for i in range(N)], accuracy)
    half = measure([summary(i, COPY if i % 2 else false) for i in range(N)], accuracy)
    assert (sum(start.accurate), sum(copies.accurate)) == (0, N)
    found = above_copying(half, start, copies)
    assert found is not None and found.value == pytest.approx(0.0)
    figures = system_figures("half", "half", half, (start, copies))
    assert figures.accurate is not None and figures.accurate.value == 0.5
    assert figures.accuracy_above_copying is not None
    elsewhere = measure([summary(N + i, COPY) for i in range(N)], accuracy)
    assert above_copying(elsewhere, start, copies) is None


@pytest.mark.parametrize(
    ("hurried", "careful", "met"),
    [
        ((4, 30), (4, 3), [True, True, None, True, True, True]),
        ((4, 8), (4, 20), [False, True, False, True, False, True]),
    ],
)
def test_goals_are_met_or_not(
    member: Member,
    hurried: tuple[int, int],
    careful: tuple[int, int],
    met: list[bool | None],
) -> None:
    settings = copying_settings().model_copy(update={"extent": None})
    arms = [
        arm(member, "hurried", before=hurried[0], after=hurried[1], is_warned=True),
        arm(member, "careful", before=careful[0], after=careful[1], is_warned=False),
    ]
    assert [goal.is_met for goal in goals_of(settings, arms)] == met
    with_extent = goals_of(copying_settings(), arms)
    extent = next(goal for goal in with_extent if "at least 70 %" in goal.goal)
    assert extent.is_met == (hurried[1] >= 0.7 * N)


def changed(member: Member, name: str, low: float, high: float) -> ArmFigures:
    made = arm(member, name, before=4, after=4, is_warned=False)
    change = made.change.model_copy(update={"value": (low + high) / 2, "low": low, "high": high})
    return made.model_copy(update={"change": change})


@pytest.mark.parametrize(
    ("low", "high", "met"),
    [(-0.03, 0.04, True), (-0.2, 0.4, None), (-0.03, 0.051, None), (0.001, 0.04, False)],
)
def test_what_does_not_tell_is_no_proof_that_copying_stays(
    member: Member, low: float, high: float, met: bool | None
) -> None:
    goals = goals_of(copying_settings(), [changed(member, "placebo", low, high)])
    assert next(g for g in goals if "does not rise" in g.goal).is_met is met


@pytest.mark.parametrize(
    ("most", "met"), [((0.3, 0.5), True), ((0.05, 0.3), None), ((-0.3, -0.2), False)]
)
def test_the_dose_tells_where_its_ends_lie_apart(
    member: Member, most: tuple[float, float], met: bool | None
) -> None:
    arms = [
        changed(member, "hurried", *most),
        changed(member, "half-verbatim", 0.1, 0.2),
        changed(member, "no-verbatim", -0.1, 0.1),
    ]
    goal = goals_of(copying_settings(), arms)[-1]
    assert "verbatim" in goal.goal and goal.is_met is met
    assert goal.found.startswith("0.0: 0.0 points") and "; 1.0: " in goal.found
    assert not any("verbatim" in g.goal for g in goals_of(copying_settings(), arms[:1]))


def test_the_tables_stand_beside_those_of_2019(member: Member) -> None:
    accuracy = build_scorer("accuracy", {})
    systems = (
        system_figures(
            "zero-shot", "zero-shot", measure([summary(0, OWN)], accuracy), in_2019="zero-shot"
        ),
        system_figures("lead-3", "lead-3", measure([summary(0, SOURCE)], accuracy)),
    )
    arms = (arm(member, "hurried", before=4, after=20, is_warned=True),)
    text = tables(
        ExperimentFigures(
            seeds=(1,),
            prompts=N,
            labels=320,
            episodes=384,
            model="smollm2",
            arms=arms,
            systems=systems,
            goals=goals_of(copying_settings(), arms),
            missing={"best of n": "not drawn"},
        )
    )
    own = next(line for line in text.splitlines() if line.startswith("| zero-shot | 100 %"))
    assert "91.7 %, 96.3 %" in own
    assert "6 of 30, 6 of 30" in text
    assert "* best of n: not drawn" in text
    assert "| hurried labelers, from zero-shot | 10 %" in text
