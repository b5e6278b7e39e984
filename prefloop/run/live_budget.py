"""How far a policy may go beyond what people have judged: its evidence budget."""

from collections.abc import Mapping

from prefloop.figures.text import counted, fixed, plain
from prefloop.settings.audits import LiveConfig

KL_UPDATES = 4
"""The KL is the mean of so many updates, so that one noisy batch makes nobody wait."""


def used_up(settings: LiveConfig, *, update: int, judged: int, kls: Mapping[int, float]) -> str:
    """Return why a policy at `update` must wait for people; empty if it need not.

    `judged` is the newest update that they have judged, `kls` the KL of each update in nats.
    """
    updates = update - judged
    since = f"since update {judged}, the newest that people have judged"
    most, nats = settings.updates_without_judgment, settings.nats_without_judgment
    if most is not None and updates >= most:
        return (
            f"{counted(updates, 'update')} {since} (audits.live.updates_without_judgment: {most})"
        )
    growth = mean_up_to(update, kls) - mean_up_to(judged, kls) if updates > 0 else 0.0
    if nats is not None and growth >= nats:
        return (
            f"the KL has grown by {fixed(growth, 1)} nats {since} "
            f"(audits.live.nats_without_judgment: {plain(nats)})"
        )
    return ""


def mean_up_to(update: int, kls: Mapping[int, float]) -> float:
    """Return the mean KL of the newest updates up to one; 0 before the first.

    >>> mean_up_to(6, {1: 9.0, 3: 1.0, 4: 2.0, 5: 3.0, 6: 4.0, 7: 9.0}), mean_up_to(0, {1: 9.0})
    (2.5, 0.0)
    """
    found = [kl for at, kl in kls.items() if update - KL_UPDATES < at <= update]
    return sum(found) / len(found) if found else 0.0
