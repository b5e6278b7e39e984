"""A stage's verb with others below it: `prefloop samples my-run`, and `prefloop samples try`."""

from typing import Any

from typer.core import TyperGroup

STAGE = "stage"
"""Name under which the stage itself is registered; nobody types it."""


class StageGroup(TyperGroup):
    """What is none of the verbs below it is a run folder: the stage itself is meant."""

    default = STAGE

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the stage's name before a run folder or an option of the stage."""
        if args and args[0] not in self.commands and args[0] != "--help":
            args = [STAGE, *args]
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the verb that is meant; the stage's own name is not shown in messages."""
        name, command, rest = super().resolve_command(ctx, args)
        return ("" if name == STAGE else name), command, rest
