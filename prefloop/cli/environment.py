"""The verb that says what a bug report needs."""

from typing import TYPE_CHECKING

from prefloop.cli.arguments import AsJson

if TYPE_CHECKING:
    from prefloop.figures.environment import EnvironmentFigures


def env(as_json: AsJson = False) -> None:
    """Print what a bug report needs: versions, system, cores, memory, threads, extras.

    No path, no name of a host or user, and no variable of the environment is in it.

    Example: `prefloop env`
    """
    from prefloop.figures.environment import environment_lines
    from prefloop.figures.record import to_line
    from prefloop.text.printable import printable

    figures = _figures()
    lines = environment_lines(figures)
    print(to_line(figures) if as_json else printable("\n".join(lines)))


def _figures() -> "EnvironmentFigures":
    """Return the figures, also where torch is what is broken."""
    from prefloop.figures.environment import environment_figures

    try:
        from prefloop.models.torch_environment import torch_environment

        found = torch_environment()
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        # Whatever is broken is to be reported; its text may name paths.
        return environment_figures(None, type(error).__name__)
    return environment_figures(found)
