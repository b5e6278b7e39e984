"""The audit of labels in sentences, the same on terminal, page and in the doctor."""

from prefloop.figures.label_audit import (
    ContrastFigures,
    LabelAuditFigures,
    ShortcutFigures,
    VersionWeightFigures,
)
from prefloop.figures.text import (
    count,
    counted,
    named_share_interval,
    number,
    percent,
    signed,
    signed_interval,
)
from prefloop.figures.trust import ValidationFigures


def rule_sentence(
    shortcut: ShortcutFigures, chance: float, validation: ValidationFigures | None = None
) -> str:
    """Return how far a rule with one shortcut agrees with labelers, beside the reward model."""
    agreement = shortcut.agreement
    text = (
        f"A rule that only {shortcut.counts} ({direction(shortcut)} wins) agrees with "
        f"{percent(agreement.value)} of {counted(agreement.n, 'choice')} "
        f"({named_share_interval(agreement, apart_from=(chance,))}; chance is {percent(chance)})"
    )
    if validation is not None:
        accuracy = validation.accuracy
        text += (
            f"; the reward model with {percent(accuracy.value)} of "
            f"{counted(accuracy.n, 'validation question')} "
            f"({named_share_interval(accuracy, apart_from=(validation.chance,))})"
        )
    return f"{text}."


def direction(shortcut: ShortcutFigures) -> str:
    """Return which way a rule goes: `more` or `less` of what it counts wins."""
    is_more = shortcut.alone.value >= 0
    if shortcut.name == "position":
        return "shown earlier" if is_more else "shown later"
    return "more" if is_more else "less"


def named_direction(shortcut: ShortcutFigures) -> str:
    """Return a shortcut with the way it goes, such as `length (less)`."""
    way = direction(shortcut)
    return way if shortcut.name == "position" else f"{shortcut.title} ({way})"


def copies_taken(contrast: ContrastFigures) -> str:
    """Return how often a copy was taken where one met a sample that is none."""
    if contrast.taken is None or contrast.chance is None:
        return "No answer chose between a copy and a sample that is none."
    taken = contrast.taken
    return (
        f"Where a copy met a sample that is none, the copy was taken in {percent(taken.value)} of "
        f"{counted(taken.n, 'answer')} "
        f"({named_share_interval(taken, apart_from=(contrast.chance,))}; "
        f"{percent(contrast.chance)} if copying made no difference)."
    )


def together_sentence(figures: LabelAuditFigures) -> str:
    """Return how far all shortcuts together agree with the choices; "" without figures."""
    together, chance = figures.together, figures.chance
    if together is None or chance is None:
        return ""
    return (
        f"All of them together agree with {percent(together.value)} "
        f"({named_share_interval(together, apart_from=(chance,))}; chance is {percent(chance)})."
    )


def differences(figures: LabelAuditFigures) -> list[str]:
    """Return which shortcuts weigh differently with labelers or versions of the instructions."""
    return [text for s in figures.shortcuts for text in (*_labelers(s), *_versions(s))]


def _labelers(shortcut: ShortcutFigures) -> list[str]:
    spread = shortcut.spread
    if spread is None or signed(spread.least.coefficient) == signed(spread.most.coefficient):
        return []
    ends = (
        f"{signed(end.coefficient)} ({end.labeler}, {counted(end.n, 'answer')})"
        for end in (spread.least, spread.most)
    )
    return [
        f"{shortcut.title}: {spread.labelers} labelers may differ by {number(spread.sd)} log-odds "
        f"(sd), from {' to '.join(ends)}; this has no interval, and can be chance."
    ]


def _versions(shortcut: ShortcutFigures) -> list[str]:
    if not shortcut.versions:
        return []
    return [f"{shortcut.title}: {'; '.join(map(_under_version, shortcut.versions))}."]


def _under_version(found: VersionWeightFigures) -> str:
    """Return a weight with its version; imported labels may name none, one question no interval."""
    weight = found.coefficient
    parts = [signed_interval(weight.low, weight.high), counted(weight.n, "answer")]
    version = f"version {found.version}" if found.version else "a version without a name"
    return f"{signed(weight.value)} under {version} ({', '.join(filter(None, parts))})"


def audit_head(figures: LabelAuditFigures) -> str:
    """Return what was looked at, in one sentence."""
    others = f" and {counted(figures.ties, 'answer')} without one" if figures.ties else ""
    n_without = figures.labels - figures.choices - figures.ties
    without = f", {count(n_without)} of them skipped or flagged" if n_without else ""
    return (
        f"{counted(figures.choices, 'choice')}{others} by {counted(figures.labelers, 'labeler')} "
        f"on {counted(figures.questions, 'question')}; {counted(figures.labels, 'label')} in all"
        f"{without}."
    )
