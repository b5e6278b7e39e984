"""What the templates can do with figures and texts."""

import re
from collections.abc import Callable
from typing import Any

from markupsafe import Markup, escape

from prefloop.figures import text
from prefloop.figures.estimate import EstimateFigure
from prefloop.figures.held_out_text import held_out_text
from prefloop.figures.judging import judging_text
from prefloop.figures.label_audit_text import audit_head, together_sentence
from prefloop.figures.live import live_text
from prefloop.figures.overoptimization_text import curve_title, overoptimization_head
from prefloop.figures.prompts import left_out_text
from prefloop.figures.reward_audit_text import ensemble_text, reward_audit_head
from prefloop.figures.sentence import comparisons_text
from prefloop.figures.usage import usage_text
from prefloop.models.hub_names import described
from prefloop.report.chain import use_of_labels
from prefloop.report.labels import labels_text
from prefloop.report.preferences import preferences_text

NARROW = "\u202f"
"""The narrow space between a number and its unit, which no line break splits."""

_PLACE = re.compile(r"report/index\.html(#[a-z0-9-]+)")

_BIDI_AND_INVISIBLE = {
    code: f"⟨U+{code:04X}⟩"
    for code in (
        *range(0x09),
        *range(0x0B, 0x20),
        0x7F,
        *range(0x200B, 0x2010),
        *range(0x202A, 0x202F),
        *range(0x2060, 0x206A),
        0xFEFF,
    )
}


def visible(words: str) -> str:
    """Return the text with control, zero-width and direction characters spelled out.

    >>> visible("a\\u202eb")
    'a⟨U+202E⟩b'
    """
    return words.translate(_BIDI_AND_INVISIBLE)


def response(words: str) -> str:
    """Return a response so that none looks blank: line breaks at its edges are signs.

    >>> response("\\n\\nYes.\\n"), response("")
    ('↵↵Yes.↵', '(empty)')
    """
    if not words:
        return "(empty)"
    inner = words.strip("\n")
    before = len(words) - len(words.lstrip("\n"))
    after = len(words) - before - len(inner) if inner else 0
    return visible("↵" * before + inner + "↵" * after)


def unbroken(words: str) -> str:
    """Return the text with percent signs and dashes that no line break parts from their numbers."""
    return words.replace(" %", f"{NARROW}%").replace("–", "\u2060–\u2060")


def linked(words: str) -> Markup:
    """Return the text, escaped, with the addresses of places in the report as links.

    >>> linked("<b> Samples: report/index.html#samples-of-update-3.")
    Markup('&lt;b&gt; Samples: <a href="#samples-of-update-3">below</a>.')
    """
    return Markup(_PLACE.sub(r'<a href="\1">below</a>', str(escape(words))))


def share_interval(estimate: EstimateFigure, *apart_from: float) -> str:
    """Return the interval of a share; the marks outside it stay outside when it is rounded."""
    return text.share_interval(estimate.low, estimate.high, apart_from=apart_from or (0.5,))


def named_share_interval(estimate: EstimateFigure, *apart_from: float) -> str:
    """Return the interval of a share with its confidence."""
    return text.named_share_interval(estimate, apart_from=apart_from or (0.5,))


def number_interval(estimate: EstimateFigure) -> str:
    """Return the interval of a number."""
    return text.number_interval(estimate.low, estimate.high)


def signed_interval(estimate: EstimateFigure) -> str:
    """Return the interval of a change of a number."""
    return text.signed_interval(estimate.low, estimate.high)


def points_interval(estimate: EstimateFigure) -> str:
    """Return the interval of a change of a share."""
    return text.points_interval(estimate.low, estimate.high)


FILTERS: dict[str, Callable[..., Any]] = {
    "model_described": described,
    "visible": visible,
    "live_text": live_text,
    "response": response,
    "unbroken": unbroken,
    "linked": linked,
    "percent": text.percent,
    "share_interval": share_interval,
    "named_share_interval": named_share_interval,
    "number": text.number,
    "number_interval": number_interval,
    "signed": text.signed,
    "signed_interval": signed_interval,
    "points": text.points,
    "points_interval": points_interval,
    "fixed": text.fixed,
    "at_most": text.at_most,
    "plain": text.plain,
    "count": text.count,
    "counted": text.counted,
    "money": text.money,
    "duration": text.duration,
    "model_title": text.model_title,
    "usage_text": usage_text,
    "labels_text": labels_text,
    "use_of_labels": use_of_labels,
    "audit_head": audit_head,
    "together_sentence": together_sentence,
    "reward_audit_head": reward_audit_head,
    "ensemble_text": ensemble_text,
    "held_out_text": held_out_text,
    "overoptimization_head": overoptimization_head,
    "curve_title": curve_title,
    "judging_text": judging_text,
    "comparisons_text": comparisons_text,
    "left_out_text": left_out_text,
    "preferences_text": preferences_text,
}
"""Those of the model cards; a page's figures are `unbroken` too."""


def page_filters() -> dict[str, Callable[..., Any]]:
    """Return the filters of the report: figures that no line break splits."""
    plain = ("visible", "response", "unbroken", "linked", "model_described")
    return {
        name: made if name in plain else _unbroken_result(made) for name, made in FILTERS.items()
    }


def _unbroken_result(made: Callable[..., str]) -> Callable[..., str]:
    def filtered(*values: Any) -> str:
        return unbroken(made(*values))

    return filtered
