"""Would gold questions tell people in a hurry from careful ones?

    python bench/gold_questions.py CAREFUL-RUN OTHER-RUN ...

The runs are arms of one experiment: other labelers answered the same questions. Known is the answer
of a question on which two careful labelers agree; a third one and all labelers of the other runs
are measured by it. Shown is how often each kind is right, how often one of them fails 30 gold
answers by the grade that prefloop gives, and how many gold answers tell both kinds apart when the
bar is put where it tells them apart best. Answers are taken to be independent there, so that is the
least that it takes. Reads the labels alone: seconds.
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
    careful, *others = (read_answers(Path(name)) for name in sys.argv[1:])
    known, own = known_answers(careful), share(by_leaving_out(careful))
    names = [Path(name).name for name in sys.argv[1:]]
    rates = [own, *(share(by_known(known, answers)) for answers in others)]
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


def known_answers(careful: Answers) -> dict[str, list[str]]:
    """Return by question the answer of each pair of careful labelers who agree on it."""
    agreed = {
        question: [one for one, other in combinations(given.values(), 2) if one == other]
        for question, given in careful.items()
    }
    return {question: answers for question, answers in agreed.items() if answers}


def by_known(known: Mapping[str, Sequence[str]], answers: Answers) -> list[Outcome]:
    """Return how labelers who did not set the gold do on it."""
    return [
        Outcome(question=question, labeler=labeler, is_right=chosen == right)
        for question, of_pairs in known.items()
        for labeler, chosen in answers.get(question, {}).items()
        for right in of_pairs
    ]


def by_leaving_out(careful: Answers) -> list[Outcome]:
    """Return how each careful labeler does on what two others agree on."""
    found = []
    for question, given in careful.items():
        for labeler in given:
            others = {name: chosen for name, chosen in given.items() if name != labeler}
            known = known_answers({question: others})
            found += by_known(known, {question: {labeler: given[labeler]}})
    return found


def share(outcomes: Sequence[Outcome]) -> Estimate:
    """Return the share of right answers, which vary with question and labeler."""
    return paired_win_rate(
        [float(o.is_right) for o in outcomes],
        [o.question for o in outcomes],
        labelers=[o.labeler for o in outcomes],
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
