"""Is it still language? What the reference thinks of the samples, and how they repeat."""

from collections.abc import Sequence

from prefloop.evaluation.estimates import mean_figure, share_figure
from prefloop.figures.evaluation import FluencyFigures, FluencyMeasures
from prefloop.records import REFERENCE, Sample
from prefloop.text.repetition import distinct_share, duplicate_share, longest_repeated_run
from prefloop.text.words import words


def fluency_figures(
    model_samples: Sequence[Sample], baseline_samples: Sequence[Sample]
) -> FluencyFigures:
    """Return likelihood under the reference, repetition, length and ending for both models.

    A policy that the reference finds much *more* likely than its own samples has become bland; one
    that it finds much less likely has left the language. Distinct-2 depends on the amount of text,
    so both models are measured on as many samples.
    """
    n = min(len(model_samples), len(baseline_samples))
    return FluencyFigures(
        model=_measures(model_samples, n), baseline=_measures(baseline_samples, n)
    )


def _ref_logprob_per_token(sample: Sample) -> float | None:
    known = sample.logprob if sample.model == REFERENCE else sample.ref_logprob
    if known is None or not sample.response_ids:
        return None
    return known / len(sample.response_ids)


def _measures(samples: Sequence[Sample], n: int) -> FluencyMeasures:
    texts = [sample.text for sample in samples]
    clusters = [sample.prompt_id for sample in samples]
    return FluencyMeasures(
        n=len(samples),
        ref_logprob_per_token=mean_figure(
            [_ref_logprob_per_token(sample) for sample in samples], clusters
        ),
        words=mean_figure([float(len(words(text))) for text in texts], clusters),
        ended=share_figure([float(s.is_ended) for s in samples], clusters),
        longest_repeated_run_words=mean_figure(
            [float(longest_repeated_run(text)) for text in texts], clusters
        ),
        distinct_2=distinct_share(texts[:n], 2),
        duplicates=duplicate_share(texts[:n]),
    )
