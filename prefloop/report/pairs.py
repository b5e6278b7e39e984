"""Before and after on the same prompts: drawn by lot, never picked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from prefloop.figures.evaluation import EvaluationFigures
from prefloop.records import Prompt, Sample, Verdict
from prefloop.seeding import numpy_stream
from prefloop.store.store import Store


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One prompt, both models' responses to it, and the verdict if there is one."""

    prompt: Prompt
    before: Sample
    after: Sample
    verdict: Verdict | None


def pairs_of_evaluation(
    store: Store, figures: EvaluationFigures, *, n: int, seed: int
) -> list[Pair]:
    """Return `n` random pairs of an evaluation with the first judge's verdicts."""
    return random_pairs(
        figures,
        samples=store.samples_by_id([*figures.rows.model_samples, *figures.rows.baseline_samples]),
        prompts={prompt.id: prompt for prompt in store.prompts()},
        verdicts=store.verdicts(
            model=figures.model,
            baseline=figures.baseline,
            judge=figures.win_rate.judge if figures.win_rate else None,
        ),
        n=n,
        seed=seed,
    )


def random_pairs(
    figures: EvaluationFigures,
    *,
    samples: Mapping[str, Sample],
    prompts: Mapping[str, Prompt],
    verdicts: Sequence[Verdict],
    n: int,
    seed: int,
) -> list[Pair]:
    """Return `n` pairs of an evaluation, drawn with the run's seed from all that it looked at."""
    before = _first_by_prompt(figures.rows.baseline_samples, samples)
    after = _first_by_prompt(figures.rows.model_samples, samples)
    shared = sorted(
        prompt_id for prompt_id in after if prompt_id in before and prompt_id in prompts
    )
    stream = numpy_stream(seed, "report", "pairs", figures.model)
    drawn = stream.permutation(len(shared))[:n]
    known = set(figures.win_rate.verdict_ids) if figures.win_rate else set()
    judged = {(v.sample_id, v.baseline_sample_id): v for v in verdicts if v.id in known}
    return [
        Pair(
            prompt=prompts[prompt_id],
            before=before[prompt_id],
            after=after[prompt_id],
            verdict=judged.get((after[prompt_id].id, before[prompt_id].id)),
        )
        for prompt_id in (shared[int(i)] for i in drawn)
    ]


def _first_by_prompt(ids: Sequence[str], samples: Mapping[str, Sample]) -> dict[str, Sample]:
    """Return the first sample of each prompt, in the order of the ids."""
    found: dict[str, Sample] = {}
    for sample in (samples[sample_id] for sample_id in ids if sample_id in samples):
        found.setdefault(sample.prompt_id, sample)
    return found
