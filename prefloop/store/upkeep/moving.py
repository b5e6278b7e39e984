"""Moving a store to another database for good: SQLite to PostgreSQL, or back."""

from contextlib import AbstractContextManager
from pathlib import Path

from sqlalchemy.engine import URL

from prefloop.errors import StoreError
from prefloop.progress import Progress
from prefloop.store.core.database import Database
from prefloop.store.core.dialect import close_for_answers, merge_wal
from prefloop.store.core.place import SECRETS, parsed_url, refuse_closed
from prefloop.store.upkeep.backup import beside, take_the_place
from prefloop.store.upkeep.fingerprint import Contents
from prefloop.store.upkeep.integrity import is_url, opened
from prefloop.store.upkeep.transfer import copy_everything


def without_password(place: str) -> str:
    """Return a path or URL without its password."""
    if not is_url(place):
        return place
    url = parsed_url(place).difference_update_query(SECRETS)
    return URL.create(
        url.drivername, url.username, None, url.host, url.port, url.database, url.query
    ).render_as_string(hide_password=False)


def existing(place: str | Path) -> AbstractContextManager[Database]:
    """Return the store at a path or URL; a StoreError if there is none."""
    if not is_url(place):
        refuse_closed(Path(place))
    if not is_url(place) and not Path(place).exists():
        raise StoreError(f"{place}: there is no store here yet, so there is nothing to move.")
    return opened(place)


def move(source: Database, place: str, progress: Progress) -> Contents:
    """Copy a store into an empty database, and close the old one for new events.

    The old store is locked for writers meanwhile. If the process dies, the old store is unchanged,
    or both are complete and the old one refuses new events.
    """
    with source.writing() as connection:
        if is_url(place):
            with opened(place) as target:
                moved = copy_everything(connection, target, progress)
        else:
            path = Path(place)
            if path.exists():
                raise StoreError(f"{path} exists already. Give a new path; nothing was changed.")
            with beside(path) as fresh:
                with opened(fresh) as target:
                    moved = copy_everything(connection, target, progress)
                merge_wal(fresh)
                take_the_place(fresh, path)
        close_for_answers(connection, without_password(place))
    return moved
