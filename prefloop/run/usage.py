"""What scorers and judges used of endpoints, written to `usage.jsonl` and reported."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from prefloop.figures.usage import usage_text
from prefloop.files import append_json_line
from prefloop.progress import Progress
from prefloop.run_folder import USAGE
from prefloop.scorers.endpoint.usage import Metered


@contextmanager
def recording_usage(
    folder: Path, progress: Progress, parts: Mapping[str, Metered | None]
) -> Iterator[None]:
    """Record what each part used when the block ends, also if it fails: it was paid for.

    `parts` are by their name in the run file; None stands for a part that costs nothing.
    """
    try:
        yield
    finally:
        for name, part in parts.items():
            figures = part.take_usage(name) if part is not None else None
            if figures is not None:
                append_json_line(folder / USAGE, figures.model_dump())
                progress.say(f"{name}: {usage_text(figures)}.")
