"""The epsilon that makes PyTorch's Adam the Adam of 2019."""

import math


def tensorflow_eps(step: int, *, eps: float, beta2: float = 0.999) -> float:
    """Return the `eps` that `torch.optim.Adam` needs at this step (from 1) to act as TensorFlow's.

        TensorFlow: lr * sqrt(1 - beta2^t) / (1 - beta1^t) * m / (sqrt(v) + eps)
        PyTorch:    the same with eps * sqrt(1 - beta2^t) in the place of eps
        so          eps / sqrt(1 - beta2^t)

    With PyTorch's own the first steps are many times larger, which large models do not forgive.
    Kingma and Ba 2015, arXiv:1412.6980, section 2 (epsilon-hat); Huang et al. 2023, detail 21.
    """
    if step < 1:
        raise ValueError(f"Adam counts its steps from 1; got {step}")
    return eps / math.sqrt(1.0 - beta2**step)
