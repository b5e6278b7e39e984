"""Is it still language? What the reference thinks of the samples, and how they repeat."""

from collections.abc import Sequence
from typing import Any

from prefloop.evaluation.estimates import mean_row, share_row
from prefloop.records import REFERENCE, Sample
from prefloop.text.repetition import distinct_share, duplicate_share, longest_repeated_run
from prefloop.text.words import words


def fluency_figures(
    policy_samples: Sequence[Sample], reference_samples: Sequence[Sample]
) -> dict[str, Any]:
    """Return likelihood under the reference, repetition, length and ending for both models.

    A policy that the reference finds much *more* likely than its own samples has become bland; one
    that it finds much less likely has left the language. Distinct-2 depends on the amount of text,
    so both models are measured on as many samples.
    """
    n = min(len(policy_samples), len(reference_samples))
    return {
        "policy": _model_figures(policy_samples, n),
        "reference": _model_figures(reference_samples, n),
    }


def _ref_logprob_per_token(sample: Sample) -> float | None:
    known = sample.logprob if sample.model == REFERENCE else sample.ref_logprob
    if known is None or not sample.response_ids:
        return None
    return known / len(sample.response_ids)


def _model_figures(samples: Sequence[Sample], n: int) -> dict[str, Any]:
    texts = [sample.text for sample in samples]
    clusters = [sample.prompt_id for sample in samples]
    return {
        "n": len(samples),
        "ref_logprob_per_token": mean_row(
            [_ref_logprob_per_token(sample) for sample in samples], clusters
        ),
        "words": mean_row([float(len(words(text))) for text in texts], clusters),
        "ended": share_row([float(s.is_ended) for s in samples], clusters),
        "longest_repeated_run_words": mean_row(
            [float(longest_repeated_run(text)) for text in texts], clusters
        ),
        "distinct_2": distinct_share(texts[:n], 2),
        "duplicates": duplicate_share(texts[:n]),
    }
