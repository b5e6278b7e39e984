"""Whether the policy took up what its labels reward unasked: then the labels are the cause."""

from prefloop.audits.alarm_rules import NEWEST, newest
from prefloop.audits.findings import SHORTCUTS, advice, strong_shortcuts
from prefloop.figures.check_result import CheckResult
from prefloop.figures.label_audit import LabelAuditFigures, ShortcutFigures
from prefloop.figures.label_audit_text import copies_taken, direction, rule_sentence
from prefloop.figures.text import signed
from prefloop.run_folder import RunFigures
from prefloop.settings.run import RunConfig

CHECK = "the policy takes up no shortcut of the labels"

TAKEN_UP = 1.0
"""Standard deviations of the first update's responses that the mean of the newest updates is away,
the way the labels go. Our own choice: the usual answer has then as much of it as few had before."""

COPIED_WORDS = "copied_words"

CUSTOM = "custom"
"""A task of the user's own: what it asks for is not known."""


def check_taken_up(config: RunConfig, run: RunFigures) -> list[CheckResult]:
    """Return whether the policy went where the audit of the labels had warned that they pull.

    Nothing where the audit warned of nothing, or the policy has too few updates; nor where it does
    not follow the labels as they are: with `rewards.hold_out` it may go where they pull for another
    reason, and best of n goes nowhere between its draws. Where it did go their way, the labels are
    bad: what alarms say of the policy (it copies, it is sure of what it says) follows.
    """
    audit = run.label_audit
    if audit is None or not _follows_labels(config):
        return []
    records = [line for line in run.metrics if line.stage == "policy"]
    moves = list[tuple[float, ShortcutFigures]]()
    for shortcut in _warned_of(audit, config):
        drift = newest(records, f"policy/drift_{shortcut.name}")
        if drift is not None:
            moves.append((drift if shortcut.alone.value >= 0 else -drift, shortcut))
    if not moves:
        return []
    move, shortcut = max(moves, key=lambda found: found[0])
    return [_result(move, shortcut, audit, config)]


def _follows_labels(config: RunConfig) -> bool:
    policy = config.policy
    return policy.uses_reward_model and policy.trains and not config.rewards.hold_out


def _warned_of(audit: LabelAuditFigures, config: RunConfig) -> list[ShortcutFigures]:
    """Return the shortcuts that the audit warns of; copies by their contrast with what is none.

    The contrast says that copies are taken, so it says nothing of a rule by which less wins.
    """
    strong = strong_shortcuts(audit, config)
    if audit.contrast is None or audit.contrast.status != "found":
        return strong
    copied = [s for s in audit.shortcuts if s.name == COPIED_WORDS and direction(s) == "more"]
    return strong + [s for s in copied if s not in strong]


def _result(
    move: float, shortcut: ShortcutFigures, audit: LabelAuditFigures, config: RunConfig
) -> CheckResult:
    sign = 1 if direction(shortcut) == "more" else -1
    where = (
        f"{shortcut.title[0].upper()}{shortcut.title[1:]} ({direction(shortcut)}): the mean of its "
        f"newest {NEWEST} updates is {signed(sign * move)} standard deviations from that of its "
        "first; one is how far the answers of the first usually were from their mean."
    )
    if move < TAKEN_UP:
        message = f"It did not go far where the labels pull. {where}"
        return CheckResult(stage="comparisons", check=CHECK, status="ok", message=message)
    message = (
        "The labels reward what nobody asked for, and the policy took it up. "
        f"{where} {_in_labels(shortcut, audit)}"
    )
    action = advice(shortcut)
    if config.task.name == CUSTOM:
        action += " Where your question asks for it, nothing is wrong."
    return CheckResult(
        stage="comparisons", check=CHECK, status="bad", message=message, action=action
    )


def _in_labels(shortcut: ShortcutFigures, audit: LabelAuditFigures) -> str:
    """Return how the labels go by a shortcut, in the words of their audit."""
    is_copying = shortcut.name in SHORTCUTS and SHORTCUTS[shortcut.name].needs_source
    if (
        is_copying
        and direction(shortcut) == "more"
        and audit.contrast is not None
        and audit.contrast.status == "found"
    ):
        return copies_taken(audit.contrast)
    return rule_sentence(shortcut, audit.chance or 0.0)
