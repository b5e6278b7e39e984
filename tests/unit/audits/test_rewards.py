"""Planted reward models are caught by name, a sound one is not, and too little is no verdict."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prefloop.audits.best_of import unseen_groups
from prefloop.audits.labels import audit_labels, write_label_audit
from prefloop.audits.reward_rules import Evidence, ask_rules
from prefloop.audits.rewards import audit_rewards, known_reward_audit, write_reward_audit
from prefloop.figures.reward_audit import RewardAuditFigures, TrustCheckFigures
from prefloop.figures.reward_audit_text import reward_audit_head
from prefloop.figures.text import percent
from prefloop.progress import Silent
from prefloop.records import Answer
from prefloop.run_file import parse_run
from prefloop.run_folder import read_reward_audit
from prefloop.scorers.build import CheckedScorer
from prefloop.settings.run import RunConfig
from prefloop.store.store import Store
from tests.unit.audits.reward_worlds import (
    Rule,
    RuleScorer,
    copying,
    fill_validation,
    length,
    model_of,
    vividness,
)

Audit = Callable[..., RewardAuditFigures]


def settings(**changes: Any) -> RunConfig:
    raw = {"task": "summarization", "comparisons": {"labelers": "people"}}
    return parse_run(raw | changes, "run.yaml")


@pytest.fixture
def store(sqlite_path: Path) -> Iterator[Store]:
    """A store with 120 validation questions whose labelers like vivid words."""
    with Store.open(sqlite_path) as store:
        fill_validation(store)
        yield store


@pytest.fixture
def audit(store: Store, tmp_path: Path) -> Audit:
    def audit(rule: Rule, config: RunConfig | None = None) -> RewardAuditFigures:
        model = model_of(store, rule)
        return audit_rewards(store, config or settings(), tmp_path, model, Silent())

    return audit


def check(figures: RewardAuditFigures, name: str) -> TrustCheckFigures:
    return next(c for c in figures.checks if c.name == name)


def thrice_as_sure(prompt: str, text: str) -> float:
    return 3.0 * vividness(prompt, text)


@pytest.mark.parametrize("rule", [vividness, thrice_as_sure])
def test_a_sound_model_is_trained_against_whatever_the_scale_of_its_scores(
    audit: Audit, rule: Rule
) -> None:
    figures = audit(rule, settings(evaluation={"judges": ["length"]}))
    assert [c.name for c in figures.checks if c.answer == "fail"] == []
    assert figures.verdict == "train", figures.reason
    assert all(e.right.value == 1.0 for e in figures.edits)
    assert figures.is_calibrated_scale


def test_the_scale_takes_back_how_sure_the_scores_are(audit: Audit) -> None:
    one, three = audit(vividness).scale, audit(thrice_as_sure).scale
    assert one is not None and three is not None
    assert one == pytest.approx(3 * three, rel=1e-3)
    assert 0.6 < one < 1.6, "labelers draw from the softmax of vividness"


def test_a_model_that_loves_length_is_caught_by_name(audit: Audit) -> None:
    figures = audit(length)
    assert figures.verdict == "stop"
    stands = check(figures, "no shortcut stands for it")
    assert stands.answer == "fail" and "A rule that only counts words predicts" in stands.message
    amplified = check(figures, "amplifies no shortcut")
    assert amplified.answer == "fail" and "It rewards length (more)" in amplified.message
    wrong = {e.name for e in figures.edits if e.right.lies_below(0.9)}
    assert wrong == {
        *("source_sentence", "sentence_doubled", "filler", "thanks", "opener", "praise"),
        "repeated",
    }
    assert {e.name: e.right.value for e in figures.edits}["empty"] == 1.0


def test_how_much_of_it_a_rule_may_stand_for_is_a_setting(audit: Audit) -> None:
    lax = audit(length, settings(audits={"reward_share": 1.0}))
    assert check(lax, "no shortcut stands for it").answer == "pass"
    assert lax.verdict == "stop", "a text that repeats itself wins all the same"


def test_a_rule_that_may_stand_for_it_is_no_pass(audit: Audit) -> None:
    unsure = [s.model_copy(update={"stands_for_model": False}) for s in audit(length).shortcuts]
    (found,) = (c for c in asked(shortcuts=unsure) if c.name == "no shortcut stands for it")
    assert (found.answer, found.is_required) == ("unknown", True)
    assert "A rule that only counts words predicts" in found.message


@pytest.mark.parametrize(
    ("ceiling", "answer", "said"),
    [
        (0.5, "pass", "Another labeler agrees with 50 % on 60 questions, it with"),
        (0.25, "unknown", "50 % on 60 questions, which is no more than chance (25 %)"),
        (0.2, "unknown", "which is no more than chance (25 %)"),
        (None, "unknown", "No validation question was answered twice"),
    ],
)
def test_there_is_no_way_to_a_ceiling_at_chance(
    audit: Audit, store: Store, ceiling: float | None, answer: str, said: str
) -> None:
    """Half way from chance to a ceiling below it would lie below chance."""
    validation = model_of(store, vividness).trust.figures.validation
    assert validation is not None and validation.accuracy.lies_above(0.4)
    known = validation.model_copy(update={"ceiling": ceiling, "ceiling_questions": 60})
    (found,) = (c for c in asked(validation=known) if c.name == "half way to the ceiling")
    assert found.answer == answer
    assert said.replace("50 %", percent(ceiling)) in found.message


def asked(**known: Any) -> Sequence[TrustCheckFigures]:
    """Return what the rules say where nothing but this is known."""
    nothing = {"validation": None, "beside": None, "shortcuts": (), "edits": (), "best_of": None}
    return ask_rules(Evidence(config=settings(), questions=120, **(nothing | known)))


def test_a_model_that_loves_copies_is_caught_by_name(audit: Audit) -> None:
    figures = audit(copying)
    assert figures.verdict == "stop"
    stands = check(figures, "no shortcut stands for it")
    assert "copied from the prompt predicts" in stands.message
    source = next(e for e in figures.edits if e.name == "source_sentence")
    assert source.right.lies_below(0.9)
    assert (
        "A sentence of the source put in front" in check(figures, "edits are seen through").message
    )


def test_a_model_with_a_flipped_sign_stops(audit: Audit) -> None:
    figures = audit(lambda prompt, text: -vividness(prompt, text))
    assert check(figures, "better than chance").answer == "fail"
    assert figures.verdict == "stop" and "better than chance" in figures.reason
    assert not figures.is_calibrated_scale


def test_an_empty_text_that_wins_stops(audit: Audit) -> None:
    def empty_wins(prompt: str, text: str) -> float:
        return vividness(prompt, text) if text else 99.0

    figures = audit(empty_wins)
    lost = check(figures, "texts that answer nothing lose")
    assert lost.answer == "fail" and "No text at all" in lost.message
    assert figures.verdict == "stop"


def test_scorers_of_the_user_are_looked_at_beside_the_labels(store: Store, tmp_path: Path) -> None:
    vivid = CheckedScorer("vivid", RuleScorer(vividness))
    loving = model_of(store, lambda prompt, text: 5.0 * vividness(prompt, text))
    config = settings(audits={"scorers": ["vivid"]}, scorers={"vivid": {"kind": "length"}})
    figures = audit_rewards(store, config, tmp_path, loving, Silent(), scorers=[vivid])
    own = figures.shortcuts[0]
    assert (own.name, own.counts) == ("scorer vivid", "asks the scorer vivid (a rule of a test)")
    assert own.predicts_model.lies_above(0.8) and own.stands_for_model, "many have no vivid word"
    assert own.predicts_labels.lies_below(1.0)
    stands = check(figures, "no shortcut stands for it")
    assert (figures.verdict, stands.answer) == ("stop", "fail")
    assert "asks the scorer vivid" in stands.message
    assert "order samples were shown" in figures.left_out["position"]
    write_reward_audit(tmp_path, figures)
    kept = store, config, tmp_path, loving.trust
    assert known_reward_audit(*kept, [vivid]) == figures
    assert known_reward_audit(*kept, [CheckedScorer("vivid", RuleScorer(length))]) is None
    assert known_reward_audit(*kept) is None


def test_few_questions_give_no_verdict_but_the_number_needed(
    tmp_path: Path, sqlite_path: Path
) -> None:
    with Store.open(sqlite_path) as store:
        fill_validation(store, 20)
        figures = audit_rewards(store, settings(), tmp_path, model_of(store, vividness), Silent())
    assert figures.verdict == "none"
    assert "20 validation questions" in figures.reason and "35 are needed" in figures.reason
    assert figures.edits == () and figures.shortcuts == ()
    assert check(figures, "edits are seen through").answer == "unknown"
    assert figures.findings[-1].status == "later"


def test_no_validation_label_gives_no_verdict(tmp_path: Path, sqlite_path: Path) -> None:
    with Store.open(sqlite_path) as store:
        figures = audit_rewards(store, settings(), tmp_path, model_of(store, vividness), Silent())
    assert (figures.verdict, figures.questions) == ("none", 0)
    assert check(figures, "better than chance").answer == "unknown"


@pytest.mark.parametrize(
    ("n_chosen", "tie", "said"),
    [
        (0, "tie", "in none of 60 validation questions"),
        (0, "all_bad", "in none of 60 validation questions"),
        (1, "tie", "in 1 of 60 validation questions"),
        (34, "all_bad", "in 34 of 60 validation questions"),
    ],
)
def test_ties_are_no_questions_with_a_preference(
    tmp_path: Path, sqlite_path: Path, n_chosen: int, tie: Answer, said: str
) -> None:
    with Store.open(sqlite_path) as store:
        fill_validation(store, 60, n_chosen=n_chosen, tie=tie)
        model = model_of(store, vividness)
        figures = audit_rewards(store, settings(), tmp_path, model, Silent())
    assert (figures.verdict, figures.questions, figures.ties) == ("none", n_chosen, 60 - n_chosen)
    assert said in figures.reason and "35 such are needed" in figures.reason
    assert sum(g.accuracy.n for g in figures.by_labeler) == n_chosen
    assert sum(g.accuracy.n for g in figures.by_round) == n_chosen
    assert figures.edits == () and figures.shortcuts == ()
    assert f"({60 - n_chosen} more hold ties only)" in reward_audit_head(figures)
    if not n_chosen:
        for name in ("better than chance", "half way to the ceiling", "knows more than a shortcut"):
            found = check(figures, name)
            assert found.answer == "unknown" and "all answers are ties" in found.message


def test_ties_beside_enough_choices_do_not_hide_a_sound_model(
    tmp_path: Path, sqlite_path: Path
) -> None:
    with Store.open(sqlite_path) as store:
        fill_validation(store, 160)
        figures = audit_rewards(store, settings(), tmp_path, model_of(store, vividness), Silent())
    assert (figures.questions, figures.ties, figures.prompts) == (120, 40, 120)
    assert [c.name for c in figures.checks if c.answer == "fail"] == []


def constant(prompt: str, text: str) -> float:
    return 0.3


def by_prompt(prompt: str, text: str) -> float:
    return float(len(prompt))


@pytest.mark.parametrize("rule", [constant, by_prompt])
def test_a_model_that_prefers_nothing_amplifies_nothing_and_passes_nothing(
    tmp_path: Path, sqlite_path: Path, rule: Rule
) -> None:
    """Labelers who dislike length weigh it below 0: a weight of 0 is not more of it."""
    config = settings(evaluation={"judges": ["length"]})
    with Store.open(sqlite_path) as store:
        fill_validation(store, likes=lambda prompt, text: -length(prompt, text))
        figures = audit_rewards(store, config, tmp_path, model_of(store, rule), Silent())
    weights = {s.name: s for s in figures.shortcuts}
    assert weights["length"].in_labels < -1.0
    assert weights["length"].difference.lies_above(0.0)
    assert not any(s.is_amplified for s in figures.shortcuts)
    assert [c.name for c in figures.checks if c.answer == "fail"] == []
    assert [c.name for c in figures.checks if c.answer == "pass"] == ["amplifies no shortcut"]
    assert "the same score" in check(figures, "no shortcut stands for it").message
    assert (figures.verdict, figures.is_calibrated_scale) == ("collect more", False)


def test_accuracy_is_counted_by_labeler_and_round(audit: Audit) -> None:
    figures = audit(vividness)
    assert [g.name for g in figures.by_round] == ["round 0", "round 1"]
    assert [g.accuracy.n for g in figures.by_round] == [60, 60]
    assert [g.accuracy.n for g in figures.by_labeler] == [20] * 6
    total = sum(g.accuracy.value * g.accuracy.n for g in figures.by_labeler)
    assert total == pytest.approx(sum(g.accuracy.value * 60 for g in figures.by_round))


def test_a_held_out_scorer_that_rises_with_what_is_selected_passes(audit: Audit) -> None:
    figures = audit(length, settings(evaluation={"judges": ["length"]}))
    best = figures.best_of
    assert best is not None and best.rise is not None
    assert [p.n for p in best.points] == [1, 2, 4]
    assert best.points[1].kl_nats == pytest.approx(np.log(2) - 0.5)
    assert check(figures, "a held-out scorer follows").answer == "pass"
    against = audit(
        lambda prompt, text: -length(prompt, text), settings(evaluation={"judges": ["length"]})
    )
    assert check(against, "a held-out scorer follows").answer == "fail"


def test_without_a_scorer_as_a_judge_the_check_is_unknown_and_no_pass(audit: Audit) -> None:
    figures = audit(vividness)
    assert check(figures, "a held-out scorer follows").answer == "unknown"
    assert "not known" in figures.reason and "a held-out scorer follows" in figures.reason


def test_a_score_that_hangs_on_the_order_of_texts_is_seen(store: Store, tmp_path: Path) -> None:
    class Ordered(RuleScorer):
        def score(self, prompts: Any, responses: Any) -> Any:
            return np.arange(len(responses), dtype=float)

    model = model_of(store, vividness)
    object.__setattr__(model.scorer, "scorer", Ordered(vividness))
    figures = audit_rewards(store, settings(), tmp_path, model, Silent())
    (swapped,) = [e for e in figures.edits if e.name == "swapped"]
    assert swapped.right.value == 0.0


def test_texts_that_do_not_fit_are_left_out(store: Store, tmp_path: Path) -> None:
    model = model_of(store, vividness)
    short = lambda prompt, text: len(text.split()) <= 25  # noqa: E731
    object.__setattr__(model, "fits", short)
    figures = audit_rewards(store, settings(), tmp_path, model, Silent())
    assert "repeated" not in {e.name for e in figures.edits if e.right.n == 64}
    assert figures.questions == 120


def test_what_is_kept_is_read_until_a_label_comes(store: Store, tmp_path: Path) -> None:
    config, model = settings(), model_of(store, vividness)
    assert known_reward_audit(store, config, tmp_path, model.trust) is None
    figures = audit_rewards(store, config, tmp_path, model, Silent())
    write_reward_audit(tmp_path, figures)
    assert read_reward_audit(tmp_path, 0) == figures
    assert known_reward_audit(store, config, tmp_path, model.trust) == figures
    store.withdraw_label(store.labels()[0].id)
    assert known_reward_audit(store, config, tmp_path, model.trust) is None


def test_labels_that_are_audited_later_are_looked_at(store: Store, tmp_path: Path) -> None:
    config, model = settings(), model_of(store, vividness)
    first = audit_rewards(store, config, tmp_path, model, Silent())
    write_reward_audit(tmp_path, first)
    alone = check(first, "knows more than a shortcut")
    assert alone.answer == "unknown" and "see `prefloop audit labels`" in alone.message
    write_label_audit(tmp_path, audit_labels(store, config, tmp_path, Silent()))
    assert known_reward_audit(store, config, tmp_path, model.trust) is None
    again = audit_rewards(store, config, tmp_path, model, Silent())
    assert check(again, "knows more than a shortcut").answer == "pass"


def test_prompts_with_fewer_samples_than_the_middle_one_are_left_out_of_best_of_n(
    store: Store, tmp_path: Path
) -> None:
    prompts = {p.id: p for p in store.prompts()}
    assert {len(group) for group in unseen_groups(store, prompts)} == {4}
    first = store.prompts()[:59]
    store.add_prompts([replace(p, id=f"x{p.id}") for p in first])
    samples = [s for s in store.samples() if s.prompt_id in {p.id for p in first}]
    store.add_samples(
        [
            replace(s, id=f"x{s.id}", prompt_id=f"x{s.prompt_id}")
            for s in samples
            if s.id.endswith("-0")
        ]
    )
    groups = unseen_groups(store, {p.id: p for p in store.prompts()})
    assert (len(groups), {len(group) for group in groups}) == (120, {4})
