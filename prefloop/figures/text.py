"""How numbers and intervals are written in reports, cards and sentences, on terminal and pages.

No other module formats figures, so that one interval has one text everywhere. The ends of an
interval are rounded outward: in no text does it look narrower than it is.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

from prefloop.figures.estimate import EstimateFigure

NONE = "–"
"""What stands where there is no number."""

MOST_DECIMALS = 6

ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")

LONGEST_ACRONYM = 5
"""Letters of a method's name up to which it is an acronym."""


def percent(share: float | None, digits: int = 0) -> str:
    """Return a share in percent.

    >>> percent(0.666), percent(None)
    ('67 %', '–')
    """
    return NONE if share is None else _minus(f"{100 * share:z.{digits}f} %")


def share_interval(
    low: float | None, high: float | None, *, apart_from: Sequence[float] = (0.5,)
) -> str:
    """Return the interval of a share in percent; nothing where an end is unknown.

    It has whole percent, and decimals where rounding would put one of `apart_from` inside an
    interval that does not hold it.

    >>> share_interval(0.3395, 0.7021), share_interval(0.5034, 0.6166)
    ('33–71 %', '50.3–61.7 %')
    """
    if low is None or high is None:
        return ""
    for digits in range(MOST_DECIMALS):
        ends = _outward(100 * low, 100 * high, digits)
        outside = [mark for mark in apart_from if not low <= mark <= high]
        if not any(ends[0] <= 100 * mark <= ends[1] for mark in outside):
            break
    # "−20–−5" is hard to read.
    between = " to " if low < 0 else "–"
    return _minus(f"{ends[0]:.{digits}f}{between}{ends[1]:.{digits}f} %")


def share_with_interval(estimate: EstimateFigure, *, apart_from: Sequence[float] = (0.5,)) -> str:
    """Return a share, and in parentheses its interval.

    >>> rate = EstimateFigure(value=0.52, low=0.33954, high=0.70213, confidence=0.95, n=24,
    ...                       n_clusters=24, how="")
    >>> share_with_interval(rate)
    '52 % (95 % interval 33–71 %)'
    """
    value = percent(estimate.value)
    if not estimate.is_bounded:
        return value
    return f"{value} ({named_share_interval(estimate, apart_from=apart_from)})"


def named_share_interval(estimate: EstimateFigure, *, apart_from: Sequence[float] = (0.5,)) -> str:
    """Return the interval of a share with its confidence, such as `95 % interval 33–71 %`."""
    ends = share_interval(estimate.low, estimate.high, apart_from=apart_from)
    return f"{percent(estimate.confidence)} interval {ends}"


def number(value: float | None) -> str:
    """Return a number with about three figures.

    >>> number(6.0831), number(-0.02514), number(1234.5)
    ('6.08', '−0.0251', '1,234')
    """
    if value is None or not math.isfinite(value):
        return NONE
    if value == 0:
        return "0"
    digits = _decimals(value)
    if digits > MOST_DECIMALS:
        return _minus(f"{value:.1e}")
    return _minus(f"{value:,.{digits}f}")


def number_interval(low: float | None, high: float | None) -> str:
    """Return an interval, both ends with the decimals of the larger one; nothing without an end.

    >>> number_interval(0.14019, 1.59914), number_interval(-0.46308, 0.12975)
    ('0.14 to 1.60', '−0.464 to 0.130')
    """
    return _interval(low, high, sign="-")


def signed(value: float | None) -> str:
    """Return a change with about three figures and its sign.

    >>> signed(0.1667), signed(-0.1667), signed(0.0)
    ('+0.167', '−0.167', '0')
    """
    return f"+{number(value)}" if value is not None and value > 0 else number(value)


def signed_interval(low: float | None, high: float | None) -> str:
    """Return the interval of a change.

    >>> signed_interval(-0.46308, 0.12975)
    '−0.464 to +0.130'
    """
    return _interval(low, high, sign="+")


def points(change: float | None) -> str:
    """Return a change of a share in percentage points.

    >>> points(0.0354), points(0.0)
    ('+3.5', '0.0')
    """
    return NONE if change is None else _signed_fixed(100 * change, 1)


def points_interval(low: float | None, high: float | None) -> str:
    """Return the interval of a change of a share in percentage points.

    >>> points_interval(-0.0319, 0.10274)
    '−3.2 to +10.3'
    """
    if low is None or high is None:
        return ""
    ends = _outward(100 * low, 100 * high, 1)
    return " to ".join(_signed_fixed(end, 1) for end in ends)


def fixed(value: float | None, digits: int = 2) -> str:
    """Return a number with so many decimals.

    >>> fixed(-1.5), fixed(1234.5, 1), fixed(-0.0001)
    ('−1.50', '1,234.5', '0.00')
    """
    return NONE if value is None else _minus(f"{value:z,.{digits}f}")


def at_most(value: float) -> str:
    """Return an upper bound with two decimals, rounded up.

    >>> at_most(0.1931), at_most(1.8351), at_most(0.0)
    ('at most 0.20', 'at most 1.84', 'at most 0.00')
    """
    return f"at most {fixed(_outward(0.0, value, 2)[1])}"


def update_text(metrics: Mapping[str, float]) -> str:
    """Return what a line says while the policy's updates go on: score, and KL or its bound.

    >>> update_text({"policy/score": 0.21, "policy/kl": 3.42})
    'score +0.21, KL 3.4 nats'
    >>> update_text({"policy/score": 0.21, "policy/kl_at_most": 1.8351})
    'score +0.21, KL at most 1.84 nats'
    """
    bound = metrics.get("policy/kl_at_most")
    kl = fixed(metrics.get("policy/kl"), 1) if bound is None else at_most(bound)
    return f"score {_signed_fixed(metrics['policy/score'], 2)}, KL {kl} nats"


def plain(value: float) -> str:
    """Return a setting's number as short as it can be.

    >>> plain(1.0), plain(0.15)
    ('1', '0.15')
    """
    return _minus(f"{value:g}")


def count(value: int) -> str:
    """Return a whole number with its thousands apart.

    >>> count(1200)
    '1,200'
    """
    return f"{value:,}"


def counted(n: int, noun: str) -> str:
    """Return a number with its noun.

    >>> counted(1, "answer"), counted(1200, "answer")
    ('1 answer', '1,200 answers')
    """
    return f"{count(n)} {noun}{'' if n == 1 else 's'}"


def ordinal(position: int) -> str:
    """Return the word for a position, counted from 0.

    >>> ordinal(0), ordinal(11)
    ('first', '12th')
    """
    return ORDINALS[position] if position < len(ORDINALS) else f"{position + 1}th"


def shares_text(shares: Mapping[str, float | None]) -> str:
    """Return for whom a batch of questions is.

    >>> shares_text({}), shares_text({"ann": None, "ben": None})
    ('whoever is free', 'ann and ben alone')
    >>> shares_text({"ann": 0.5, "ben": 0.25})
    'ann (50 %), ben (25 %) and whoever is free (the rest)'
    """
    if not shares:
        return "whoever is free"
    given = [share for share in shares.values() if share is not None]
    named = [
        name if share is None else f"{name} ({percent(share)})" for name, share in shares.items()
    ]
    if given and sum(given) < 1 - 1e-9:
        return f"{', '.join(named)} and whoever is free (the rest)"
    *first, last = named
    return f"{', '.join(first)} and {last} alone" if first else f"{last} alone"


def money(amount: float, currency: str) -> str:
    """Return an amount; small ones keep their cents.

    >>> money(1234.5, "USD"), money(15, "USD"), money(0.0653, "USD"), money(0, "USD")
    ('1,234 USD', '15.00 USD', '0.065 USD', '0 USD')
    """
    digits = 0 if amount >= 100 or amount == 0 else 2 if amount >= 1 else 3
    return f"{amount:,.{digits}f} {currency}"


def duration(seconds: float) -> str:
    """Return a length of time as people say it.

    >>> duration(42), duration(300), duration(9000), duration(400_000)
    ('42 s', '5 min', '2 h 30 min', '5 days')
    """
    if seconds < 90:
        return f"{max(0, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if hours < 48 else f"{round(hours / 24)} days"


def memory(n_bytes: int) -> str:
    """Return an amount of memory in units of a thousand.

    >>> memory(1_400_000_000), memory(640_000_000)
    ('1.4 GB', '640 MB')
    """
    if n_bytes >= 1_000_000_000:
        return f"{n_bytes / 1e9:.1f} GB"
    return f"{n_bytes / 1e6:.0f} MB"


def tick(value: float, ticks: Sequence[float]) -> str:
    """Return the number at one of an axis's ticks, with as many decimals as its neighbors need.

    >>> tick(20000, [0, 20000]), tick(0.5, [0, 0.25, 0.5])
    ('20k', '0.50')
    """
    steps = [after - before for before, after in pairwise(ticks)]
    step = min(steps, default=abs(value) or 1.0)
    if max(map(abs, ticks), default=0) >= 10_000 and step >= 1000:
        return "0" if value == 0 else f"{value / 1000:g}k"
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    if digits < MOST_DECIMALS and not math.isclose(step, round(step, digits), rel_tol=1e-6):
        digits += 1
    return fixed(value, digits)


def method_title(method: str) -> str:
    """Return the name under which readers know a method: a short one is an acronym.

    >>> method_title("ppo"), method_title("a2po"), method_title("my_method")
    ('PPO', 'A2PO', 'my_method')
    """
    is_acronym = method.isalnum() and len(method) <= LONGEST_ACRONYM
    return method.upper() if is_acronym else method


def model_title(model: str) -> str:
    """Return a model's name in words.

    >>> model_title("policy/update-12"), model_title("policy/update-40-branch-1")
    ('policy after update 12', 'policy after update 40, branch 1')
    >>> model_title("policy/round-2"), model_title("reference"), model_title("human")
    ('policy of round 2', 'reference', 'human answer')
    """
    if model == "human":
        return "human answer"
    words = model.replace("policy/update-", "policy after update ")
    return words.replace("policy/round-", "policy of round ").replace("-branch-", ", branch ")


def _outward(low: float, high: float, digits: int) -> tuple[float, float]:
    """Return the ends of an interval, rounded away from its middle."""
    scale = 10.0**digits
    if not (math.isfinite(low * scale) and math.isfinite(high * scale)):
        return low, high  # So large that there is nothing to round.
    # The rounding removes what floating point added: 0.57 * 100 is 56.99999999999999.
    down, up = math.floor(round(low * scale, 9)), math.ceil(round(high * scale, 9))
    return down / scale, up / scale


def _decimals(value: float) -> int:
    """Return the decimals that show three figures of a number."""
    return max(0, 2 - math.floor(math.log10(abs(value)))) if value else 0


def _interval(low: float | None, high: float | None, *, sign: str) -> str:
    if low is None or high is None:
        return ""
    digits = min(_decimals(max(abs(low), abs(high))), MOST_DECIMALS)
    ends = _outward(low, high, digits)
    return " to ".join(_signed_fixed(end, digits, sign=sign) for end in ends)


def _signed_fixed(value: float, digits: int, *, sign: str = "+") -> str:
    """Return a number with its sign; what rounds to zero has none."""
    rounded = round(value, digits)
    return _minus(f"{rounded:{sign if rounded > 0 else '-'}z,.{digits}f}")


def _minus(text: str) -> str:
    """Return the text with a true minus sign."""
    return text.replace("-", "−")
