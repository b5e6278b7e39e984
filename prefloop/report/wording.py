"""Numbers and texts as the report's templates write them."""

from typing import Any

import yaml

from prefloop.report.charts.scale import minus, value_text

NARROW = "\u202f"
"""The narrow space between a number and its unit, which no line break splits."""

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


def visible(text: str) -> str:
    """Return the text with control, zero-width and direction characters spelled out.

    >>> visible("a\\u202eb")
    'a⟨U+202E⟩b'
    """
    return text.translate(_BIDI_AND_INVISIBLE)


def percent(share: float | None, digits: int = 0) -> str:
    """Return a share in percent, a dash where there is none."""
    return "–" if share is None else minus(f"{100 * share:.{digits}f}{NARROW}%")


def points(change: float | None, digits: int = 1) -> str:
    """Return a change of a share in percentage points, with its sign."""
    return "–" if change is None else minus(f"{100 * change:+.{digits}f}")


def number(value: float | None) -> str:
    """Return a number with about three figures, a dash where there is none."""
    return "–" if value is None else value_text(value)


def signed(value: float | None) -> str:
    """Return a number with about three figures and its sign."""
    if value is None:
        return "–"
    return value_text(value) if value <= 0 else f"+{value_text(value)}"


def fixed(value: float | None, digits: int = 2) -> str:
    """Return a number with so many decimals, a dash where there is none."""
    return "–" if value is None else minus(f"{value:,.{digits}f}")


def plain(value: float) -> str:
    """Return a setting's number as short as it can be.

    >>> plain(1.0), plain(0.15)
    ('1', '0.15')
    """
    return minus(f"{value:g}")


def duration(hours: float) -> str:
    """Return a time in hours, or in minutes below one hour.

    >>> duration(0.5).split(NARROW), duration(12.34).split(NARROW)
    (['30', 'min'], ['12.3', 'h'])
    """
    return f"{60 * hours:.0f}{NARROW}min" if hours < 1 else f"{hours:,.1f}{NARROW}h"


def span(row: dict[str, Any], digits: int = 0) -> str:
    """Return the interval of a share in percent; nothing where an end is unknown."""
    if row["low"] is None or row["high"] is None:
        return ""
    return f"{100 * row['low']:.{digits}f}\u2060–\u2060{100 * row['high']:.{digits}f}{NARROW}%"


def count(value: int) -> str:
    """Return a whole number with its thousands apart."""
    return f"{value:,}"


def unbroken(text: str) -> str:
    """Return the text with percent signs that no line break parts from their numbers."""
    return text.replace(" %", f"{NARROW}%").replace("–", "\u2060–\u2060")


def money(value: float, currency: str) -> str:
    """Return an amount with its currency."""
    return f"{value:,.2f}{NARROW}{currency}"


def as_yaml(settings: dict[str, Any]) -> str:
    """Return settings as a run file writes them."""
    return str(yaml.safe_dump(settings, sort_keys=False, allow_unicode=True))


FILTERS = {
    "visible": visible,
    "percent": percent,
    "points": points,
    "number": number,
    "signed": signed,
    "fixed": fixed,
    "plain": plain,
    "duration": duration,
    "span": span,
    "count": count,
    "money": money,
    "unbroken": unbroken,
    "as_yaml": as_yaml,
}
