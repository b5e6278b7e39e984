"""Figures of stored samples, kept in the run folder: no text is measured twice.

The file holds a hash of each sample's id beside its figures. The text of a sample never changes, so
the figures are as good as ever until the measures themselves change: then their version does.
"""

import hashlib
import multiprocessing
import os
import sys
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from prefloop.audits import measures
from prefloop.audits.measures import ROW, TextGroup, measure_groups
from prefloop.errors import DiskError
from prefloop.files import write_atomically
from prefloop.progress import Progress
from prefloop.records import Sample
from prefloop.scorers.fingerprint import digest, source_hash
from prefloop.store.store import Store

CHUNK = 4096
"""Samples that are read and measured at a time."""

IN_PARALLEL = 4 * CHUNK
"""So many samples are worth further processes, which take a second to start."""

VERSION = "version"


class Kept(NamedTuple):
    """Figures that were measured before, sorted by key."""

    keys: NDArray[np.uint64]
    rows: NDArray[np.float32]


def measures_version() -> str:
    """Return a hash of the code and the word list behind the figures."""
    return digest(source_hash(sys.modules[measures.__name__]), version("vaderSentiment"))


def text_figures(
    store: Store, sample_ids: Sequence[str], file: Path, progress: Progress
) -> NDArray[np.float32]:
    """Return a row of figures for each sample, shape (samples, ROW); what is missing is measured.

    Where nothing can be written, the figures are measured again the next time.
    """
    keys = np.fromiter(map(_key, sample_ids), dtype=np.uint64, count=len(sample_ids))
    kept = _read(file)
    known = _places(kept, keys) >= 0
    missing = [sample_ids[i] for i in np.flatnonzero(~known).tolist()]
    if missing:
        fresh = Kept(keys[~known], measure_samples(store, missing, progress))
        kept = _joined(kept, fresh)
        _write(file, kept)
    return kept.rows[_places(kept, keys)]


def measure_samples(
    store: Store, sample_ids: Sequence[str], progress: Progress
) -> NDArray[np.float32]:
    """Return the figures of samples, read and measured chunk by chunk; many of them in parallel."""
    prompts = {prompt.id: prompt.text for prompt in store.prompts()}
    chunks = [sample_ids[i : i + CHUNK] for i in range(0, len(sample_ids), CHUNK)]
    jobs = (_groups(store, chunk, prompts) for chunk in chunks)
    rows: list[NDArray[np.float32]] = []
    for found in _measured(jobs, is_many=len(sample_ids) >= IN_PARALLEL):
        rows.append(found)
        progress.count("texts measured", sum(map(len, rows)), len(sample_ids))
    return np.concatenate(rows) if rows else np.zeros((0, ROW), dtype=np.float32)


def _measured(jobs: Iterator[list[TextGroup]], *, is_many: bool) -> Iterator[NDArray[np.float32]]:
    n_processes = min(os.cpu_count() or 1, 8)
    if not is_many or n_processes < 2:
        yield from map(measure_groups, jobs)
        return
    # Spawned, not forked: the process that asks may hold threads of torch.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(n_processes, mp_context=context) as pool:
        waiting: deque[Future[NDArray[np.float32]]] = deque()
        for job in jobs:
            waiting.append(pool.submit(measure_groups, job))
            # Only so many texts are in memory at a time as the processes need.
            if len(waiting) > 2 * n_processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _groups(store: Store, sample_ids: Sequence[str], prompts: Mapping[str, str]) -> list[TextGroup]:
    found = store.samples_by_id(sample_ids)
    samples: list[Sample] = [found[sample_id] for sample_id in sample_ids]
    return [(prompts[sample.prompt_id], (sample.text,)) for sample in samples]


def _key(sample_id: str) -> int:
    return int.from_bytes(hashlib.blake2b(sample_id.encode(), digest_size=8).digest(), "big")


def _places(kept: Kept, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return where each key stands; -1 if it does not."""
    if not len(kept.keys):
        return np.full(len(keys), -1)
    places = np.minimum(np.searchsorted(kept.keys, keys), len(kept.keys) - 1)
    return np.where(kept.keys[places] == keys, places, -1)


def _joined(kept: Kept, fresh: Kept) -> Kept:
    keys, first = np.unique(np.concatenate([kept.keys, fresh.keys]), return_index=True)
    return Kept(keys, np.concatenate([kept.rows, fresh.rows])[first])


def _read(file: Path) -> Kept:
    """Return what the file holds; nothing if it is of another version, damaged or not there."""
    nothing = Kept(np.zeros(0, dtype=np.uint64), np.zeros((0, ROW), dtype=np.float32))
    if not file.is_file():
        return nothing
    try:
        with safe_open(file, framework="np") as content:
            if (content.metadata() or {}).get(VERSION) != measures_version():
                return nothing
            return Kept(content.get_tensor("keys"), content.get_tensor("rows"))
    except SafetensorError:
        return nothing


def _write(file: Path, kept: Kept) -> None:
    try:
        file.parent.mkdir(exist_ok=True)
        tensors = {"keys": kept.keys, "rows": kept.rows}
        write_atomically(file, save(tensors, metadata={VERSION: measures_version()}))
    except (DiskError, OSError):
        return  # They are measured again the next time.
