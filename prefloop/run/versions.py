"""The policy's updates by name, for those who ask for samples of an earlier one."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from prefloop.figures.reading import read_best_of_n
from prefloop.files import verify_folder
from prefloop.policy.lineage import parse_name
from prefloop.policy.stage import PolicyStage
from prefloop.run_folder import export_folder


@dataclass(frozen=True)
class PolicyUpdates:
    """What the policy stage has on the disk, under canonical names."""

    stage: PolicyStage
    last_update: int
    """The update with which the run ends."""

    @property
    def current_name(self) -> str:
        """The canonical name of the weights as they are now."""
        return self.stage.current_name

    def name_of(self, round_number: int) -> str:
        """Return the canonical name with which a round ended; InputError if it has not."""
        return self.stage.name_of(round_number)

    def kept_names(self) -> Sequence[str]:
        """Return the canonical names whose weights are on the disk."""
        return self.stage.weights.names()

    def has_ended(self, round_number: int) -> bool:
        """Whether a round's policy is made, and it is known which update it is."""
        return self.stage.lineage.has_ended(round_number, made=self.stage.update)

    def is_past(self, name: str) -> bool:
        """Whether a canonical name is that of an update that was made already."""
        place = parse_name(name)
        return place is not None and place[0] <= self.stage.update

    def is_beyond(self, name: str) -> bool:
        """Whether a canonical name is that of an update that this run will not make."""
        place = parse_name(name)
        return place is not None and place[0] > self.last_update

    def has_weights(self, name: str) -> bool:
        """Whether a canonical name can be sampled from."""
        is_kept = name == self.current_name or name in self.kept_names()
        return is_kept or self.exported(name) is not None

    def rounds_of(self, name: str) -> Sequence[int]:
        """Return the rounds that ended with this name."""
        rounds = filter(self.has_ended, map(int, self.stage.lineage.round_ends))
        return [number for number in rounds if self.stage.name_of(number) == name]

    def exported(self, name: str) -> Path | None:
        """Return the model folder of a round that ended with this name, if it is complete.

        Version 0.1 kept no other weights of the ends of its rounds. One of best of n holds none.
        """
        folders = [export_folder(self.stage.run, number) for number in self.rounds_of(name)]
        whole = (f for f in folders if not verify_folder(f, hashes=False))
        return next((f for f in whole if read_best_of_n(f) is None), None)

    def keep(self, name: str) -> None:
        """Keep the weights of an update for good, as everything that was evaluated is."""
        if name == self.current_name or name in self.kept_names():
            self.stage.weights.keep(name)

    @contextmanager
    def loaded(self, name: str) -> Iterator[None]:
        """Put the weights of a canonical name into the policy while the block runs.

        A run that is stopped meanwhile writes no checkpoint of them: there is one by then.
        """
        self.stage.ensure_checkpoint()
        with self.stage.weights.loaded(name):
            yield
