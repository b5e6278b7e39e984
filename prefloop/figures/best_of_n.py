"""The record of a policy without weights of its own (`policy/update-1/best_of_n.json`)."""

from pydantic import BaseModel

from prefloop.figures.record import RECORD

BEST_OF_N_FILE = "best_of_n.json"
"""What a folder of such a policy holds in place of weights."""


class BestOfNPolicy(BaseModel):
    """Draw n responses of the base, keep the one that the reward scores highest.

    The base is not in the folder: it is named, with a hash of its weights.
    """

    model_config = RECORD

    n: int
    """Responses of which one is kept; 1 before the first reward: a response of the base."""
    kl_at_most: float
    """Upper bound on the KL from the base in nats, log n - (n - 1) / n; nothing measures the KL.
    Beirami et al. 2024, arXiv:2401.01879."""
    reward: str
    """What scores the responses: `rewards/round-0` in the run folder, or a scorer; empty at n = 1.
    """
    reward_fingerprint: str
    """A hash of the reward model's head, or of the scorer."""
    held_out_fingerprint: str = ""
    """A hash of what `rewards.hold_out` takes out of the reward model's scores, and of its scorers;
    empty if nothing is taken out, and in files of before this was kept."""
    base: str
    """The base's name: that of the run file, or `warm_start` in the run folder."""
    base_weights: str
    """A hash of the base's weights, tensor by tensor."""
    temperature: float
    response_tokens: int
    """Tokens of a response at most."""
    stop: str | None
    """Where a response ends: a text, `end_of_text`, or null: nowhere."""
    stop_min: int
    """The first token that may be the stop."""
    stop_match: str
    """Whether the stop is looked for as a `text` or as one `token`."""
    missing_stop_score: float
    """The score of a response that did not end, in place of what the reward says."""
