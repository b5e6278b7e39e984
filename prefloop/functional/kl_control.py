"""The controller that steers the KL to its target."""

CLIP = 0.2
"""Largest relative error that the controller sees: it answers in measure to a runaway KL."""


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
