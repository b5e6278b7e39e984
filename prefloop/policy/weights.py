"""The policies of updates, each under its canonical name below `RUN/policy/`."""

import json
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from prefloop.errors import CheckpointError
from prefloop.figures.provenance import PROVENANCE, Provenance
from prefloop.figures.record import to_json
from prefloop.files import (
    read_text,
    remove_folder,
    verify_folder,
    write_atomically,
    write_folder,
)
from prefloop.policy.content import PolicyContent
from prefloop.policy.lineage import PolicyLineage, parse_name


class PolicyWeights:
    """Keeps the weights of some updates: those asked for by name, every `every`-th, those that are
    `named`, and those that have a checkpoint."""

    def __init__(
        self,
        run: Path,
        content: PolicyContent,
        *,
        every: int,
        named: Collection[str] = (),
        describe: Callable[[str], Provenance] | None = None,
    ) -> None:
        self.run = run
        self.content = content
        self.every = every
        self.named = named
        self._describe = describe
        """From a name to what its weights were made with."""

    def folder(self, name: str) -> Path:
        """Return where the weights of a canonical name lie."""
        return self.run / name

    def names(self) -> list[str]:
        """Return the names whose weights are there, complete by name and size."""
        there = (self.run / "policy").glob("update-*")
        names = sorted(f"policy/{folder.name}" for folder in there)
        return [
            name
            for name in names
            if parse_name(name) and not verify_folder(self.folder(name), hashes=False)
        ]

    def save(self, name: str) -> None:
        """Write the current weights under their name, unless they are there."""
        if verify_folder(self.folder(name), hashes=False):
            write_folder(self.folder(name), lambda place: self._write(place, name))

    def _write(self, place: Path, name: str) -> None:
        self.content.save(place)
        if self._describe is not None:
            text = to_json(self._describe(name))
            (place / PROVENANCE).write_text(text, encoding="utf-8")

    def keep(self, name: str) -> None:
        """Write the current weights under their name, and keep them for good."""
        self.save(name)
        kept = self.kept()
        if name not in kept:
            write_atomically(self._list, json.dumps({"kept": [*kept, name]}, indent=1))

    def kept(self) -> list[str]:
        """Return the names that are kept for good."""
        if not self._list.exists():
            return []
        try:
            names = json.loads(read_text(self._list))["kept"]
            if all(isinstance(name, str) for name in names):
                return list(names)
        except (ValueError, RecursionError, KeyError, TypeError):
            pass
        raise CheckpointError(
            f"{self._list} is damaged: it lists the weights that are kept for good, such as those "
            "that were evaluated. Put back a backup of it, or delete it: then those that no "
            "checkpoint has are dropped."
        )

    def prune(self, checkpoints: Collection[str]) -> None:
        """Drop the weights that nothing keeps; `checkpoints` are the names that have one."""
        wanted = {*checkpoints, *self.kept()}
        for name in self.names():
            if name not in wanted and not self.is_scheduled(name):
                remove_folder(self.folder(name))

    def is_scheduled(self, name: str) -> bool:
        """Whether `policy.keep_every` or `evaluation.models` keeps the weights of this name."""
        place = parse_name(name)
        is_nth = place is not None and self.every > 0 and place[0] % self.every == 0
        return is_nth or name in self.named

    def drop_later(self, lineage: PolicyLineage, update: int) -> None:
        """Drop the weights of updates after `update`, which this lineage will make again.

        Those that are kept for good hold their names: see `is_taken`.
        """
        places = {name: place for name in self.names() if (place := parse_name(name))}
        for name in places.keys() - set(self.kept()):
            later = places[name][0]
            if later > update and name == lineage.name_of_update(later):
                remove_folder(self.folder(name))

    def is_taken(self, name: str) -> bool:
        """Whether other weights than the current ones are kept for good under this name.

        An update that is made again, since its checkpoint is gone, gives the same weights unless a
        setting was changed.
        """
        if name not in self.kept() or verify_folder(self.folder(name)):
            return False
        return not self.content.is_same(self.folder(name))

    def largest_branch(self) -> int:
        """Return the largest branch that a kept name has."""
        return max((place[1] for name in self.kept() if (place := parse_name(name))), default=0)

    @contextmanager
    def loaded(self, name: str) -> Iterator[None]:
        """Put the weights of a name into the policy while the block runs; CheckpointError if they
        are not there."""
        if problems := verify_folder(self.folder(name)):
            raise CheckpointError(
                f"the weights of {name} are not there ({problems[0]}). Weights are kept of updates "
                "that were evaluated or can be rolled back to, and of every policy.keep_every."
            )
        with self.content.loaded(self.folder(name)):
            yield

    @property
    def _list(self) -> Path:
        return self.run / "policy" / "kept.json"
