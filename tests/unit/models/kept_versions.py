"""The updates of a policy, kept in memory: what `NamedModels` asks the policy stage for."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from prefloop.models.roles import ModelRoles


class KeptVersions:
    """The weights of some updates under their names."""

    def __init__(self, roles: ModelRoles, current_name: str = "policy/update-0") -> None:
        self.roles = roles
        self.current_name = current_name
        self.rounds: dict[int, str] = {}
        self.folders: Mapping[str, Path] = {}
        self._kept: dict[str, list[Tensor]] = {}

    def keep(self) -> None:
        """Keep the weights as they are now under the current name."""
        self._kept[self.current_name] = self._weights()

    def name_of(self, round_number: int) -> str:
        return self.rounds[round_number]

    def rounds_of(self, name: str) -> list[int]:
        return [number for number, ended in self.rounds.items() if ended == name]

    def kept_names(self) -> list[str]:
        return list(self._kept)

    def exported(self, name: str) -> Path | None:
        return self.folders.get(name)

    @contextmanager
    def loaded(self, name: str) -> Iterator[None]:
        own = self._weights()
        self._put(self._kept[name])
        try:
            yield
        finally:
            self._put(own)

    def _weights(self) -> list[Tensor]:
        return [p.detach().clone() for _, p in self.roles.policy.named_parameters]

    @torch.no_grad()
    def _put(self, weights: list[Tensor]) -> None:
        for (_, parameter), value in zip(self.roles.policy.named_parameters, weights, strict=True):
            parameter.copy_(value)
