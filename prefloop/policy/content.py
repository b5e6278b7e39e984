"""What a policy consists of besides the base, and how it is kept."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from prefloop.models.export import equal_weights, load_weights, save_weights
from prefloop.models.heads import ValueHead
from prefloop.models.roles import ModelRoles
from prefloop.models.sharded_weights import kept_aside


class PolicyContent(Protocol):
    """What makes the policy in memory another one than the base."""

    def save(self, place: Path) -> None:
        """Write it as it is now; the base is not written."""

    def is_same(self, folder: Path) -> bool:
        """Whether a folder that `save` wrote holds the policy as it is now."""

    def loaded(self, folder: Path) -> AbstractContextManager[None]:
        """Put what `save` wrote in place while the block runs."""


@dataclass(frozen=True)
class TrainedWeights:
    """The content of a policy that is trained: its weights, and those of its value head."""

    roles: ModelRoles
    value_head: ValueHead | None

    def save(self, place: Path) -> None:
        """Write what is trained."""
        save_weights(place, self.roles, self.value_head)

    def is_same(self, folder: Path) -> bool:
        """Whether a folder holds the policy's weights, bit for bit."""
        return equal_weights(folder, self.roles)

    @contextmanager
    def loaded(self, folder: Path) -> Iterator[None]:
        """Put the weights in a folder into the policy while the block runs."""
        parameters = [p for _, p in self.roles.policy.named_parameters]
        parameters += [] if self.value_head is None else list(self.value_head.parameters())
        with kept_aside(parameters):
            load_weights(folder, self.roles, self.value_head)
            yield
