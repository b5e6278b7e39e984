"""Scorers that rest on English words, and whether texts are English enough for them.

A word list of another language than the texts finds nothing in them: every response scores the
same, and every verdict is a tie. That looks like a result and is none, so the run warns of it.
"""

from collections.abc import Sequence

import regex

from prefloop.choices import is_scorer, judge_sources, scorer_sources
from prefloop.figures.text import count, percent
from prefloop.scorers.accuracy_in_a_hurry import FUNCTION_WORDS
from prefloop.settings.policy import REWARD_MODEL
from prefloop.settings.run import RunConfig
from prefloop.text.words import words

ENGLISH_SOURCES = frozenset(
    [
        *("rated sentences", "rated words", "sensory words", "concrete nouns"),
        *("planted errors in news for judges", "planted errors in news for labelers"),
    ]
)
"""Sources of the built-in scorers whose words are English."""

COMMON_SHARE = 0.2
"""English texts consist of common words (the, of, and, ...) to a third and more; German ones, by
words that both languages have, to a tenth at most as a rule."""

LEAST_WORDS = 100
"""Fewer words say nothing of a language."""

READ_SHARE = 0.5
"""With fewer of their letters in Latin script, texts hold nothing that an English list knows."""

_LETTER = regex.compile(r"\p{L}", regex.V1)
_LATIN = regex.compile(r"[\p{Latin}&&\p{L}]", regex.V1)


def english_problem(sources: frozenset[str], texts: Sequence[str]) -> str | None:
    """Return why verdicts that rest on these sources mean nothing on such texts; None if they may.

    This is for figures, which are left out: it speaks up only where the script says it for certain.
    """
    if not sources & ENGLISH_SOURCES:
        return None
    n_letters, n_latin = (sum(len(kind.findall(x)) for x in texts) for kind in (_LETTER, _LATIN))
    if n_latin >= READ_SHARE * n_letters:
        return None
    return (
        f"it rates English words, and {percent(n_latin / n_letters)} of the texts' letters are "
        "in Latin script"
    )


def english_warnings(config: RunConfig, texts: Sequence[str]) -> list[str]:
    """Return a sentence for every labeler, reward and judge whose English words texts hardly hold.

    `texts` are prompts: what a model writes follows their language.
    """
    found = [word for text in texts for word in words(text)]
    n_common = sum(word in FUNCTION_WORDS for word in found)
    if len(found) < LEAST_WORDS or n_common >= COMMON_SHARE * len(found):
        return []
    users = [name for name, sources in _users(config).items() if sources & ENGLISH_SOURCES]
    share = percent(n_common / len(found))
    return [
        f"{user} rates English words, and of {count(len(found))} words of the prompts {share} are "
        "common English ones: what it says of them means little. Choose an endpoint, a classifier "
        "of their language or a function of your own."
        for user in users
    ]


def _users(config: RunConfig) -> dict[str, frozenset[str]]:
    """Return what rests on scorers, in the words of the run file, with its sources."""
    labelers = [name for name, weight in config.comparisons.known_scorers.items() if weight]
    users = {f"The labelers' scorer {name!r}": scorer_sources(config, name) for name in labelers}
    if config.policy.reward != REWARD_MODEL:
        name = config.policy.reward
        users[f"The reward {name!r}"] = scorer_sources(config, name)
    judges = [name for name in config.evaluation.judges if is_scorer(config, name)]
    return users | {f"The judge {name!r}": judge_sources(config, name) for name in judges}
