"""Reward models that a run has saved, put back into memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prefloop.errors import InputError
from prefloop.figures.reading import read_trust
from prefloop.files import read_text, verify_folder
from prefloop.models.export import restore_role_model, restore_score_head
from prefloop.models.sharded_weights import kept_aside
from prefloop.rewards.model import RewardModel


def read_reward_model(model: RewardModel, folder: Path) -> None:
    """Put the reward model in a folder into `model`, as it was when its training ended."""
    state = restore_role_model(folder, model.roles, model.role_model)
    trust = folder / "trust.json"
    figures = read_trust(read_text(trust), str(trust))
    ensemble = figures.ensemble
    shifts = (figures.reward_shift,) if ensemble is None else ensemble.shifts
    restore_score_head(folder, model.head, state, shifts)
    model.reference_spread = None if ensemble is None else ensemble.reference_spread
    model.held_out = figures.held_out


@contextmanager
def recalled(model: RewardModel, folder: Path, fingerprint: str) -> Iterator[None]:
    """Put the reward model in a folder into `model` while the block runs, and the one in memory
    back behind it; nothing moves if it is that one.

    InputError if the folder is gone or holds another model than the one with this fingerprint.
    """
    if model.fingerprint == fingerprint:
        yield
        return
    name = f"{folder.parent.name}/{folder.name}"
    if problems := verify_folder(folder, hashes=False):
        raise InputError(
            f"{name}, by which this policy chooses, is not there any more ({problems[0]}): nothing "
            "more can be drawn from the policy. Its samples and figures stay."
        )
    parameters = [parameter for _, parameter in model.named_parameters]
    rest = list(model.head.shifts), model.reference_spread, model.held_out
    try:
        with kept_aside(parameters):
            read_reward_model(model, folder)
            if model.fingerprint != fingerprint:
                raise InputError(
                    f"{name} was trained again since this policy was made, which chose by the "
                    "model before: nothing more can be drawn from the policy. Its samples and "
                    "figures stay."
                )
            yield
    finally:
        model.head.shifts, model.reference_spread, model.held_out = rest
