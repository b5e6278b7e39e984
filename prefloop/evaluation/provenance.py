"""With which settings and labels a model was measured, written into its figures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prefloop.comparisons.labels_used import labels_in_store
from prefloop.figures.provenance import ParentRecord, Provenance, installed_versions
from prefloop.files import manifest_hash
from prefloop.run_folder import evaluation_path
from prefloop.store.store import Store


def evaluation_provenance(
    store: Store, run: Path, model: str, settings: Mapping[str, Any]
) -> Provenance:
    """Return how the figures of a model are made: now, beside the labels that the store holds."""
    return Provenance(
        artifact=evaluation_path(run, model).relative_to(run).as_posix(),
        settings=dict(settings),
        versions=installed_versions(),
        labels=labels_in_store(store),
        parents=(ParentRecord(name=model, sha256=manifest_hash(run / model)),),
    )
