"""A run folder where nothing can be written, and its store on a server."""

from pathlib import Path

from prefloop.cli.serving import _looked_at
from prefloop.run_file import parse_run
from prefloop.store.store import Store


def test_a_store_on_a_server_is_no_file_beside_the_run(tmp_path: Path, postgres_url: str) -> None:
    with Store.open(postgres_url) as store:
        store.people.add("ann", "labeler")
    config = parse_run({"task": "sentiment", "store": postgres_url}, "run.yaml")
    with _looked_at(config, tmp_path) as store:
        assert [person.name for person in store.people.all()] == ["ann"]
