"""Answers that an endpoint gave, in a file: an interrupted scoring goes on where it stopped.

One JSON line per answer: the hash of the request, the answer and its tokens. Neither the question
nor the key is written down. A line that a crash cut short is passed over.
"""

import json
from pathlib import Path

from prefloop.figures.usage import EndpointUsage
from prefloop.files import disk_refusals


def read_answers(path: Path) -> dict[str, str]:
    """Return the answers of a file by the hash of their request; of two answers the later."""
    answers = {}
    if path.is_file():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                entry = json.loads(line)
                answers[str(entry["request"])] = str(entry["answer"])
            except (ValueError, TypeError, KeyError):
                continue
    return answers


def append_answer(path: Path, request: str, answer: str, usage: EndpointUsage) -> None:
    """Add one answer to a file; DiskError if the disk is full or read-only."""
    entry = {
        "request": request,
        "answer": answer,
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
    }
    # The line break comes first as well, in case the last line was cut short.
    line = f"\n{json.dumps(entry, ensure_ascii=True)}\n"
    with disk_refusals(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(line)
