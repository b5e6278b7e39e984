"""Would gold questions tell people in a hurry from careful ones?

    python bench/gold_questions.py CAREFUL-RUN OTHER-RUN ...

The runs are arms of one experiment: other labelers answered the same questions. Known is the answer
of a question on which two careful labelers agree. Whoever is measured by it is neither of them: not
in the other runs either, where labelers of the same name draw the same noise. Shown is how often
each kind is right, how often one of them fails 30 gold answers by the grade that prefloop gives,
and how many gold answers tell both kinds apart when the bar is put where it tells them apart best.
Answers are taken to be independent there, so that is the least that it takes. Reads the labels
alone: seconds.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from scipy.stats import binom

from prefloop.comparisons.quality.share import graded
from prefloop.comparisons.quality.thresholds import Thresholds
from prefloop.figures.text import percent, share_interval
from prefloop.functional.statistics import Estimate, paired_win_rate
from prefloop.run_file import load_run_file
from prefloop.run_paths import RUN_FILE
from prefloop.run_store import open_run_store

Answers = Mapping[str, Mapping[str, str]]
"""The sample that each labeler chose, by question."""

FOUND, ACCUSED = 0.95, 0.01
"""How often gold is to find whoever hurries, and to accuse whoever does not."""
MOST = 500
"""Gold answers beyond which nobody asks."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Whether a labeler gave the known answer of a question."""

    question: str
    labeler: str
    is_right: bool


def main() -> None:
    """Print what gold questions tell about the labelers of each run."""
    if len(sys.argv) < 3:
        sys.exit("Name the run of careful labelers, and another one: see the top of this file.")
    careful, *others = (read_answers(Path(name)) for name in sys.argv[1:])
    names = [Path(name).name for name in sys.argv[1:]]
    rates = [share(outcomes(careful, answers)) for answers in (careful, *others)]
    own = rates[0]
    print("| labelers | right on gold, 95 % | fail 30 gold answers | gold answers to tell both |")
    print("| --- | --- | --- | --- |")
    for name, rate in zip(names, rates, strict=True):
        n = None if rate is own else answers_needed(rate.value, own.value)
        apart = "" if rate is own else f"more than {MOST}" if n is None else str(n)
        print(f"| {name} | {described(rate)} | {percent(failing(rate.value))} | {apart} |")


def read_answers(folder: Path) -> Answers:
    """Return a run's answers that name a sample."""
    answers: dict[str, dict[str, str]] = {}
    with open_run_store(load_run_file(folder / RUN_FILE), folder, read_only=True) as store:
        for label in store.labels():
            if label.chosen:
                answers.setdefault(label.comparison_id, {})[label.labeler] = label.chosen
    return answers


def known_answers(given: Mapping[str, str]) -> list[str]:
    """Return the answer to a question of each pair of labelers who agree on it."""
    return [one for one, other in combinations(given.values(), 2) if one == other]


def outcomes(careful: Answers, answers: Answers) -> list[Outcome]:
    """Return how each labeler does on what two careful ones of other names agree on."""
    found = []
    for question, given in answers.items():
        for labeler, chosen in given.items():
            others = {n: c for n, c in careful.get(question, {}).items() if n != labeler}
            found += [
                Outcome(question=question, labeler=labeler, is_right=chosen == right)
                for right in known_answers(others)
            ]
    return found


def share(found: Sequence[Outcome]) -> Estimate:
    """Return the share of right answers, which vary with question and labeler."""
    return paired_win_rate(
        [float(o.is_right) for o in found],
        [o.question for o in found],
        labelers=[o.labeler for o in found],
    )


def described(rate: Estimate) -> str:
    """Return a share with its interval and its questions."""
    return (
        f"{percent(rate.value)} ({share_interval(*rate.interval)}) of {rate.n_clusters} questions"
    )


def failing(rate: float) -> float:
    """Return how often prefloop's grade, at 30 answers, fails a labeler who is right so often."""
    bars = Thresholds()
    n = bars.least_gold
    failed = [
        right
        for right in range(n + 1)
        if graded(
            right,
            n,
            bar=bars.pass_accuracy,
            least=n,
            confidence=bars.grade_confidence,
            noun="gold answer",
        ).grade
        == "fail"
    ]
    return float(sum(binom.pmf(right, n, rate) for right in failed))


def answers_needed(hurried: float, careful: float) -> int | None:
    """Return the fewest gold answers with which some bar finds the one and spares the other.

    None beyond 500.
    """
    for n in range(1, MOST + 1):
        # The highest bar that accuses the careful no more often than it may.
        bar = int(binom.ppf(ACCUSED, n, careful))
        if bar > 0 and binom.cdf(bar - 1, n, hurried) >= FOUND:
            return n
    return None


if __name__ == "__main__":
    main()
