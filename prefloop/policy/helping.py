"""What a process that helps with a policy does on request."""

import torch

from prefloop.models.processes import Handlers, Parameters, Plain
from prefloop.policy.optimize import GRADIENT, POLICY, MinibatchShare
from prefloop.policy.shared_rollout import ROLLOUT, RolloutShare, draw_share
from prefloop.policy.trainer import PolicyTrainer


def policy_handlers(trainer: PolicyTrainer) -> Handlers:
    """Return what is done with the models of this trainer, which takes no step of its own."""

    def draw(given: Plain) -> Plain:
        return dict(vars(draw_share(trainer.collector, RolloutShare.of(given))))

    def gradient(given: Plain) -> Plain:
        return dict(vars(trainer.optimizer.gradient(MinibatchShare.of(given))))

    return {ROLLOUT: draw, GRADIENT: gradient}


def policy_weights(trainer: PolicyTrainer) -> dict[str, Parameters]:
    """Return the weights that the leading process sends."""
    trained: list[torch.nn.Parameter] = [p for _, p in trainer.optimizer.named_parameters]
    return {POLICY: trained}
