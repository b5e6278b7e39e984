"""What the words in the doctor's lines mean, for a reader who trains models for the first time."""

import re
from collections.abc import Sequence

from prefloop.figures.check_result import CheckResult

TERMS = (
    (
        r"\b[Ll]abels?\b",
        "A label is a labeler's answer to a question: which of these samples is best? A sample is "
        "an answer of the model to a prompt.",
    ),
    (
        r"\binterval\b",
        "An interval says how far chance may have moved a number: of a hundred intervals of 95 %, "
        "about 95 hold the truth.",
    ),
    (r"\b[Cc]hance is\b", "Chance is what guessing would give."),
    (
        r"\b[Rr]eward model\b",
        "A reward model learns from labels to give each answer a number, its score, as labelers "
        "would.",
    ),
    (
        r"\b([Pp]olicy|[Pp]olicies)\b(?!\.\w)",
        "The policy is the language model in training: it learns to write what scores high.",
    ),
    (
        r"\b[Rr]eference\b",
        "The reference is the model that the policy began as; the policy is held near to it.",
    ),
    (
        r"\bKL\b",
        "KL says how far training moved the policy from the reference: how much likelier it finds "
        "its own answers than the reference does, on average, in nats; one nat is a factor of 2.7.",
    ),
    (
        r"\bvalidation questions?\b",
        "Validation questions only measure the reward model: it does not learn from them.",
    ),
    (r"\bgold questions?\b", "A gold question is one whose best sample is known."),
    (
        r"\bheld-out\b",
        "Held-out prompts are those that no label and no training step has used; a held-out judge "
        "is one who did not label.",
    ),
    (
        r"\b[Ss]hortcuts?\b",
        "A shortcut is a simple rule, such as “the longest wins”, that may explain choices though "
        "nobody asked for it.",
    ),
    (r"\bupdates?\b", "In an update the policy answers some prompts and learns from the scores."),
    (
        r"\bbest of (n|\d+)\b",
        "Best of n: of n answers the one with the highest score is kept.",
    ),
    (
        r"\btokens?\b",
        "A token is a word or a piece of one.",
    ),
    (
        r"\bratios?\b",
        "A ratio is how much likelier a token became within an update; beyond a limit it is "
        "clipped, and counts no further.",
    ),
    (
        r"\breturns\b",
        "A return is what is still to be gained in an answer; values foretell it.",
    ),
    (
        r"\b[Ll]og-probabilit(y|ies)\b",
        "The log-probability of a text says how likely a model finds it: nearer to 0 is likelier.",
    ),
    (
        r"\bstandard deviations?\b",
        "A standard deviation says how far single values usually are from their mean.",
    ),
    (r"\bledger\b", "The ledger is the store's list of all that was done."),
)
"""What is looked for in the lines, and what it means. Names of settings explain themselves."""


def terms_in(results: Sequence[CheckResult]) -> list[str]:
    """Return what the terms mean that stand in these results, in the order in which they do."""
    text = "\n".join(result.message for result in results)
    found = [(match.start(), said) for word, said in TERMS if (match := re.search(word, text))]
    return [said for _, said in sorted(found)]
