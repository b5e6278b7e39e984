"""What alarms are made of: readings of the updates so far, each a pure function of them.

A reading is `unknown` until there are enough updates. But for what no batch may do (a NaN, a ratio
far from 1) it looks at the mean of several updates, so that one noisy batch raises nothing.
"""

from collections.abc import Callable, Sequence
from itertools import islice, takewhile

from prefloop.figures.metrics_line import MetricsLine
from prefloop.figures.text import fixed, number, percent
from prefloop.figures.watch import AlarmReading
from prefloop.functional.trend import trend
from prefloop.settings.policy import PolicyConfig
from prefloop.text.printable import on_one_line

Records = Sequence[MetricsLine]
"""Updates of the policy from the first on, oldest first."""

Rule = Callable[[Records, PolicyConfig], AlarmReading]

NEWEST = 4
"""Updates whose mean is what the policy does now."""

START = 4
"""Updates whose mean is what it did at the start."""

TREND = 30
"""Newest updates over which two scores are held against each other."""

LEAST_TREND = 12
"""Updates without which no score is said to rise or fall."""

RISES, FALLS = 0.001, 0.0001
"""Chances at which slopes count as sure: strict, as they are looked at after every update."""

QUOTED = 60
"""Characters of a policy's words that a message quotes."""

UNKNOWN = AlarmReading(level="unknown")


def quoted(phrase: str) -> str:
    """Return words of a policy in quotes, for a message: on one line, printable and short.

    A word has no length: what a policy says without a space is one.

    >>> quoted("she was\\x1b[2J"), quoted("no" * 100)[-10:]
    ('"she was\ufffd[2J"', 'onononon…"')
    """
    text = on_one_line(phrase)
    return f'"{text if len(text) <= QUOTED else text[: QUOTED - 1] + "…"}"'


def newest(records: Records, key: str) -> float | None:
    """Return the mean of a metric over the newest updates; None unless each of them has it."""
    found = [r.values[key] for r in records[-NEWEST:] if key in r.values]
    return sum(found) / NEWEST if len(found) == NEWEST else None


def at_start(records: Records, key: str) -> float | None:
    """Return the mean over the first updates that have it; None until newer ones are apart."""
    places = list(islice((i for i, r in enumerate(records) if key in r.values), START))
    if len(places) < START or places[-1] >= len(records) - NEWEST:
        return None
    return sum(records[i].values[key] for i in places) / START


def against_start(
    title: str,
    key: str,
    *,
    warn_below: float = 0.0,
    stop_below: float = 0.0,
    warn_above: float = float("inf"),
) -> Rule:
    """Return the rule about a metric as a multiple of what it was at the start."""

    def read(records: Records, policy: PolicyConfig) -> AlarmReading:
        now, start = newest(records, key), at_start(records, key)
        if now is None or start is None or start <= 0:
            return UNKNOWN
        times = now / start
        message = f"{title} went from {number(start)} to {number(now)}, {percent(times)} of it."
        if times < stop_below:
            return AlarmReading(level="stop", message=message)
        is_off = times < warn_below or times > warn_above
        return AlarmReading(level="warn" if is_off else "fine", message=message)

    return read


def moved(title: str, key: str, *, by: float, below: float = float("inf")) -> Rule:
    """Return the rule about a share that moved by more than `by` since the start.

    `by` below 0 is a fall. `below` is the level that it must be below as well.
    """

    def read(records: Records, policy: PolicyConfig) -> AlarmReading:
        now, start = newest(records, key), at_start(records, key)
        if now is None or start is None:
            return UNKNOWN
        change = now - start
        is_far = change > by if by > 0 else change < by
        message = f"{title} went from {percent(start)} to {percent(now)}."
        return AlarmReading(level="warn" if is_far and now < below else "fine", message=message)

    return read


def above(title: str, key: str, *, warn: float, stop: float = float("inf")) -> Rule:
    """Return the rule about a share that is too large now."""

    def read(records: Records, policy: PolicyConfig) -> AlarmReading:
        now = newest(records, key)
        if now is None:
            return UNKNOWN
        level = "stop" if now > stop else "warn" if now > warn else "fine"
        return AlarmReading.model_validate({"level": level, "message": f"{title}: {percent(now)}."})

    return read


def all_below(records: Records, key: str, limit: float, n: int) -> bool:
    """Whether each of the newest `n` updates is below `limit`; false if there are fewer."""
    found = [r.values[key] for r in records[-n:] if key in r.values]
    return len(found) == n and max(found) < limit


def below_for(title: str, key: str, limit: float, n: int) -> Rule:
    """Return the rule about a metric that was below `limit` in each of `n` updates."""

    def read(records: Records, policy: PolicyConfig) -> AlarmReading:
        if len(records) < n or key not in records[-1].values:
            return UNKNOWN
        message = f"{title} is {fixed(records[-1].values[key])}."
        level = "warn" if all_below(records, key, limit, n) else "fine"
        return AlarmReading.model_validate({"level": level, "message": message})

    return read


def falls_against(title: str, key: str, rising: str) -> Rule:
    """Return the rule about a score that surely falls while `rising` rises.

    It looks at the newest updates that measured both under the newest one's reward: the scores of
    two rewards are not of one scale.
    """

    def read(records: Records, policy: PolicyConfig) -> AlarmReading:
        last = reward_round(records[-1])
        same = takewhile(lambda r: reward_round(r) == last, reversed(records))
        measured = (r for r in same if {key, rising} <= r.values.keys())
        newest_both = list(islice(measured, TREND))[::-1]
        if len(newest_both) < LEAST_TREND or newest_both[-1] is not records[-1]:
            return UNKNOWN
        up, p_up = trend([r.values[rising] for r in newest_both])
        down, p_down = trend([r.values[key] for r in newest_both])
        steps = len(newest_both) - 1
        message = (
            f"Over {steps + 1} updates the score changed by {fixed(steps * up)}, and {title} by "
            f"{fixed(steps * down)}."
        )
        is_apart = p_up <= RISES and 1 - p_down <= FALLS
        return AlarmReading(level="warn" if is_apart else "fine", message=message)

    return read


def reward_round(record: MetricsLine) -> int:
    """Return the round of the reward model that scored an update."""
    return record.round if record.reward_round is None else record.reward_round
