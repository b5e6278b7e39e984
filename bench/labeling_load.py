"""Labelers who are programs, many to a process: what they do, and what came of it."""

import asyncio
import multiprocessing
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from labeler_client import Heard, Labeler

AT_ONCE = 4
"""Questions that somebody who does not read takes at once, the most that a page may."""

AHEAD = 2
"""Questions that a page takes ahead for somebody who reads."""

READING_SECONDS = (3.0, 12.0)
"""How long a person reads, at least and at most."""

LOGIN_SECONDS = 0.1
"""What to allow for each login before everybody begins."""

Question = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Person:
    """A labeler: how they log in, and what they were handed out beforehand."""

    code: str
    stock: tuple[Question, ...] = ()
    """If there is any, they answer that and ask for nothing."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """What labelers do, and for how long."""

    seconds: float
    reads: bool = False
    """Whether they take their time."""
    pause_seconds: float = 0.0
    """Between two answers of a labeler who does not read."""


@dataclass(frozen=True)
class Outcome:
    """What the labelers of all processes heard."""

    answer_seconds: list[float]
    claim_seconds: list[float]
    confirmed: list[str]
    n_repeats: int
    refusals: list[str]


def drive(address: str, people: Sequence[Person], load: Load, n_processes: int) -> Outcome:
    """Let people in several processes answer at the same time; return what they heard."""
    n = min(n_processes, len(people))
    begins_at = time.time() + 3.0 + LOGIN_SECONDS * len(people)
    parts = [(address, people[part::n], load, begins_at) for part in range(n)]
    with ProcessPoolExecutor(n, mp_context=multiprocessing.get_context("spawn")) as pool:
        heard = list(pool.map(_one_process, parts))
    return Outcome(
        answer_seconds=sorted(s for each in heard for s in each.answer_seconds),
        claim_seconds=sorted(s for each in heard for s in each.claim_seconds),
        confirmed=[name for each in heard for name in each.saved],
        n_repeats=sum(each.n_repeats for each in heard),
        refusals=[message for each in heard for message in each.refusals],
    )


def _one_process(part: tuple[str, Sequence[Person], Load, float]) -> Heard:
    heard = Heard(keeps_bodies=False)
    asyncio.run(_together(*part, heard))
    return heard


async def _together(
    address: str, people: Sequence[Person], load: Load, begins_at: float, heard: Heard
) -> None:
    labelers = [Labeler(address, heard, seed=number) for number in range(len(people))]
    for labeler, person in zip(labelers, people, strict=True):
        labeler.luck.seed(person.code)
        await labeler.enter(person.code)
    await asyncio.sleep(max(0.0, begins_at - time.time()))
    ends = time.monotonic() + load.seconds
    pairs = zip(labelers, people, strict=True)
    await asyncio.gather(*(_alone(each, person, load, ends) for each, person in pairs))


async def _alone(labeler: Labeler, person: Person, load: Load, ends: float) -> None:
    async with aclosing(labeler.connection):
        try:
            if person.stock:
                await _answer_stock(labeler, person.stock, ends)
            else:
                await _ask_and_answer(labeler, load, ends)
        except Exception as error:
            labeler.heard.refusals.append(repr(error))


async def _answer_stock(labeler: Labeler, stock: Sequence[Question], ends: float) -> None:
    for question in stock:
        if time.monotonic() >= ends:
            return
        await labeler.answer(question)
    labeler.heard.refusals.append("the stock of questions ran out; the rate is a lower bound")


async def _ask_and_answer(labeler: Labeler, load: Load, ends: float) -> None:
    # Not all at the same instant.
    await asyncio.sleep(labeler.luck.uniform(0, load.pause_seconds + load.reads))
    while time.monotonic() < ends:
        questions = await labeler.claim(AHEAD if load.reads else AT_ONCE)
        for question in questions:
            if load.reads:
                await asyncio.sleep(labeler.luck.uniform(*READING_SECONDS))
            elif load.pause_seconds:
                await asyncio.sleep(load.pause_seconds)
            if time.monotonic() < ends:
                await labeler.answer(question)
        if not questions:
            labeler.heard.refusals.append("nothing was left to answer")
            return
