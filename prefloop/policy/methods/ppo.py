"""Proximal policy optimization (Schulman et al. 2017) as used by Ziegler et al. 2019."""

from prefloop.settings.section import Fraction, NonNegative, Positive, Section


class PPOSettings(Section):
    """Settings of `ppo`."""

    gamma: Fraction = 1.0
    """Discount. 1, because one score at the end must reach every token."""

    lam: Fraction = 0.95
    """Lambda of generalized advantage estimation."""

    clip_range: Positive = 0.2
    """How far the probability ratio may move before its gradient stops."""

    clip_range_value: Positive = 0.2
    """How far a value may move from its estimate at rollout before its gradient stops."""

    vf_coef: NonNegative = 0.1
    """Weight of the value loss."""

    whiten_rewards: bool = True
    """Scale rewards to variance 1 in each minibatch, keeping their mean."""
