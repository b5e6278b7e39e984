"""Where a database lies: a path, or a URL whose secrets are never shown."""

from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from prefloop.access import why_closed
from prefloop.errors import StoreError

SECRETS = ("password", "sslpassword")
"""Parts of a URL's query that are never shown."""


def parsed_url(text: str) -> URL:
    """Return the parts of a URL; a StoreError, which does not show it, if it is none."""
    try:
        return make_url(text)
    except (ArgumentError, ValueError) as error:  # ValueError: a port that is no number
        raise StoreError(
            "The store's URL cannot be read. Write postgresql://user@host/name, or a path."
        ) from error


def url_of(url_or_path: str | Path) -> URL:
    """Return the URL of a database of a kind that a store can be; a StoreError for others."""
    if isinstance(url_or_path, str) and "://" in url_or_path:
        url = parsed_url(url_or_path)
    else:
        url = URL.create("sqlite", database=str(url_or_path))
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise StoreError(
            f"The store cannot be kept in {url.get_backend_name()}. "
            "Give the path of a file (SQLite) or a postgresql:// URL."
        )
    if url.get_backend_name() == "sqlite":
        _check_path(url.database or ":memory:")
    return url


def _check_path(path: str) -> None:
    if path == ":memory:":
        raise StoreError("A store in memory would lose its labels. Give the path of a file.")
    refuse_closed(Path(path))
    if Path(path).is_dir():
        raise StoreError(f"{path} is a folder. Give the path of a file in it, such as prefloop.db.")
    if not Path(path).absolute().parent.is_dir():
        raise StoreError(f"{path}: there is no folder {Path(path).parent}. Make it first.")


def refuse_closed(path: Path) -> None:
    """Raise a StoreError for a file that is there, or may be, and that the user may not read."""
    if problem := why_closed(path):
        raise StoreError(f"the store {path} {problem}")


def name_of(url: URL) -> str:
    """Return the path of a file, or a URL without its secrets, for messages and locks."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return url.difference_update_query(SECRETS).render_as_string(hide_password=True)
