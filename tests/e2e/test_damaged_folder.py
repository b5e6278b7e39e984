"""A finished run of which one file is damaged: every verb works, or says in words what is wrong."""

import json
import os
import shutil
import traceback
from collections.abc import Iterator
from pathlib import Path

from tests.e2e.command import Command

EVERYTHING = os.environ.get("PREFLOOP_DAMAGE") == "all"
"""Every damage of every file with every verb, which takes minutes; else one damage of each."""

WEIGHTS = (".safetensors", ".db", ".db-wal", ".db-shm", ".lock")
TEXTS = (".html", ".md", ".txt")
"""Suffixes of files that nothing reads again, and of those with tests of their own."""


def no_text(content: bytes) -> bytes:
    return b"\xff\xfe\x00" + content[:20]


def half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def other_values(content: bytes) -> bytes:
    """Every value of an object is a number, in each line."""
    found = [json.loads(line) for line in _objects(content)]
    lines = [dict.fromkeys(line, 3) if isinstance(line, dict) else {} for line in found]
    return "\n".join(map(json.dumps, lines)).encode() + b"\n{}\n"


def deep(content: bytes) -> bytes:
    """Lists in lists, more than Python goes into."""
    return b"[" * 100_000


DAMAGES = [no_text, half, other_values, deep, lambda _: b"", lambda _: b"[3]\n[3]\n"]


def _objects(content: bytes) -> Iterator[bytes]:
    try:
        json.loads(content)
        yield content.replace(b"\n", b" ")
    except ValueError:
        yield from (line for line in content.splitlines() if line.startswith(b"{"))


def has_newer(folder: Path) -> bool:
    """Whether it is a checkpoint of which a newer one is there, with the same files."""
    is_checkpoint = folder.name.startswith("checkpoint-")
    return is_checkpoint and folder != max(folder.parent.glob("checkpoint-*"))


def damaged(run: Path) -> Iterator[tuple[Path, bytes]]:
    """Yield every file that something reads, with a damage."""
    files = [path for path in sorted(run.rglob("*")) if path.is_file()]
    files = [path for path in files if path.suffix not in (*WEIGHTS, *TEXTS)]
    if not EVERYTHING:
        files = [path for path in files if not has_newer(path.parent)]
    assert len(files) > 20
    for number, path in enumerate(files):
        content = path.read_bytes()
        kinds = DAMAGES if EVERYTHING else [DAMAGES[number % len(DAMAGES)]]
        for damage in kinds:
            yield path, damage(content)


def test_no_damaged_file_ends_in_a_traceback(
    prefloop: Command, finished_run: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    other = shutil.copytree(finished_run, tmp_path / "other")
    texts = tmp_path / "texts.jsonl"
    texts.write_text(json.dumps({"prompt": "He was", "response": " glad."}) + "\n")
    verbs: list[tuple[object, ...]] = [
        ("show", run),
        ("report", run, "--to", tmp_path / "report"),
        ("doctor", run),
        ("compare", run, other),
        ("samples", "try", run, "He was", "-n", 1),
        ("rewards", "score", run, texts),
        ("audit", "rewards", run),
        ("prompts", run),
        ("store", "verify", run),
    ]
    if EVERYTHING:
        verbs += [("run", run), ("evaluation", run, "--judge", "length"), ("team", "list", run)]
    failed = []
    for path, content in damaged(run):
        before = path.read_bytes()
        path.write_bytes(content)
        for verb in verbs:
            if problem := what_is_wrong(prefloop, verb):
                failed.append(f"{path.relative_to(run)} as {content[:20]!r}: {verb[0]}: {problem}")
        if EVERYTHING:
            shutil.rmtree(run)
            shutil.copytree(finished_run, run)
        else:
            path.write_bytes(before)
    assert not failed, "\n".join(failed)


def what_is_wrong(prefloop: Command, verb: tuple[object, ...]) -> str:
    """Return how a verb failed; nothing if it did what it should, or refused in words."""
    try:
        outcome = prefloop(*verb)
    except BaseException as error:  # whatever it is, a user would see a traceback
        frame = traceback.extract_tb(error.__traceback__)[-1]
        return f"{error!r} in {frame.filename}, line {frame.lineno}"[:400]
    is_told = outcome.code == 0 or len((outcome.err or outcome.out).strip()) > 20
    is_fine = outcome.code in (0, 2) and is_told and "Traceback" not in outcome.err
    return "" if is_fine else f"left with {outcome.code}: {outcome.err[-200:]}"
