"""Which updates led to the policy as it is now, and what its weights are called."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from prefloop.errors import InputError

CANONICAL = re.compile(r"policy/update-(\d+)(?:-branch-(\d+))?")


@dataclass(frozen=True, kw_only=True)
class PolicyLineage:
    """How the policy reached its current state; part of every checkpoint."""

    branch: int = 0
    """How often the run went back to an earlier update. Each branch draws random numbers of its
    own: with the same ones it would repeat what it went back for."""
    branch_starts: Mapping[str, int] = field(default_factory=dict)
    """The branches that the current weights came through, each with the update it began after."""
    rolled_back_by: str = ""
    """The id of the stop request after which it last went back."""
    label_cutoff: int = 0
    """The ledger event of the last roll back: reward models may use every label up to it."""
    round_ends: Mapping[str, int] = field(default_factory=dict)
    """Round -> the update with which it ends."""

    def name_of_update(self, update: int) -> str:
        """Return the canonical name of an update's weights.

        >>> lineage = PolicyLineage(branch=2, branch_starts={"2": 6})
        >>> lineage.name_of_update(6), lineage.name_of_update(7)
        ('policy/update-6', 'policy/update-7-branch-2')
        """
        passed = [int(branch) for branch, start in self.branch_starts.items() if start < update]
        return canonical_name(update, max(passed, default=0))

    def has_ended(self, round_number: int, *, made: int) -> bool:
        """Whether a round has ended once `made` updates are made."""
        end = self.round_ends.get(str(round_number))
        return end is not None and end <= made

    def name_of_round(self, round_number: int, *, made: int) -> str:
        """Return the canonical name of the weights with which a round ended.

        InputError if the `made` updates do not reach its end: other weights must not be taken for
        those of a round that is still being trained.
        """
        end = self.round_ends.get(str(round_number))
        if end is None:
            raise InputError(
                f"policy/round-{round_number} does not exist: the policy has not been trained in "
                f"round {round_number} yet."
            )
        if not self.has_ended(round_number, made=made):
            raise InputError(
                f"policy/round-{round_number} does not exist yet: round {round_number} ends with "
                f"update {end}, and {made} are made. Continue with `prefloop policy`, or name "
                f"{self.name_of_update(made)}."
            )
        return self.name_of_update(end)

    def with_round(self, round_number: int, end: int) -> "PolicyLineage":
        """Return the lineage in which a round ends with this update."""
        return replace(self, round_ends={**self.round_ends, str(round_number): end})

    def forked(self, update: int, *, above: int = 0) -> "PolicyLineage":
        """Return the lineage of a new branch that begins after `update`.

        Its number is larger than this one's and than `above`: no name is used twice.
        """
        branch = max(self.branch, above) + 1
        before = {b: start for b, start in self.branch_starts.items() if start < update}
        return replace(self, branch=branch, branch_starts={**before, str(branch): update})

    def state(self) -> dict[str, Any]:
        """Return the lineage as JSON."""
        return asdict(self)


def canonical_name(update: int, branch: int) -> str:
    """Return the name that stands for the weights of one update."""
    return f"policy/update-{update}" + (f"-branch-{branch}" if branch else "")


def parse_name(name: str) -> tuple[int, int] | None:
    """Return the update and branch that a canonical name means; None for any other name."""
    match = CANONICAL.fullmatch(name)
    return None if match is None else (int(match[1]), int(match[2] or 0))


def read_lineage(state: Mapping[str, Any], metrics: Iterable[Mapping[str, Any]]) -> PolicyLineage:
    """Return the lineage that a checkpoint holds.

    Checkpoints of version 0.1 name a branch for each round at most, and no updates: with which
    update a round ended is taken from the run's metrics.
    """
    if "lineage" in state:
        return PolicyLineage(**state["lineage"])
    old = state.get("course", {})
    branch, made_in = old.get("branch", 0), old.get("made_in", {})
    ends: dict[str, int] = {}
    for line in metrics:
        if line["stage"] == "policy":
            name = str(line["round"])
            ends[name] = max(line["update"], ends.get(name, 0))
    starts = {}
    for later in {branch, *made_in.values()} - {0}:
        before = [end for name, end in ends.items() if made_in.get(name, 0) < later]
        starts[str(later)] = max(before, default=0)
    return PolicyLineage(
        branch=branch,
        branch_starts=starts,
        rolled_back_by=old.get("rolled_back_by", ""),
        label_cutoff=old.get("known_until", 0),
        round_ends=ends,
    )
