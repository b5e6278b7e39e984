"""How much the samples repeat their prompt: the 2019 finding, for every run."""

from collections.abc import Callable, Mapping, Sequence

from prefloop.evaluation.estimates import mean_figure, pair_by_prompt, share_figure
from prefloop.figures.estimate import EstimateFigure
from prefloop.figures.evaluation import CopyingFigures, CopyingMeasures
from prefloop.records import Prompt, Sample
from prefloop.text.overlap import (
    copied_place,
    copies_start,
    coverage,
    density,
    lexical_independence,
    longest_common_run,
    novel_ngram_share,
    novel_sentence_share,
)

Measure = Callable[[str, str], float | None]
Summary = Callable[[Sequence[float | None], Sequence[str]], EstimateFigure | None]

MEASURES: dict[str, tuple[Measure, Summary]] = {
    "novel_sentences": (novel_sentence_share, share_figure),
    "novel_1grams": (lambda response, source: novel_ngram_share(response, source, 1), share_figure),
    "novel_2grams": (lambda response, source: novel_ngram_share(response, source, 2), share_figure),
    "novel_3grams": (lambda response, source: novel_ngram_share(response, source, 3), share_figure),
    "novel_4grams": (lambda response, source: novel_ngram_share(response, source, 4), share_figure),
    "lexical_independence": (lexical_independence, share_figure),
    "coverage": (coverage, share_figure),
    "density": (density, mean_figure),
    "longest_run_words": (longest_common_run, mean_figure),
    "starts_copied": (lambda response, source: float(copies_start(response, source)), share_figure),
    "copied_place": (copied_place, share_figure),
}
"""What is measured of a response against its prompt, and how it is averaged."""


def copying_figures(
    prompts: Mapping[str, Prompt],
    model_samples: Sequence[Sample],
    baseline_samples: Sequence[Sample],
) -> CopyingFigures:
    """Return every measure for both models, for human answers where known, and the change.

    The change is model minus baseline on the same prompt, so the prompts' own differences drop out
    of its interval.
    """
    human = [(p.id, p.reference, p.text) for p in prompts.values() if p.reference is not None]
    asked = {sample.prompt_id for sample in model_samples}
    return CopyingFigures(
        model=_measures(_texts(model_samples, prompts)),
        baseline=_measures(_texts(baseline_samples, prompts)),
        human=_measures([row for row in human if row[0] in asked]),
        change=_changes(prompts, model_samples, baseline_samples),
    )


def _texts(samples: Sequence[Sample], prompts: Mapping[str, Prompt]) -> list[tuple[str, str, str]]:
    return [
        (sample.prompt_id, sample.text, prompts[sample.prompt_id].text)
        for sample in samples
        if sample.prompt_id in prompts
    ]


def _measures(texts: Sequence[tuple[str, str, str]]) -> CopyingMeasures | None:
    clusters = [prompt_id for prompt_id, _, _ in texts]
    return _unless_empty(
        {
            name: summary([measure(response, source) for _, response, source in texts], clusters)
            for name, (measure, summary) in MEASURES.items()
        }
    )


def _changes(
    prompts: Mapping[str, Prompt],
    model_samples: Sequence[Sample],
    baseline_samples: Sequence[Sample],
) -> CopyingMeasures | None:
    pairs = pair_by_prompt(model_samples, baseline_samples)
    pairs = [pair for pair in pairs if pair[0].prompt_id in prompts]
    return _unless_empty(
        {name: _change(measure, pairs, prompts) for name, (measure, _) in MEASURES.items()}
    )


def _change(
    measure: Measure, pairs: Sequence[tuple[Sample, Sample]], prompts: Mapping[str, Prompt]
) -> EstimateFigure | None:
    changes: list[float | None] = []
    for ours, theirs in pairs:
        source = prompts[ours.prompt_id].text
        a, b = measure(ours.text, source), measure(theirs.text, source)
        changes.append(None if a is None or b is None else a - b)
    return mean_figure(changes, [ours.prompt_id for ours, _ in pairs])


def _unless_empty(measures: Mapping[str, EstimateFigure | None]) -> CopyingMeasures | None:
    return CopyingMeasures(**measures) if any(measures.values()) else None
