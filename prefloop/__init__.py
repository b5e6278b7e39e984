"""prefloop: fine-tune a language model from human preferences, with the evidence.

Data flows down this list, and imports point up it:

    prompts      what the model is asked
    samples      what the model says
    comparisons  what people said about it
    rewards      what people want, as a number
    policy       the model, trained towards the reward under a KL penalty
    evaluation   is it better?
    report       what a person reads at the end

`run/loop.py` calls them in this order, once per round. `functional` holds every formula,
`models` every network, `store` every line of SQL.

From Python, `prefloop.Run` is the whole path as an object; see docs/how-to/use-from-python.md. Its
names are loaded when they are asked for: `import prefloop` loads nothing else.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefloop.errors import PrefloopError as PrefloopError
    from prefloop.figures.metrics_line import MetricsLine as MetricsLine
    from prefloop.progress import StopRequested as StopRequested
    from prefloop.python.labeling_page import GivenAnswer as GivenAnswer
    from prefloop.python.labeling_page import LabelingPage as LabelingPage
    from prefloop.python.run import Run as Run

__version__ = "0.1.0"

__all__ = [
    "GivenAnswer",
    "LabelingPage",
    "MetricsLine",
    "PrefloopError",
    "Run",
    "StopRequested",
]

_PLACES = {
    "GivenAnswer": "prefloop.python.labeling_page",
    "LabelingPage": "prefloop.python.labeling_page",
    "MetricsLine": "prefloop.figures.metrics_line",
    "PrefloopError": "prefloop.errors",
    "Run": "prefloop.python.run",
    "StopRequested": "prefloop.progress",
}
"""Where each public name is, which loads it."""


def __getattr__(name: str) -> Any:
    """Return a public name, loaded now."""
    if name not in _PLACES:
        raise AttributeError(f"module 'prefloop' has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    """Return the public names, for completion in a notebook."""
    return [*__all__, "__version__"]
