"""A stage that has verbs of its own: `prefloop evaluation my-run` still runs it."""

from typing import Any

from typer.core import TyperGroup

RUN = "run"
"""The verb that is meant where none is given."""


class StageGroup(TyperGroup):
    """The verbs of one stage; without one of them, the stage is run."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments, after naming the verb that is meant."""
        first = args[0] if args else ""
        if first and first not in self.commands and first not in ctx.help_option_names:
            args = [RUN, *args]
        return super().parse_args(ctx, args)
