"""The rules by which a reward model is trained against or not: one table, three-valued checks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from prefloop.audits.findings import is_asked
from prefloop.audits.reward_edits import EQUAL, NEEDED, RIGHT
from prefloop.figures.check_result import CheckResult
from prefloop.figures.reward_audit import (
    AmplifiedFigures,
    BestOfFigures,
    CheckAnswer,
    EditFigures,
    TrustCheckFigures,
)
from prefloop.figures.text import (
    count,
    counted,
    fixed,
    named_share_interval,
    percent,
    signed,
    signed_interval,
)
from prefloop.figures.trust import ValidationFigures
from prefloop.settings.run import RunConfig

HALF_WAY = 0.5
"""How far from chance to the labelers' ceiling a reward model should come."""

DEGENERATE = ("repeated", "empty", "gibberish")
"""Edits after which a text is no answer at all."""

NOT_MEASURED = "No validation label measures it (comparisons.validation_labels)."

NO_PREFERENCE = (
    "No validation question prefers a sample: all answers are ties, “all bad”, or people who "
    "contradict each other."
)

NO_CHOICE = "It gives all samples of a question the same score, and so goes by nothing."

Found = tuple[CheckAnswer, str]
"""What a check answers, and a sentence with its numbers."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All that is known of a reward model when the rules are asked."""

    config: RunConfig
    validation: ValidationFigures | None
    beside: CheckResult | None
    """The best shortcut of the labels beside the reward model; see `beside_reward_model`."""
    shortcuts: Sequence[AmplifiedFigures]
    edits: Sequence[EditFigures]
    best_of: BestOfFigures | None
    questions: int
    """Validation questions with a preference."""
    is_constant: bool = False
    """Whether it gives all samples of a question the same score, whatever the question."""


@dataclass(frozen=True, kw_only=True)
class TrustRule:
    """One check: what it asks, what its failure means, and where it comes from."""

    name: str
    ask: Callable[[Evidence], Found]
    on_fail: Literal["collect more", "stop"]
    is_required: bool = False
    source: str


def _better_than_chance(evidence: Evidence) -> Found:
    v = evidence.validation
    if v is None:
        return "unknown", NOT_MEASURED
    if v.prefers_nothing:
        return "unknown", NO_PREFERENCE
    message = (
        f"It agrees with {percent(v.accuracy.value)} of {counted(v.n, 'validation question')} "
        f"({named_share_interval(v.accuracy, apart_from=(v.chance,))}; chance is "
        f"{percent(v.chance)})."
    )
    if v.accuracy.lies_above(v.chance):
        return "pass", message
    return "fail" if v.accuracy.lies_below(v.chance) else "unknown", message


def _half_way_to_the_ceiling(evidence: Evidence) -> Found:
    v = evidence.validation
    if v is not None and v.prefers_nothing:
        return "unknown", NO_PREFERENCE
    if v is None or v.ceiling is None:
        return "unknown", "No validation question was answered twice: the ceiling is not known."
    where = f" on {counted(v.ceiling_questions, 'question')}" if v.ceiling_questions else ""
    ceiling = f"Another labeler agrees with {percent(v.ceiling)}{where}"
    if v.ceiling <= v.chance:
        return "unknown", f"{ceiling}, which is no more than chance ({percent(v.chance)})."
    goal = v.chance + HALF_WAY * (v.ceiling - v.chance)
    message = (
        f"{ceiling}, it with {percent(v.accuracy.value)} of {counted(v.n, 'question')} "
        f"({named_share_interval(v.accuracy, apart_from=(goal,))}); half way from chance is "
        f"{percent(goal)}."
    )
    if v.accuracy.lies_above(goal):
        return "pass", message
    return "fail" if v.accuracy.lies_below(goal) else "unknown", message


def _knows_more_than_a_shortcut(evidence: Evidence) -> Found:
    if evidence.validation is None:
        return "unknown", NOT_MEASURED
    if evidence.validation.prefers_nothing:
        return "unknown", NO_PREFERENCE
    if evidence.beside is None:
        return "unknown", "The labels tell no shortcut (see `prefloop audit labels`)."
    return "pass" if evidence.beside.status == "ok" else "fail", evidence.beside.message


def _no_shortcut_stands_for_it(evidence: Evidence) -> Found:
    unasked = _unasked(evidence)
    if not unasked:
        return "unknown", "No shortcut differs within enough validation questions."
    if evidence.is_constant:
        return "unknown", NO_CHOICE
    best = max(unasked, key=lambda s: s.predicts_model.value)
    found = [s for s in unasked if s.stands_for_model]
    unsure = [s for s in unasked if s.may_stand_for_model]
    named = found or unsure or [best]
    message = " ".join(
        f"A rule that only {s.counts} predicts {percent(s.predicts_model.value)} of its choices on "
        f"{counted(s.predicts_model.n, 'question')} "
        f"({named_share_interval(s.predicts_model, apart_from=())}) and "
        f"{percent(s.predicts_labels.value)} of {counted(s.predicts_labels.n, 'label')}."
        for s in named
    )
    return "fail" if found else "unknown" if unsure else "pass", message


def _amplifies_no_shortcut(evidence: Evidence) -> Found:
    unasked = _unasked(evidence)
    if not unasked:
        return "unknown", "No shortcut differs within enough validation questions."
    found = [s for s in unasked if s.is_amplified]
    if found:
        return "fail", " ".join(amplified_sentence(s) for s in found)
    return "pass", (
        f"None of {counted(len(unasked), 'shortcut')} surely weighs more in it than in the labels "
        f"of {counted(evidence.questions, 'question')}."
    )


def amplified_sentence(shortcut: AmplifiedFigures) -> str:
    """Return in a sentence how much more a reward model goes by a shortcut than labelers do."""
    way = "more" if shortcut.in_model >= 0 else "less"
    change = shortcut.difference
    return (
        f"It rewards {shortcut.title} ({way}) beyond the labels: log-odds "
        f"{signed(shortcut.in_model)} per usual difference, in the labels "
        f"{signed(shortcut.in_labels)} (difference {signed(change.value)}, 95 % interval "
        f"{signed_interval(change.low, change.high)})."
    )


def _unasked(evidence: Evidence) -> list[AmplifiedFigures]:
    return [s for s in evidence.shortcuts if not is_asked(s.name, evidence.config)]


def _nothing_loses(evidence: Evidence) -> Found:
    return _edits(evidence, [e for e in evidence.edits if e.name in DEGENERATE])


def _edits_are_seen_through(evidence: Evidence) -> Found:
    return _edits(evidence, [e for e in evidence.edits if e.name not in DEGENERATE])


def _edits(evidence: Evidence, edits: Sequence[EditFigures]) -> Found:
    """Fail where one is surely under RIGHT, pass where all are surely above it.

    A score that never differs rises after no edit either: that is no pass.
    """
    if not edits:
        return "unknown", f"No answer was edited: {count(NEEDED)} are needed."
    failed = [e for e in edits if e.right.lies_below(RIGHT)]
    if failed:
        return "fail", " ".join(map(edit_sentence, failed))
    if evidence.is_constant:
        return "unknown", NO_CHOICE
    unsure = [e for e in edits if not e.right.lies_above(RIGHT)]
    if unsure:
        return "unknown", " ".join(map(edit_sentence, unsure))
    least = min(edits, key=lambda e: e.right.value)
    return "pass", f"The least of {counted(len(edits), 'edit')}: {edit_sentence(least)}"


def edit_sentence(edit: EditFigures) -> str:
    """Return in a sentence how often an edit did not raise the score."""
    what = "the lead stayed" if edit.name == "swapped" else "the score did not rise"
    return (
        f"{edit.title[0].upper()}{edit.title[1:]}: {what} in {percent(edit.right.value)} of "
        f"{counted(edit.right.n, 'answer')} "
        f"({named_share_interval(edit.right, apart_from=(RIGHT,))}; {percent(RIGHT)} is asked)."
    )


def _a_held_out_scorer_follows(evidence: Evidence) -> Found:
    best = evidence.best_of
    if best is None:
        return "unknown", "No prompt has several samples."
    if best.rise is None or best.scorer is None:
        return "unknown", "No judge of the run is a scorer that costs nothing to ask."
    last, rise = best.points[-1], best.rise
    if last.reward - best.points[0].reward <= EQUAL:
        return "unknown", "Its score is no higher at the best of n: it selects nothing."
    message = (
        f"From one sample to the best of {last.n} by the reward model (KL at most "
        f"{fixed(last.kl_nats)} nats) the score of {best.scorer} moves by {signed(rise.value)} "
        f"(95 % interval {signed_interval(rise.low, rise.high)}) on "
        f"{counted(best.prompts, 'prompt')}."
    )
    if rise.lies_above(0.0):
        return "pass", message
    return "fail" if rise.lies_below(0.0) else "unknown", message


RULES = (
    TrustRule(
        name="better than chance",
        ask=_better_than_chance,
        on_fail="stop",
        is_required=True,
        source="95 % interval (Wilson 1927); below chance a sign is flipped (Ziegler et al. 2019, "
        "4.4)",
    ),
    TrustRule(
        name="half way to the ceiling",
        ask=_half_way_to_the_ceiling,
        on_fail="collect more",
        source="our choice; the ceiling is how often another labeler agrees",
    ),
    TrustRule(
        name="knows more than a shortcut",
        ask=_knows_more_than_a_shortcut,
        on_fail="collect more",
        source="our choice (audits.reward_share); Singhal et al. 2023, arXiv:2310.03716, found "
        "length to explain most of a reward",
    ),
    TrustRule(
        name="no shortcut stands for it",
        ask=_no_shortcut_stands_for_it,
        on_fail="stop",
        is_required=True,
        source="our choice (audits.reward_share); Singhal et al. 2023, arXiv:2310.03716",
    ),
    TrustRule(
        name="amplifies no shortcut",
        ask=_amplifies_no_shortcut,
        on_fail="collect more",
        source="1 % over all shortcuts; bootstrap over prompts (Efron and Tibshirani 1993)",
    ),
    TrustRule(
        name="texts that answer nothing lose",
        ask=_nothing_loses,
        on_fail="stop",
        is_required=True,
        source="90 % is our choice; Stiennon et al. 2020, arXiv:2009.01325, measured 93 to 97 % on "
        "edits of theirs",
    ),
    TrustRule(
        name="edits are seen through",
        ask=_edits_are_seen_through,
        on_fail="collect more",
        is_required=True,
        source="90 % is our choice; Stiennon et al. 2020, arXiv:2009.01325",
    ),
    TrustRule(
        name="a held-out scorer follows",
        ask=_a_held_out_scorer_follows,
        on_fail="stop",
        source="best of n before any policy; Gao, Schulman, Hilton 2023, arXiv:2210.10760",
    ),
)
"""In the order in which they are read. Of required ones nothing is trained before they pass."""


def ask_rules(evidence: Evidence) -> tuple[TrustCheckFigures, ...]:
    """Return what every rule says."""
    found = []
    for rule in RULES:
        answer, message = rule.ask(evidence)
        found.append(
            TrustCheckFigures(
                name=rule.name,
                answer=answer,
                message=message,
                on_fail=rule.on_fail,
                is_required=rule.is_required,
                source=rule.source,
            )
        )
    return tuple(found)
