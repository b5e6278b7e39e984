"""What canaries said: checks that a sound run cannot fail, by whose failure the run stops."""

from typing import Literal

from pydantic import BaseModel

from prefloop.figures.record import RECORD

CanaryName = Literal["C3", "C4", "C5", "C6", "C7", "C8", "C9"]
"""As docs/audits.md numbers them; C1 and C2 need a training run and are tests of the package."""

CanaryStatus = Literal["pass", "fail", "unknown"]
"""`unknown`: too little is there to tell, which is never a pass."""

TITLES: dict[CanaryName, str] = {
    "C3": "the reward that the method learns from is score - kl_coef * KL",
    "C4": "what labelers chose, and texts that answer nothing, are rewarded accordingly",
    "C5": "a pair that is swapped has the other outcome",
    "C6": "sampling and training agree about log-probabilities",
    "C7": "scores of reference samples have mean 0 and standard deviation 1",
    "C8": "the labels that are learned from are what the store holds",
    "C9": "new labels agree with the reward model before",
}

ACTIONS: dict[CanaryName, str] = {
    "C3": "Nothing in a run file changes this sign: look for it in the method's own code "
    "(`response_rewards`), or report it as a bug.",
    "C4": "Read validation labels beside their scores (`prefloop audit rewards`), and look whether "
    "labels were imported the wrong way round or a sign was turned.",
    "C5": "Scores are read at the wrong place: report this as a bug.",
    "C6": "Sampling and training differ, or policy and reference began as different weights: "
    "report this as a bug.",
    "C7": "The KL coefficient would mean another thing: report this as a bug.",
    "C8": "Labels are changed on their way to the trainer: report this as a bug, and train on "
    "nothing meanwhile.",
    "C9": "Look whether the newest labels came the wrong way round (an import, a page that was "
    "changed), before anything learns from them. If they are right, the policy has left what "
    "labelers want: release the stop, so that the reward model learns it.",
}


class CanaryResult(BaseModel):
    """What one canary said when it was looked at last."""

    model_config = RECORD

    name: CanaryName
    title: str
    """What holds in a sound run."""
    status: CanaryStatus
    round: int
    update: int
    """Updates of the policy that were made before."""
    value: str
    """What was measured, with its n."""
    limit: str
    """From where on it fails."""
    action: str = ""
    """What to do next; empty unless it failed."""
    released_by: str = ""
    """Who let the run go on after it failed; empty unless somebody did."""

    @property
    def sentence(self) -> str:
        """The canary with its value, its limit and what to do."""
        of = {"pass": "passes", "fail": "FAILED", "unknown": "cannot tell"}[self.status]
        text = f"{self.name} ({self.title}) {of}: {self.value}; limit: {self.limit}."
        return " ".join(part for part in (text, self.action, self.release) if part)

    @property
    def release(self) -> str:
        """Who released the stop, in a sentence; empty if nobody did."""
        return f"Its stop was released by {self.released_by}." if self.released_by else ""


class CanaryFigures(BaseModel):
    """The newest result of every canary of a run."""

    model_config = RECORD

    results: tuple[CanaryResult, ...]


def canary_result(
    name: CanaryName,
    status: CanaryStatus,
    *,
    value: str,
    limit: str,
    round_number: int,
    update: int,
) -> CanaryResult:
    """Return a result, with what a sound run does and, of one that failed, what to do."""
    return CanaryResult(
        name=name,
        title=TITLES[name],
        status=status,
        round=round_number,
        update=update,
        value=value,
        limit=limit,
        action=ACTIONS[name] if status == "fail" else "",
    )
