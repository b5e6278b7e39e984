"""What holds the KL: a controller that steers it to its target, and a limit."""

CLIP = 0.2
"""Largest relative error that the controller sees: it answers in measure to a runaway KL."""

RAMP = 0.2
"""Share of the cap, above it, over which the weight of the KL term rises from 0 to 1."""


def adaptive_kl_coef(
    kl_coef: float, kl: float, *, target: float, horizon: float, n_episodes: int
) -> float:
    """Return the KL coefficient for the next update.

        error   = clip(kl / target - 1, -0.2, 0.2)
        kl_coef * (1 + error * n_episodes / horizon)

    `kl` is the mean over the batch of each response's *summed* KL, in nats; `n_episodes` is the
    number of responses in the batch. Ziegler et al. 2019, arXiv:1909.08593, section 2.2; the
    paper's constant 0.1 is n_episodes / horizon of its batch of 1024.
    """
    error = min(max(kl / target - 1.0, -CLIP), CLIP)
    return kl_coef * (1.0 + error * n_episodes / horizon)


def kl_cap_weight(kl: float, *, cap: float) -> float:
    """Return the weight of the KL term in the loss of a step, from 0 to 1.

        weight = clip((kl / cap - 1) / 0.2, 0, 1)

    0 up to the cap, 1 from a fifth above it; in between score and KL term pull at the policy
    together. Every step has a weight of its own, from the KL as the step before found it: one
    weight for a whole update undoes most of what several have learned (docs/details.md, 26).
    """
    return min(max((kl / cap - 1.0) / RAMP, 0.0), 1.0)
