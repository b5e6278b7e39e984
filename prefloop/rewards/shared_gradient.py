"""The gradient of a reward-model step, of which several processes work out a share each."""

from collections.abc import Sequence
from dataclasses import dataclass

from prefloop.batches import PreferenceBatch
from prefloop.label_types.losses import LOSSES
from prefloop.models.processes import Plain
from prefloop.rewards.dataset import select_comparisons
from prefloop.rewards.ensemble_loss import ensemble_loss
from prefloop.rewards.model import RewardModel

REWARD_MODEL_WEIGHTS, REWARD_GRADIENT = "reward model", "reward gradient"
"""What other processes know these weights and this work by."""


@dataclass(frozen=True, kw_only=True)
class GradientShare:
    """Some comparisons of a step, with what their share of its loss depends on."""

    batch: PreferenceBatch
    denominator: int
    """Comparisons of the whole step."""
    microbatch_size: int
    model_state: Plain

    def plain(self) -> Plain:
        """Return the share as plain data, for another process."""
        return {**vars(self), "batch": dict(vars(self.batch))}

    @classmethod
    def of(cls, plain: Plain) -> "GradientShare":
        """Return the share that another process sent."""
        return cls(**{**plain, "batch": PreferenceBatch(**plain["batch"])})


@dataclass(frozen=True, kw_only=True)
class ShareStats:
    """What was found with a share's gradient."""

    losses: Sequence[float]
    """One per microbatch, each its share of the step's."""
    credits: Sequence[float]
    """One per comparison: 1 where the model's choice is the labelers', else 0 or a part of it."""


def gradient_of(model: RewardModel, share: GradientShare) -> ShareStats:
    """Add a share of a step's gradient to that of the model; microbatches only bound the memory."""
    batch, n = share.batch, len(share.batch.sequences)
    preference = LOSSES[batch.loss]
    losses: list[float] = []
    credits: list[float] = []
    for start in range(0, n, share.microbatch_size):
        part = select_comparisons(batch, range(start, min(n, start + share.microbatch_size)))
        members = model.forward_comparisons(part)
        loss = ensemble_loss(preference, members, part, denominator=share.denominator)
        model.role_model.backward(loss)
        losses.append(loss.item())
        scores = members.detach().mean(dim=0)
        credits += preference.accuracy(scores, part.targets, part.present).tolist()
    return ShareStats(losses=losses, credits=credits)


def gradient_of_all(
    model: RewardModel, batch: PreferenceBatch, *, microbatch_size: int
) -> ShareStats:
    """Work out the gradient of a step, each process its share of the comparisons."""
    n, processes = len(batch.sequences), model.processes
    weights = [parameter for _, parameter in model.named_parameters]
    processes.send_weights(REWARD_MODEL_WEIGHTS, weights)
    own, *others = (
        GradientShare(
            batch=batch if processes.size == 1 else select_comparisons(batch, range(n)[part]),
            denominator=n,
            microbatch_size=microbatch_size,
            model_state=model_state(model),
        )
        for part in processes.shares(n)
    )
    found, answers = processes.call(
        REWARD_GRADIENT, [share.plain() for share in others], lambda: gradient_of(model, own)
    )
    processes.sum_gradients(REWARD_MODEL_WEIGHTS, weights)
    parts = [found, *(ShareStats(**answer) for answer in answers)]
    return ShareStats(
        losses=[loss for part in parts for loss in part.losses],
        credits=[credit for part in parts for credit in part.credits],
    )


def help_with_gradient(model: RewardModel, given: Plain) -> Plain:
    """Work out the share that another process sent."""
    share = GradientShare.of(given)
    take_model_state(model, share.model_state)
    for _, parameter in model.named_parameters:
        parameter.grad = None
    return dict(vars(gradient_of(model, share)))


def model_state(model: RewardModel) -> Plain:
    """Return what the scores depend on beside the weights."""
    return {"shifts": list(model.head.shifts), "reference_spread": model.reference_spread}


def take_model_state(model: RewardModel, state: Plain) -> None:
    """Take what another process's model knows beside its weights."""
    model.head.shifts = list(state["shifts"])
    model.reference_spread = state["reference_spread"]
