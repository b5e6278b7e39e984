"""A comparison with its texts: all that a labeler needs to answer."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from prefloop.records import Comparison, Prompt, Sample


@dataclass(frozen=True, kw_only=True)
class Question:
    """A comparison, its prompt, and its samples in the order of `comparison.sample_ids`."""

    comparison: Comparison
    prompt: Prompt
    samples: tuple[Sample, ...]

    @property
    def texts(self) -> list[str]:
        """What the samples say."""
        return [sample.text for sample in self.samples]


def questions_of(
    comparisons: Iterable[Comparison], prompts: Mapping[str, Prompt], samples: Mapping[str, Sample]
) -> list[Question]:
    """Return the comparisons with the prompts and samples that they name."""
    return [
        Question(
            comparison=comparison,
            prompt=prompts[comparison.prompt_id],
            samples=tuple(samples[sample_id] for sample_id in comparison.sample_ids),
        )
        for comparison in comparisons
    ]
