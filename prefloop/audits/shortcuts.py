"""The shortcuts that every audit looks at: simple rules that labelers may go by unasked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from prefloop.audits.measures import N_SOURCE_WORDS, N_WORDS
from prefloop.figures.text import fixed
from prefloop.policy.text_metrics import LEAST_SOURCE_WORDS
from prefloop.scorers.english import english_problem

POSITION = "position"

Direction = Literal["more", "less"]


@dataclass(frozen=True, kw_only=True)
class Shortcut:
    """One simple rule, in the words of a reader."""

    name: str
    title: str
    """What is counted."""
    counts: str
    """What a rule does that knows nothing else."""
    needs_source: bool = False
    """Whether it means nothing where there is nothing to copy from."""
    is_english: bool = False
    """Whether it knows English words only."""
    asked_by: frozenset[str] = frozenset()
    """Tasks that ask for it: there it is no shortcut."""
    advice: str
    """What to change where it explains the choices unasked."""


COPYING_ADVICE = (
    "Say in task.instructions how to treat copying (and raise task.instructions_version); where "
    "they say it already, labelers do not go by it. Make gold questions in which a copy meets a "
    "better sample, and ask for more than accuracy in task.question."
)
LENGTH_ADVICE = (
    "Say in task.instructions that length is no merit, and make gold questions in which a sample "
    "of the other length is better; or keep samples near one length (task.response_tokens)."
)
STYLE_ADVICE = (
    "Say in task.instructions whether it matters, and make gold questions in which a sample "
    "without it is better."
)

TEXT_SHORTCUTS = (
    Shortcut(
        name="length",
        title="length",
        counts="counts words",
        advice=LENGTH_ADVICE,
    ),
    Shortcut(
        name="copied_words",
        title="copied words",
        counts="counts words copied from the prompt",
        needs_source=True,
        advice=COPYING_ADVICE,
    ),
    Shortcut(
        name="copied_sentences",
        title="copied sentences",
        counts="counts sentences copied whole from the prompt",
        needs_source=True,
        advice=COPYING_ADVICE,
    ),
    Shortcut(
        name="starts_copied",
        title="begins as the prompt does",
        counts="looks whether a sample begins as the prompt does",
        needs_source=True,
        advice=COPYING_ADVICE,
    ),
    Shortcut(
        name="repetition",
        title="repetition",
        counts="counts runs of words that a sample repeats",
        advice=STYLE_ADVICE,
    ),
    Shortcut(
        name="rated_words",
        title="positive words",
        counts="adds up the ratings of positive and negative words",
        is_english=True,
        asked_by=frozenset({"sentiment"}),
        advice="Say in task.question what the samples are to be judged for, apart from their mood.",
    ),
    Shortcut(
        name="formatting",
        title="lists, headings and bold",
        counts="counts list items, headings and bold passages",
        advice=STYLE_ADVICE,
    ),
    Shortcut(
        name="exclamation",
        title="exclamation marks",
        counts="counts exclamation marks",
        advice=STYLE_ADVICE,
    ),
)
"""In the order of `measures.MEASURES`."""

SHOWN_EARLIER = Shortcut(
    name=POSITION,
    title="shown earlier",
    counts="looks at where a sample was shown",
    advice="Orders are drawn at random, so this is noise and favors no sample, but it wastes "
    "labels: look at the findings about position on the team page, and show fewer samples at a "
    "time.",
)
"""1 for the sample shown first, 0 for the last."""


def scorer_shortcut(name: str, description: str) -> Shortcut:
    """Return a scorer of the run file as a shortcut."""
    return Shortcut(
        name=f"scorer {name}",
        title=f"scorer {name}",
        counts=f"asks the scorer {name} ({description})",
        advice="If the task does not ask for it, say so in task.instructions.",
    )


def shortcuts_without_meaning(figures: ArrayLike, written: Sequence[str]) -> dict[str, str]:
    """Return the shortcuts that mean nothing on some texts, with the reason.

    `figures` has a row of `measures.measure_text` for each; `written` are some of them.
    """
    left_out: dict[str, str] = {}
    rows = np.asarray(figures)
    source, own = (float(np.median(rows[:, i])) for i in (N_SOURCE_WORDS, N_WORDS))
    if source < max(LEAST_SOURCE_WORDS, own):
        why = (
            f"the prompts are no source to copy from: the middle one has {fixed(source, 0)} words, "
            f"the middle sample {fixed(own, 0)}"
        )
        left_out |= {s.name: why for s in TEXT_SHORTCUTS if s.needs_source}
    if (problem := english_problem(frozenset({"rated words"}), written)) is not None:
        left_out |= {s.name: problem for s in TEXT_SHORTCUTS if s.is_english}
    return left_out
