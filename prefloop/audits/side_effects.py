"""What a policy learned that nobody asked for: the one trait of its answers that stands out.

A trait is something that an answer has or has not:

    opening  its first three words
    word     one of its words
    measure  more, or less, of a figure of `measures.py` (length, copying, repetition, formatting,
             ...) than nine in ten answers had before, unless the task asks for it
    repeat   an earlier prompt got the same answer, word for word

A trait stands out where it is in a fifth more of the answers than before and in three times as
many, at a false discovery rate of 1 % over all traits together: the rule by which a word takes over
(`figures/repetition.py`). Of those that stand out the one is named that moved furthest, in nats
per answer (`share_divergence`): it accounts for the largest part of the KL. Where others moved
nearly as far (NEARLY), the most telling is: a repeated answer before an opening, that before a
measure, that before a word, for an opening brings its words along.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from prefloop.audits.findings import is_asked
from prefloop.audits.labels import without_meaning
from prefloop.audits.measures import MEASURES, measure_text
from prefloop.figures.repetition import PhraseFigures
from prefloop.figures.text import count, percent
from prefloop.functional.rising_shares import rise_p_values, share_divergence
from prefloop.functional.statistics import q_values
from prefloop.records import Prompt, Sample
from prefloop.settings.run import RunConfig
from prefloop.store.store import Store
from prefloop.text.repetition import opening
from prefloop.text.words import words

TraitKind = Literal["opening", "word", "measure", "repeat"]
_Key = tuple[TraitKind, str]
_Having = dict[_Key, list[int]]
"""Which answers have each trait, by their number."""

TAIL = 0.1
"""Share of the earlier answers beyond which another one has more, or less, than nine in ten."""

NEARLY = 0.8
"""Share of the furthest move from which on another is nearly as far."""

TELLING: tuple[TraitKind, ...] = ("repeat", "opening", "measure", "word")
"""The most telling first."""

THAN = "than nine in ten before"
IN_WORDS = {
    "length": (f"are longer {THAN}", f"are shorter {THAN}"),
    "copied_words": (
        f"have more words in common with their prompt {THAN}",
        f"have fewer words in common with their prompt {THAN}",
    ),
    "copied_sentences": (
        f"copy more of their sentences from the prompt {THAN}",
        f"copy fewer of their sentences from the prompt {THAN}",
    ),
    "starts_copied": ("begin as their prompt does", "do not begin as their prompt does"),
    "repetition": (f"repeat themselves more {THAN}", f"repeat themselves less {THAN}"),
    "rated_words": (f"have more positive words {THAN}", f"have more negative words {THAN}"),
    "formatting": (
        f"have more lists, headings and bold {THAN}",
        f"have fewer lists, headings and bold {THAN}",
    ),
    "exclamation": (
        f"have more exclamation marks {THAN}",
        f"have fewer exclamation marks {THAN}",
    ),
}
"""What answers do that have more of a measure, and less."""


@dataclass(frozen=True, kw_only=True)
class Trait:
    """Something that answers have, with those that have it."""

    kind: TraitKind
    name: str
    """The opening, the word, or the name of the measure."""
    does: str
    """What answers that have it do, such as `begin with “she was a”`."""
    figures: PhraseFigures
    nats: float
    """How far its share moved, in nats per answer."""
    sample_ids: tuple[str, ...]
    """The policy's answers that have it."""
    baseline_ids: tuple[str, ...]
    """Those of the model before training."""


@dataclass(frozen=True, kw_only=True)
class SideEffects:
    """What stands out of all that was looked at."""

    n: int
    """Answers of the policy."""
    n_baseline: int
    n_traits: int
    """Traits that were looked at."""
    found: Trait | None
    """What stands out most; None if nothing does."""
    most: Trait | None
    """The trait that moved furthest among those that rose, whether it stands out or not."""


def side_effects(
    store: Store,
    config: RunConfig,
    prompts: Mapping[str, Prompt],
    model: Sequence[Sample],
    baseline: Sequence[Sample],
) -> SideEffects | None:
    """Return what the answers of a policy have that the baseline's had not; None without both."""
    if not model or not baseline:
        return None
    now, before = _phrases(model), _phrases(baseline)
    for key, own, earlier in _measured(store, config, prompts, model, baseline):
        now[key], before[key] = own, earlier
    risen = _risen(now, before, model, baseline)
    return SideEffects(
        n=len(model),
        n_baseline=len(baseline),
        n_traits=sum(bool(rows) for rows in now.values()),
        found=_most_telling([trait for trait in risen if trait.figures.has_taken_over]),
        most=risen[0] if risen else None,
    )


def _most_telling(risen: Sequence[Trait]) -> Trait | None:
    """Return the trait to name, of those that stand out, the furthest first."""
    near = [trait for trait in risen if trait.nats >= NEARLY * risen[0].nats]
    return min(near, key=lambda trait: TELLING.index(trait.kind), default=None)


def _risen(
    now: _Having, before: _Having, model: Sequence[Sample], baseline: Sequence[Sample]
) -> list[Trait]:
    """Return the traits whose share rose, those that moved furthest first."""
    keys = [key for key, rows in now.items() if rows]
    counts, earlier_counts = (
        np.array([len(side.get(key, ())) for key in keys], dtype=np.int64) for side in (now, before)
    )
    given = counts, len(model), earlier_counts, len(baseline)
    q, nats = q_values(rise_p_values(*given)), share_divergence(*given)
    has_risen = counts / len(model) > earlier_counts / len(baseline)
    return [
        Trait(
            kind=keys[i][0],
            name=keys[i][1],
            does=_does(*keys[i]),
            figures=PhraseFigures(
                phrase=keys[i][1],
                share=counts[i] / len(model),
                baseline_share=earlier_counts[i] / len(baseline),
                q=q[i],
            ),
            nats=nats[i],
            sample_ids=tuple(model[row].id for row in now[keys[i]]),
            baseline_ids=tuple(baseline[row].id for row in before.get(keys[i], ())),
        )
        for i in np.argsort(-nats, kind="stable").tolist()
        if has_risen[i]
    ]


def side_effect_sentence(effects: SideEffects, baseline: str = "before training") -> str:
    """Return what stands out, or that nothing does, with the answers that it rests on.

    `baseline` says whose the other answers are.
    """
    n, n_before = count(effects.n), count(effects.n_baseline)
    if effects.found is not None:
        share, before = _shares(effects.found)
        does = effects.found.does
        return f"{share} of its {n} answers {does}; {baseline} {before} of {n_before} did."
    text = (
        "Nothing stands out: no opening, word, length, copying, repetition or formatting is in a "
        f"fifth more of its {n} answers, and in three times as many, as {baseline} in {n_before}."
    )
    if effects.most is not None:
        share, before = _shares(effects.most)
        text += f" What moved furthest: {share} {effects.most.does}; {baseline} {before} did."
    return text


def _shares(trait: Trait) -> tuple[str, str]:
    return percent(trait.figures.share), percent(trait.figures.baseline_share)


def _does(kind: TraitKind, name: str) -> str:
    if kind == "measure":
        measure, _, way = name.partition(" ")
        return IN_WORDS[measure][way == "less"]
    if kind == "repeat":
        return "were given to an earlier prompt too, word for word"
    return f"begin with “{name}”" if kind == "opening" else f"contain the word “{name}”"


def _phrases(samples: Sequence[Sample]) -> _Having:
    """Return which answers have each opening, each word, and the words of an earlier one."""
    found: _Having = defaultdict(list)
    first: dict[str, str] = {}
    for row, sample in enumerate(samples):
        said = words(sample.text)
        for word in dict.fromkeys(said):
            found["word", word].append(row)
        if begin := opening(said):
            found["opening", begin].append(row)
        if first.setdefault(" ".join(said), sample.prompt_id) != sample.prompt_id:
            found["repeat", ""].append(row)
    return found


def _measured(
    store: Store,
    config: RunConfig,
    prompts: Mapping[str, Prompt],
    model: Sequence[Sample],
    baseline: Sequence[Sample],
) -> Iterator[tuple[_Key, list[int], list[int]]]:
    """Yield who has more, and who has less, of each measure than nine in ten had before."""
    now, before = (
        np.array([measure_text(prompts[s.prompt_id].text, s.text) for s in side], dtype=np.float32)
        for side in (model, baseline)
    )
    names = [sample.id for sample in (*model, *baseline)]
    meaningless = without_meaning(store, names, np.concatenate([now, before]))
    for column, name in enumerate(MEASURES):
        if name in meaningless or is_asked(name, config):
            continue
        own, earlier = now[:, column], before[:, column]
        high = np.quantile(earlier, 1 - TAIL, method="higher")
        low = np.quantile(earlier, TAIL, method="lower")
        for way, has, had in (
            ("more", own > high, earlier > high),
            ("less", own < low, earlier < low),
        ):
            key: _Key = ("measure", f"{name} {way}")
            yield key, np.flatnonzero(has).tolist(), np.flatnonzero(had).tolist()
