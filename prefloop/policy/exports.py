"""The policies with which rounds ended, as model folders that transformers opens."""

from collections.abc import Callable, Iterable
from pathlib import Path

from prefloop.figures.provenance import PROVENANCE
from prefloop.figures.record import to_json
from prefloop.files import remove_folder, verify_folder, write_folder
from prefloop.run_folder import export_folder, read_provenance
from prefloop.run_history import note_deletion


class PolicyExports:
    """Writes `RUN/policy/round-R`: a folder is that round's policy, or it is not there."""

    def __init__(self, run: Path, export: Callable[[Path], None]) -> None:
        """`export` writes the policy as it is now into a folder."""
        self.run = run
        self._export = export

    def rounds(self) -> list[int]:
        """Return the rounds that have a folder."""
        names = (folder.name for folder in (self.run / "policy").glob("round-*"))
        numbers = (name.removeprefix("round-") for name in names)
        return sorted(int(number) for number in numbers if number.isdigit())

    def is_whole(self, round_number: int) -> bool:
        """Whether a round's folder is there, complete by name and size."""
        return not verify_folder(export_folder(self.run, round_number), hashes=False)

    def forget(self, rounds: Iterable[int]) -> None:
        """Delete the policies of these rounds, which are made again or stand for nothing."""
        folders = [export_folder(self.run, number) for number in rounds]
        note_deletion(self.run, [folder.relative_to(self.run).as_posix() for folder in folders])
        for folder in folders:
            remove_folder(folder)

    def forget_from(self, round_number: int) -> None:
        """Delete the policies of a round and of later ones, before the round is trained.

        From then on their folders would hold weights that are no round's any more.
        """
        self.forget([number for number in self.rounds() if number >= round_number])

    def write(self, round_number: int, weights: Path) -> None:
        """Write the policy, as it is now, as that of a round; `weights` is where they lie.

        It was made as they were, whatever the settings are by now.
        """
        folder, made = export_folder(self.run, round_number), read_provenance(weights)

        def fill(place: Path) -> None:
            self._export(place)
            if made is not None:
                record = made.model_copy(update={"artifact": f"policy/{folder.name}"})
                (place / PROVENANCE).write_text(to_json(record), encoding="utf-8")

        write_folder(folder, fill)
