"""How much the samples repeat their prompt: the 2019 finding, for every run."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from prefloop.evaluation.estimates import mean_row, pair_by_prompt, share_row
from prefloop.records import Prompt, Sample
from prefloop.text.overlap import (
    copies_start,
    coverage,
    density,
    longest_common_run,
    novel_ngram_share,
    novel_sentence_share,
)

Measure = Callable[[str, str], float | None]
Summary = Callable[[Sequence[float | None], Sequence[str]], dict[str, Any] | None]

MEASURES: dict[str, tuple[Measure, Summary]] = {
    "novel_sentences": (novel_sentence_share, share_row),
    "novel_1grams": (lambda response, source: novel_ngram_share(response, source, 1), share_row),
    "novel_2grams": (lambda response, source: novel_ngram_share(response, source, 2), share_row),
    "novel_3grams": (lambda response, source: novel_ngram_share(response, source, 3), share_row),
    "novel_4grams": (lambda response, source: novel_ngram_share(response, source, 4), share_row),
    "coverage": (coverage, share_row),
    "density": (density, mean_row),
    "longest_run_words": (longest_common_run, mean_row),
    "starts_copied": (lambda response, source: float(copies_start(response, source)), share_row),
}
"""What is measured of a response against its prompt, and how it is averaged."""


def copying_figures(
    prompts: Mapping[str, Prompt],
    policy_samples: Sequence[Sample],
    reference_samples: Sequence[Sample],
) -> dict[str, Any]:
    """Return every measure for both models, for human answers where known, and the change.

    The change is policy minus reference on the same prompt, so the prompts' own differences
    drop out of its interval.
    """
    human = [(p.id, p.reference, p.text) for p in prompts.values() if p.reference is not None]
    asked = {sample.prompt_id for sample in policy_samples}
    rows = {
        "policy": _rows(_texts(policy_samples, prompts)),
        "reference": _rows(_texts(reference_samples, prompts)),
        "human": _rows([row for row in human if row[0] in asked]),
    }
    pairs = [
        p for p in pair_by_prompt(policy_samples, reference_samples) if p[0].prompt_id in prompts
    ]
    rows["change"] = {
        name: _change(measure, pairs, prompts) for name, (measure, _) in MEASURES.items()
    }
    return {name: row for name, row in rows.items() if any(row.values())}


def _texts(samples: Sequence[Sample], prompts: Mapping[str, Prompt]) -> list[tuple[str, str, str]]:
    return [
        (sample.prompt_id, sample.text, prompts[sample.prompt_id].text)
        for sample in samples
        if sample.prompt_id in prompts
    ]


def _rows(texts: Sequence[tuple[str, str, str]]) -> dict[str, Any]:
    clusters = [prompt_id for prompt_id, _, _ in texts]
    return {
        name: summary([measure(response, source) for _, response, source in texts], clusters)
        for name, (measure, summary) in MEASURES.items()
    }


def _change(
    measure: Measure, pairs: Sequence[tuple[Sample, Sample]], prompts: Mapping[str, Prompt]
) -> dict[str, Any] | None:
    changes: list[float | None] = []
    for ours, theirs in pairs:
        source = prompts[ours.prompt_id].text
        a, b = measure(ours.text, source), measure(theirs.text, source)
        changes.append(None if a is None or b is None else a - b)
    return mean_row(changes, [ours.prompt_id for ours, _ in pairs])
