"""What was made, and with which settings: from the artifacts' records, never from today's settings.

Artifacts of version 0.1 have no record: the settings that are given stand in for it, and metrics
and store say what was done.
"""

from dataclasses import dataclass

from prefloop.figures.provenance import EarlierSettings, LabelsRecord
from prefloop.run_folder import RunFigures, settings_of
from prefloop.settings.run import RunConfig


@dataclass(frozen=True, kw_only=True)
class Made:
    """What an artifact was made with."""

    config: RunConfig
    labels: LabelsRecord | None
    """None where no label had a part in it."""
    episodes: int = 0
    """Responses that a policy has learned from."""
    rounds: int = 0
    """Rounds of which a policy is the result."""
    earlier: tuple[EarlierSettings, ...] = ()
    """What was set otherwise for a policy's earlier updates."""


def policy_made(
    run: RunFigures, round_number: int, config: RunConfig, labels: LabelsRecord | None
) -> Made:
    """Return what a round's policy was made with; without a record, `config` and `labels`."""
    folder = run.policy_of_round(round_number)
    record = folder.provenance if folder else None
    return Made(
        config=settings_of([record], config),
        labels=record.labels if record else labels,
        episodes=run.episodes(round_number)
        if record is None or record.episodes is None
        else record.episodes,
        rounds=round_number + 1,
        earlier=record.earlier if record else (),
    )
