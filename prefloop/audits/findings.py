"""What an audit found, in sentences with an action: doctor, report and terminal say the same."""

import math
from collections.abc import Iterable, Mapping, Sequence

from prefloop.audits.copying import LIKE_QAGS
from prefloop.audits.shortcuts import (
    COPYING_ADVICE,
    POSITION,
    SHOWN_EARLIER,
    TEXT_SHORTCUTS,
    scorer_shortcut,
)
from prefloop.figures.check_result import CheckResult, CheckStatus
from prefloop.figures.label_audit import ContrastFigures, LabelAuditFigures, ShortcutFigures
from prefloop.figures.label_audit_text import copies_taken, rule_sentence
from prefloop.figures.text import count, counted, percent
from prefloop.figures.trust import ValidationFigures
from prefloop.run_folder import TrustFile
from prefloop.settings.run import RunConfig

UNASKED = "no shortcut explains the choices"
COPIES = "copies are not preferred"
HURRY = "fast answers go by no shortcut"
BESIDE = "the reward model knows more than a shortcut"

NONE_AT_ALL = "shortcuts"
"""What is left out where labels are too few to look at any shortcut."""

SHOW = 4
"""Samples a question, among which a copy meets a sample that is none more often than among two."""

SHORTCUTS = {s.name: s for s in (*TEXT_SHORTCUTS, SHOWN_EARLIER)}


def label_findings(figures: LabelAuditFigures, config: RunConfig) -> tuple[CheckResult, ...]:
    """Return what the labels show; nothing is called found without enough of them."""
    return (
        _unasked(figures, config),
        *([_copies(figures.contrast, config)] if figures.contrast else []),
        *_hurry(figures, config),
    )


def _unasked(figures: LabelAuditFigures, config: RunConfig) -> CheckResult:
    if figures.chance is None or not figures.shortcuts:
        why = figures.left_out.get(NONE_AT_ALL, "no two samples of a question differ in any")
        return _result(UNASKED, "later", f"Shortcuts in the labels cannot be told: {why}.")
    asked = [s for s in figures.shortcuts if is_asked(s.name, config)]
    others = [s for s in figures.shortcuts if s not in asked]
    if strong := strong_shortcuts(figures, config):
        also = _also(strong[1:])
        message = rule_sentence(strong[0], figures.chance) + also
        return _result(UNASKED, "warn", message, advice(strong[0]))
    if not others:
        return _result(UNASKED, "ok", rule_sentence(asked[0], figures.chance))
    best = rule_sentence(others[0], figures.chance)
    if all(s.name == POSITION for s in figures.shortcuts):
        message = "Whether a rule about the texts explains the choices cannot be told: all such"
        return _result(UNASKED, "later", f"{message} rules are left out. {best}")
    message = f"No shortcut explains much. {best}"
    return _result(UNASKED, "ok", message)


def strong_shortcuts(figures: LabelAuditFigures, config: RunConfig) -> list[ShortcutFigures]:
    """Return the shortcuts that labels surely go by unasked, and far enough to be warned of."""
    return [
        s
        for s in figures.shortcuts
        if s.is_beyond_chance
        and s.skill >= config.audits.shortcut_skill
        and not is_asked(s.name, config)
    ]


def _also(others: Iterable[ShortcutFigures]) -> str:
    named = [f"{s.title} {percent(s.agreement.value)}" for s in others]
    return f" Much the same: {', '.join(named)}." if named else ""


def is_asked(name: str, config: RunConfig) -> bool:
    """Return whether the task asks for what a shortcut counts."""
    known = SHORTCUTS.get(name)
    return known is not None and config.task.name in known.asked_by


def advice(shortcut: ShortcutFigures) -> str:
    """Return what to change where a shortcut explains the choices unasked."""
    known = SHORTCUTS.get(shortcut.name)
    return (known or scorer_shortcut(shortcut.name, "")).advice


def _copies(contrast: ContrastFigures, config: RunConfig) -> CheckResult:
    if contrast.status == "found":
        return _result(COPIES, "warn", copies_taken(contrast), COPYING_ADVICE)
    if contrast.status == "not found":
        return _result(COPIES, "ok", f"{copies_taken(contrast)} That can be chance.")
    message = (
        f"{copies_taken(contrast)} {count(contrast.needed)} such answers, each about another "
        "prompt, tell it where people take a copy as often as in a study of votes on news (QAGS: "
        f"{percent(LIKE_QAGS)} of two); "
        f"{percent(contrast.share)} of {counted(contrast.questions, 'question')} have a copy "
        "beside a sample that is none."
    )
    if contrast.answers:
        # Not by the share: of several such questions about a prompt one counts.
        n_questions = math.ceil(contrast.needed * contrast.questions / contrast.answers)
        message += f" At the rate so far it takes {counted(n_questions, 'question')}."
    if config.samples.per_prompt < SHOW:
        message += f" With samples.per_prompt {SHOW} more questions have one."
    return _result(COPIES, "later", message)


def _hurry(figures: LabelAuditFigures, config: RunConfig) -> list[CheckResult]:
    """Return whether fast answers go by a shortcut more than the others do."""
    timed = [s for s in figures.shortcuts if s.when_fast is not None]
    if not timed:
        return []
    stronger = [s for s in timed if s.is_stronger_when_fast and not is_asked(s.name, config)]
    n = timed[0].when_fast.n if timed[0].when_fast else 0
    if not stronger:
        message = f"No shortcut weighs more in the fastest third of {counted(n, 'timed answer')}."
        return [_result(HURRY, "ok", message)]
    message = (
        f"In the fastest third of {counted(n, 'timed answer')} these weigh more than in the "
        f"others: {', '.join(s.title for s in stronger)}. A hurry goes by what is quick to see."
    )
    action = (
        "Ask for fewer questions at a time, or pay by the hour; look at the findings about speed "
        "on the team page, and make gold questions in which the quick choice is wrong."
    )
    return [_result(HURRY, "warn", message, action)]


def left_out_lines(left_out: Mapping[str, str]) -> list[str]:
    """Return the shortcuts that an audit left out, each with its title and the reason.

    Why there is none at all is a finding.
    """
    return [
        f"{SHORTCUTS[name].title if name in SHORTCUTS else name}: {why}"
        for name, why in left_out.items()
        if name != NONE_AT_ALL
    ]


def findings_with_trust(
    figures: LabelAuditFigures, trusts: Sequence[TrustFile], config: RunConfig
) -> tuple[CheckResult, ...]:
    """Return what the labels show, and what the newest reward model with validation labels knows.

    `trusts` are those of a run, in the order of rounds.
    """
    validation = newest_validation(trusts)
    beside = beside_reward_model(figures, validation, config) if validation else None
    return (*figures.findings, *([beside] if beside else []))


def newest_validation(trusts: Sequence[TrustFile]) -> ValidationFigures | None:
    """Return the figures on validation labels of the newest reward model that has any."""
    measured = (file.figures.validation for file in reversed(trusts))
    return next((validation for validation in measured if validation is not None), None)


def beside_reward_model(
    figures: LabelAuditFigures, validation: ValidationFigures, config: RunConfig
) -> CheckResult | None:
    """Return how much of what a reward model knows the best shortcut knows, if there is one.

    None where validation labels prefer nothing: they do not say what it knows.

    share = (agreement of the rule - chance) / (accuracy of the reward model - its chance)
    """
    unasked = [s for s in figures.shortcuts if not is_asked(s.name, config)]
    if figures.chance is None or not unasked or validation.prefers_nothing:
        return None
    best = max(unasked, key=lambda s: s.skill)
    beyond = validation.accuracy.value - validation.chance
    message = rule_sentence(best, figures.chance, validation)
    knows_nothing = beyond <= 0
    share = (best.agreement.value - figures.chance) / beyond if not knows_nothing else 1.0
    is_found = best.is_beyond_chance and share > config.audits.reward_share
    if not is_found:
        return CheckResult(stage="rewards", check=BESIDE, status="ok", message=message)
    action = (
        "What it learned may be little else: look at how the policy changes in it, and at the "
        "pairs in the report; with more labels it may learn more."
    )
    return CheckResult(stage="rewards", check=BESIDE, status="warn", message=message, action=action)


def _result(check: str, status: CheckStatus, message: str, action: str = "") -> CheckResult:
    return CheckResult(
        stage="comparisons", check=check, status=status, message=message, action=action
    )
