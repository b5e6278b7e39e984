"""What is asked of labels before anything learns from them, and of the policy while it learns."""

from typing import Annotated, Literal

from pydantic import Field

from prefloop.figures.canary import CanaryName
from prefloop.settings.section import Count, Fraction, Index, Positive, Section


class LiveConfig(Section):
    """What people are asked about the policy while it trains, in runs that people label."""

    questions: Index = 100
    """Questions over the whole run, spread evenly over its updates: which is better, a text of the
    policy or one of the reference? 0 asks nothing, and then the policy waits for nobody."""

    alpha: Annotated[float, Field(gt=0, lt=1)] = 0.01
    """Share of runs that may be stopped in vain, where people like the policy no less than the
    reference; whenever and however often it is looked at."""

    updates_without_judgment: Count | None = 200
    """After so many updates beyond the newest that somebody judged, the policy waits for people;
    `null` is any number."""

    nats_without_judgment: Positive | None = 5.0
    """After so much growth of the KL beyond that update, in nats, the policy waits for people;
    `null` is any growth. A KL is the mean of the last four updates."""


OF_THE_WATCH = {"on_alarm", "start_checks", "probe_every", "canaries_off", "live"}
"""Settings of `audits` that say nothing of what an audit finds."""


class AuditsConfig(Section):
    """What the audits look at, and from where on they warn. They change no result of a run but by
    stopping it or by taking it back."""

    scorers: list[str] = Field(default_factory=list)
    """Scorers that are looked at as shortcuts too, beside those that every audit knows."""

    least_choices: Count = 100
    """Choices of a best sample from which on an audit says anything; before, it says how many are
    missing."""

    shortcut_skill: Fraction = 0.2
    """Share of the way from chance to always right that one shortcut may go by itself, before it is
    warned of: 0.2 is 60 % of the choices between two samples, 40 % of those among four."""

    reward_share: Fraction = 0.6
    """Share of what the reward model knows beyond chance that one shortcut may know by itself, and
    of the way from chance to always that one may predict the reward model's own choices, before it
    is warned of."""

    on_alarm: Literal["warn", "stop", "roll_back"] = "warn"
    """What an alarm does that watches the policy: `warn` prints it; `stop` also pulls the cord for
    those that docs/audits.md marks as stops. `roll_back` goes back to the newest checkpoint from
    before that alarm and on from there with other random numbers, once a round; the next time it
    stops. A run that it stopped goes on when its owner releases the stop, or when it is started
    again with `warn`."""

    start_checks: bool = True
    """Whether canaries look at the trainer before the first update of every start and every reward
    model (C3, C4, C6). One that fails stops the run before it trains."""

    probe_every: Count = 50
    """Updates between two looks at texts of which it is known how they should be rewarded (C4)."""

    canaries_off: list[CanaryName] = Field(default_factory=list)
    """Canaries that are not looked at, such as `C9`: for one that errs about a sound run. A stop
    by one of them is released when the run starts again."""

    live: LiveConfig = Field(default_factory=LiveConfig)
    """What people are asked about the policy while it trains."""
