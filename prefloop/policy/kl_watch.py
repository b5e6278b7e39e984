"""Whether a policy far above its KL cap comes back."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from prefloop.errors import DivergedError
from prefloop.policy.optimize import cap_weight
from prefloop.settings.policy import KLConfig

PATIENCE = 10
"""Rollouts far above `policy.kl.cap`, none with a lower KL than before, until the run stops."""


@dataclass(frozen=True, kw_only=True)
class KLCapWatch:
    """How long the policy has been far above its cap without coming back; in every checkpoint."""

    rollouts: int = 0
    """Rollouts since the KL was lowest."""
    lowest: float | None = None
    """The lowest KL since it rose far above the cap, nats."""

    def after(self, kl: float, *, is_far: bool) -> "KLCapWatch":
        """Return the watch after a rollout with this KL."""
        if not is_far:
            return KLCapWatch()
        if self.lowest is None or kl < self.lowest:
            return KLCapWatch(lowest=kl)
        return replace(self, rollouts=self.rollouts + 1)

    def state(self) -> dict[str, Any]:
        """Return the watch as JSON."""
        return asdict(self)


def watch_cap(watch: KLCapWatch, kl: float, config: KLConfig, checkpoints: Path) -> KLCapWatch:
    """Return the watch after a rollout; DivergedError if the policy has not come back for long."""
    watch = watch.after(kl, is_far=cap_weight(config, kl) == 1.0)
    if watch.rollouts >= PATIENCE:
        raise DivergedError(
            f"the policy's KL was {kl:.1f} nats, far above policy.kl.cap {config.cap}, and came no "
            f"lower than {watch.lowest:.1f} in {PATIENCE} rollouts. Lower policy.lr, raise "
            f"policy.kl.coef, delete {checkpoints} and run again; labels and reward models are "
            "kept."
        )
    return watch


def read_kl_watch(state: Mapping[str, Any]) -> KLCapWatch:
    """Return the watch that a checkpoint holds; version 0.1 called it `patience`."""
    return KLCapWatch(**state.get("kl_cap_watch", state.get("patience", {})))
