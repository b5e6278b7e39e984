"""What a run hands out, with the HTML by which a notebook shows it.

Texts of models and names of the user's are untrusted: templates escape them, and spell out
characters that would hide or turn what stands around them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from itertools import count
from pathlib import Path
from typing import NamedTuple

from prefloop.figures.evaluation import EvaluationFigures
from prefloop.figures.text import counted, model_title
from prefloop.python.rendering import rendered
from prefloop.records import REFERENCE
from prefloop.report.training import policy_charts
from prefloop.run_folder import RunFigures

CURVES = ("policy/score", "policy/kl")
"""The learning curves that a notebook shows; the report has all of them."""

_DRAWN = count(1)
"""Numbers the drawings of a process: a notebook is one page, on which ids are unique."""


class ShownRunFigures(RunFigures):
    """The figures of a run; a notebook shows verdict, score and KL."""

    @classmethod
    def of(cls, figures: RunFigures) -> "ShownRunFigures":
        """Return figures as a notebook shows them."""
        return cls(**{field.name: getattr(figures, field.name) for field in fields(figures)})

    def __repr__(self) -> str:
        """Say how much there is; the fields themselves are thousands of numbers."""
        evaluations = counted(len(self.evaluations), "evaluation")
        return f"<figures of {self.name!r}: {counted(self.n_updates, 'update')}, {evaluations}>"

    @property
    def n_updates(self) -> int:
        """Updates of the policy."""
        return sum(line.stage == "policy" for line in self.metrics)

    def _repr_html_(self) -> str:
        return run_html(self)


class ShownEvaluationFigures(EvaluationFigures):
    """The figures of one model; a notebook shows the verdict and every judge's win rate."""

    @classmethod
    def of(cls, figures: EvaluationFigures) -> "ShownEvaluationFigures":
        """Return figures as a notebook shows them."""
        return cls.model_construct(**dict(figures))

    def __repr__(self) -> str:
        """Say the verdict; the fields themselves are pages."""
        return f"<figures of {self.model!r}: {self.verdict}>"

    def _repr_html_(self) -> str:
        return rendered("evaluation", figures=self)


class Responses(list[list[str]]):
    """For each prompt its responses; a notebook shows them beside the prompts."""

    def __init__(self, prompts: Sequence[str], responses: Iterable[list[str]], model: str) -> None:
        super().__init__(responses)
        self.prompts = tuple(prompts)
        self.model = model
        """The name of the model that wrote them."""

    def _repr_html_(self) -> str:
        rows = [([prompt], texts) for prompt, texts in zip(self.prompts, self, strict=True)]
        return rendered("texts", titles=("prompt", model_title(self.model)), rows=rows)


class TextPair(NamedTuple):
    """A prompt with what two models wrote."""

    prompt: str
    before: str
    after: str


class TextPairs(list[TextPair]):
    """Prompts with a response of the reference and one of a policy, in a notebook side by side."""

    def __init__(self, pairs: Iterable[TextPair], model: str) -> None:
        super().__init__(pairs)
        self.model = model
        """The name of the policy."""

    def _repr_html_(self) -> str:
        titles = ("prompt", f"before ({REFERENCE})", f"after ({model_title(self.model)})")
        return rendered("texts", titles=titles, rows=[[[each] for each in pair] for pair in self])


def run_html(figures: ShownRunFigures, report: Path | None = None) -> str:
    """Return how a notebook shows a run: how far it is, its verdict, score and KL."""
    latest = figures.latest
    charts = policy_charts(figures.metrics, keys=CURVES, ids=f"prefloop-{next(_DRAWN)}-")
    return rendered(
        "run",
        name=figures.name,
        n_updates=figures.n_updates,
        methods=figures.methods,
        episodes=figures.episodes(),
        verdict=latest.figures.verdict if latest else None,
        charts=charts,
        report=str(report) if report is not None and report.exists() else None,
    )
