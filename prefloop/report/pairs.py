"""Before and after on the same prompts: drawn by lot, never picked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prefloop.records import Prompt, Sample, Verdict
from prefloop.seeding import numpy_stream


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One prompt, what both models made of it, and the verdict if there is one."""

    prompt: Prompt
    before: Sample
    after: Sample
    verdict: Verdict | None


def random_pairs(
    figures: Mapping[str, Any],
    *,
    samples: Mapping[str, Sample],
    prompts: Mapping[str, Prompt],
    verdicts: Sequence[Verdict],
    n: int,
    seed: int,
) -> list[Pair]:
    """Return `n` pairs of an evaluation, drawn with the run's seed from all that it looked at."""
    before: dict[str, Sample] = {}
    after: dict[str, Sample] = {}
    for key, found in (("reference_samples", before), ("policy_samples", after)):
        for sample_id in figures["rows"][key]:
            if sample_id in samples:
                found.setdefault(samples[sample_id].prompt_id, samples[sample_id])
    shared = sorted(
        prompt_id for prompt_id in after if prompt_id in before and prompt_id in prompts
    )
    stream = numpy_stream(seed, "report", "pairs", int(figures["round"]))
    drawn = stream.permutation(len(shared))[:n]
    judged = {(v.sample_id, v.baseline_sample_id): v for v in verdicts}
    return [
        Pair(
            prompt=prompts[prompt_id],
            before=before[prompt_id],
            after=after[prompt_id],
            verdict=judged.get((after[prompt_id].id, before[prompt_id].id)),
        )
        for prompt_id in (shared[int(i)] for i in drawn)
    ]
