"""The verb that says how many questions people must answer to show a difference."""

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from prefloop.cli.arguments import AsJson

if TYPE_CHECKING:
    from prefloop.functional.power import ExpectedJudging

CROWDS = (3, 5, 10, 20, 50)
"""Numbers of people in the answer where none is given."""


def power(
    win_rate: Annotated[float, typer.Option(help="Expected win rate; a tie is half a win.")],
    ties: Annotated[float, typer.Option(help="Expected share of ties.")] = 0.0,
    people: Annotated[int | None, typer.Option(help="How many people share the work.")] = None,
    answers: Annotated[int, typer.Option(help="People who answer each question: 1 or 3.")] = 1,
    agreement: Annotated[
        float, typer.Option(help="How often two people answer a question alike, ties aside.")
    ] = 0.7,
    spread: Annotated[
        float, typer.Option(help="How people differ: standard deviation in log-odds.")
    ] = 0.3,
    looks: Annotated[int, typer.Option(help="As evaluation.people.looks.", min=1, max=20)] = 4,
    power: Annotated[float, typer.Option(help="Probability of showing it.")] = 0.8,
    as_json: AsJson = False,
) -> None:
    """Say how many questions people must answer to show a difference.

    Example: `prefloop evaluation power --win-rate 0.6`
    """
    from prefloop.functional.power import ExpectedJudging

    expected = ExpectedJudging(
        win_rate=win_rate, tie_share=ties, spread=spread, answers=answers, agreement=agreement
    )
    found = _needed(expected, CROWDS if people is None else (people,), looks, power)
    if as_json:
        rows = [{"people": crowd, "questions": n} for crowd, n in found.items()]
        print(json.dumps({"win_rate": win_rate, "power": power, "needed": rows}))
        return
    _show(found, win_rate, power, answers)


def _needed(
    expected: "ExpectedJudging", crowds: Sequence[int], looks: int, power: float
) -> dict[int, int | None]:
    """Return the number of questions by the number of people; None where none is enough."""
    from prefloop.errors import InputError
    from prefloop.functional.power import questions_needed
    from prefloop.functional.sequential import look_confidences

    confidence = look_confidences([k / looks for k in range(1, looks + 1)])[-1]
    found: dict[int, int | None] = {}
    for crowd in crowds:
        judging = replace(expected, people=crowd)
        try:
            needed = questions_needed(judging, power=power, confidence=confidence)
        except ValueError as error:
            raise InputError(f"What was asked cannot be: {error}.") from error
        found[crowd] = None if needed is None else math.ceil(needed)
    return found


def _show(found: dict[int, int | None], win_rate: float, power: float, answers: int) -> None:
    from prefloop.figures.text import count, counted, percent

    print(
        f"To show a win rate of {percent(win_rate)} in {percent(power)} of judgings, people must "
        "answer at most:"
    )
    for crowd, n in found.items():
        answer = (
            "no number of questions is enough: they may all lean alike; ask more people"
            if n is None
            else f"{counted(n, 'question')}, {count(n * answers)} answers"
        )
        print(f"{crowd:>6} people: {answer}")
    print("Set evaluation.prompts to that number; it ends earlier if the result is clear before.")
