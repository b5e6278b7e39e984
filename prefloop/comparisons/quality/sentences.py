"""Figures as sentences write them."""

import math

from prefloop.functional.statistics import Interval

ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")


def percent(share: float) -> str:
    """Return a share in whole percent.

    >>> percent(0.666)
    '67 %'
    """
    return f"{100 * share:.0f} %"


def span(interval: Interval) -> str:
    """Return an interval of a share, rounded outward: it never looks narrower than it is.

    >>> span(Interval(0.507, 0.661))
    '50 to 67 %'
    """
    low, high = (round(100 * end, 9) for end in interval)
    return f"{math.floor(low)} to {math.ceil(high)} %"


def ordinal(place: int) -> str:
    """Return the word for a place, counted from 0.

    >>> ordinal(0), ordinal(11)
    ('first', '12th')
    """
    return ORDINALS[place] if place < len(ORDINALS) else f"{place + 1}th"


def counted(n: int, noun: str) -> str:
    """Return a number with its noun.

    >>> counted(1, "answer"), counted(1200, "answer")
    ('1 answer', '1,200 answers')
    """
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
