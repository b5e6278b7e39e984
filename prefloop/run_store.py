"""Opening the store of a run: the one that the folder was made with, or an error that says so."""

from pathlib import Path

from prefloop.access import why_closed
from prefloop.errors import StoreError
from prefloop.records import LedgerHead
from prefloop.run_history import StageRecord, has_made_anything, last_record
from prefloop.settings.run import RunConfig
from prefloop.store.store import Store
from prefloop.store.upkeep.moving import without_password

STORE_FILE = "prefloop.db"


def store_place(config: RunConfig, folder: Path) -> str | Path:
    """Return the path or URL of a run's store."""
    return config.store or folder / STORE_FILE


def open_run_store(
    config: RunConfig, folder: Path, *, read_only: bool = False, page_cache_kib: int | None = None
) -> Store:
    """Return the run's store, made if the run has not begun; for the cache see `Store.open`.

    Raises a StoreError if it is lost, or is not the one that the folder was made with: a run that
    went on would begin again beside what it had made.
    """
    place = store_place(config, folder)
    if read_only:
        require_begun(config, folder)  # Whoever writes begins it.
    if (problem := lost_file(config, folder)) is not None:
        raise StoreError(problem)
    store = Store.open(place, read_only=read_only, page_cache_kib=page_cache_kib)
    try:
        problem = lost_rows(store, folder, without_password(str(place)))
    except BaseException:
        store.close()
        raise
    if problem is not None:
        store.close()
        raise StoreError(problem)
    return store


def require_begun(config: RunConfig, folder: Path) -> None:
    """Raise a StoreError if a run has no store yet: nothing was asked, nobody answered."""
    place = store_place(config, folder)
    is_url = isinstance(place, str) and "://" in place
    if is_url or Path(place).exists() or has_made_anything(folder):
        return  # What was begun and is lost has words of its own.
    raise StoreError(
        f"The run in {folder} has not begun: {place} does not exist. Begin it with "
        f"`prefloop run {folder}`."
    )


def lost_file(config: RunConfig, folder: Path) -> str | None:
    """Return what is wrong if the file of a store is gone or empty beside what was made with it."""
    place = store_place(config, folder)
    if isinstance(place, str) and "://" in place:
        return None
    path = Path(place)
    if problem := why_closed(path):
        return f"the store {path} {problem}"
    if path.exists() and path.stat().st_size > 0:
        return None
    if not has_made_anything(folder):
        return None
    state = "is empty" if path.exists() else "is gone"
    return f"{path} {state}, and the run in {folder} was made with it: {_lost(folder)}"


def lost_rows(store: Store, folder: Path, place: str) -> str | None:
    """Return what is wrong if an open store is not, or no longer, the one that the folder knows."""
    record = last_record(folder)
    if record is None:
        # Version 0.1 kept no history; its runs stored prompts before anything else.
        if not has_made_anything(folder) or store.has_prompts():
            return None
        return f"{place} holds no prompts, and the run in {folder} was made: {_lost(folder)}"
    if not record.events or store.ledger_head(record.events) == _head_of(record):
        return None
    now = store.ledger_head()
    since = f"at the end of {record.stage}, round {record.round}"
    if now.n_events < record.events:
        return (
            f"{place} holds {now.n_events} events, and held {record.events} {since}: "
            f"{_lost(folder)}"
        )
    return (
        f"{place} is not the store that {folder} was made with, or was changed outside prefloop: "
        f"its event {record.events} is not the one that was the last {since}. {_way_out(folder)}"
    )


def _head_of(record: StageRecord) -> LedgerHead:
    return LedgerHead(n_events=record.events, hash=record.head)


def _lost(folder: Path) -> str:
    return (
        "prompts, samples, labels and verdicts that were stored are lost, and the models beside "
        f"it do not fit another store. {_way_out(folder)}"
    )


def _way_out(folder: Path) -> str:
    return (
        f"Put back a backup (`prefloop store restore {folder} BACKUP`), or begin a new run: copy "
        "run.yaml into a new folder."
    )
