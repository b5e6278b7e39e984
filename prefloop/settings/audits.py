"""What is asked of labels before anything learns from them, and of the policy while it learns."""

from typing import Literal

from pydantic import Field

from prefloop.settings.section import Count, Fraction, Section


class AuditsConfig(Section):
    """What the audits look at, and from where on they warn. They change no result of a run."""

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

    on_alarm: Literal["warn", "stop"] = "warn"
    """What an alarm does that watches the policy: `warn` prints it; `stop` also pulls the cord for
    those that docs/audits.md marks as stops. A run that it stopped goes on when its owner releases
    the stop, or when it is started again with `warn`."""
