"""From which files and labels a report was written, beside it."""

from pathlib import Path

from prefloop.comparisons.labels_used import labels_in_store
from prefloop.figures.provenance import ParentRecord, Provenance, installed_versions
from prefloop.files import sha256
from prefloop.run_folder import RunFigures
from prefloop.settings.run import RunConfig
from prefloop.store.store import Store


def report_provenance(folder: Path, run: RunFigures, store: Store, config: RunConfig) -> Provenance:
    """Return how the report is made; its parents are the files of figures that it shows."""
    paths = [*(file.path for file in run.evaluations), *(file.path for file in run.trusts)]
    return Provenance(
        artifact="report/index.html",
        settings=config.model_dump(),
        versions=installed_versions(),
        labels=labels_in_store(store),
        parents=tuple(ParentRecord(name=path, sha256=sha256(folder / path)) for path in paths),
    )
