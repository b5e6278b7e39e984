"""What is asked, how much of it, and who answers."""

from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator, model_validator

from prefloop.settings.section import (
    Count,
    Finite,
    Fraction,
    Index,
    NonNegative,
    Positive,
    Section,
    refuse,
)

SYNTHETIC = "synthetic"
PEOPLE = "people"
NOBODY = "none"
"""Names that `comparisons.labelers` may have beside those of installed packages."""

WORDS_PER_MINUTE = 238.0
"""Mean silent reading rate of English (Brysbaert 2019, J. Memory and Language 109:104047)."""

MOST_REASONS = 6
"""Chips for reasons: with the two for strength each has a digit from 1 to 8."""
MOST_REASON_CHARACTERS = 40

Port = Annotated[int, Field(ge=1, le=65535)]
"""A number that a server can listen at."""


class SyntheticConfig(Section):
    """Labelers that prefer what known scorers score high, with known faults."""

    labelers: Count = 10
    """How many of them share the work."""

    scorers: dict[str, Finite] = Field(default_factory=dict)
    """What they prefer: names of scorers and their weights. Left out, it is what the task asks for:
    `sentiment` or `descriptiveness`; other tasks have none of their own."""

    disagreement: NonNegative = 1.0
    """Spread of their private impressions, in units of what people show; 0 is perfect. One unit of
    `noise: normal` is a standard deviation of 0.97 log-odds, of `gumbel` a scale of 1."""

    noise: Literal["normal", "gumbel"] = "normal"
    """Shape of private impressions: `normal`, measured on people's ratings of sentences; `gumbel`,
    the noise of their votes, with which choices follow the softmax of the scores."""

    words_per_minute: Positive = WORDS_PER_MINUTE
    """Rate at which they read prompts and samples; it changes the seconds of a label alone."""

    flips: Fraction = 0.0
    """Share of answers that are a slip of the hand: any of the samples, at random."""

    position_bias: NonNegative = 0.0
    """Bonus, in units of score, for the sample shown first."""

    laziness: Fraction = 0.0
    """Share of answers given without reading the prompt: whatever copies most from it."""

    drift: Finite = 0.0
    """Change over the run: the weight of the score goes from 1 to 1 + drift."""

    tie_margin: NonNegative = 0.0
    """Impressions closer than this are answered with a tie."""

    slight_margin: NonNegative = 0.0
    """A best sample whose impression leads by less is said to be `slightly` better, another
    `clearly`; 0 says neither."""


class PeopleConfig(Section):
    """People who label in a browser: where the page is, and what each of them is given."""

    serve: bool = True
    """`prefloop run` serves the labeling page; `false` leaves it to `prefloop serve`, anywhere."""

    host: str = "127.0.0.1"
    """Address at which the page is served; `0.0.0.0` is all of this machine's."""

    port: Port | None = None
    """Port of the page; `null` is 8765, or the next that is free."""

    origin: str | None = None
    """What people type to come here, where a proxy is before the server: `https://label.acme.org`."""

    certificate: str | None = None
    """File with a TLS certificate, to serve HTTPS without a proxy."""

    key: str | None = None
    """File with the key of `certificate`."""

    browser: bool = True
    """Open the page in a browser, where `prefloop run` was typed at a screen."""

    ahead: Fraction = 0.5
    """With `comparisons.wait: first`: share of a round's policy updates that may be made before its
    labels are in. The others wait for the reward model that learned from them."""

    lease_minutes: Positive = 15.0
    """How long a question is reserved for the labeler who has it."""

    gold_share: Fraction = 0.08
    """Share of questions with a known answer, asked silently, if the owner has made some."""

    retest_share: Fraction = 0.03
    """Share of questions that the same labeler answered before: they measure consistency."""

    retest_after_minutes: NonNegative = 30.0
    """Least time since that earlier answer."""

    training_items: Index = 0
    """Questions with an explained answer that everybody gets first, if the owner has made some."""

    pass_accuracy: Fraction = 0.75
    """Share of them that must be right."""

    strength: bool = False
    """Ask with every choice whether the sample is slightly or clearly better."""

    reasons: list[str] = Field(default_factory=list)
    """Words with which labelers may say why a sample is best, at most six, such as `shorter`; they
    are asked after the choice, and none needs to be taken."""

    @field_validator("reasons")
    @classmethod
    def _reasons_are_chips(cls, reasons: list[str]) -> list[str]:
        if len(reasons) > MOST_REASONS:
            raise ValueError(f"{len(reasons)} reasons are too many; give at most {MOST_REASONS}")
        for reason in reasons:
            if reason != " ".join(reason.split()) or not reason.isprintable() or not reason:
                raise ValueError(f"{reason!r} is no reason; write words with single spaces")
            if len(reason) > MOST_REASON_CHARACTERS:
                raise ValueError(
                    f"{reason!r} has {len(reason)} characters; the most is {MOST_REASON_CHARACTERS}"
                )
        if len({reason.casefold() for reason in reasons}) < len(reasons):
            raise ValueError(f"{', '.join(reasons)}: one reason stands there twice")
        return reasons

    @field_validator("origin")
    @classmethod
    def _as_browsers_write_it(cls, origin: str | None) -> str | None:
        if origin is None:
            return None
        url = urlsplit(origin.strip())
        if url.scheme not in ("http", "https") or not url.hostname or url.path not in ("", "/"):
            raise ValueError(f"{origin!r} is no address such as https://label.acme.org")
        is_usual = url.port in (None, {"http": 80, "https": 443}[url.scheme])
        return f"{url.scheme}://{url.hostname}" + ("" if is_usual else f":{url.port}")

    @model_validator(mode="after")
    def _shares_leave_room(self, info: ValidationInfo) -> Self:
        if self.gold_share + self.retest_share >= 1:
            raise ValueError(
                f"gold_share {self.gold_share} and retest_share {self.retest_share} leave no room "
                "for new questions"
            )
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key are given together, or neither is")
        return self


class ComparisonsConfig(Section):
    """How many labels are gathered, and from whom."""

    labelers: str = SYNTHETIC
    """Who answers: `synthetic`, `people` in a browser, `none` (imported labels alone), or a labeler
    that an installed package registered."""

    label_type: Literal["best_of_k", "ranking"] = "best_of_k"
    """What a labeler says: which sample is best, or, with `ranking`, the order of all of them."""

    markdown: bool = False
    """Show people prompts and samples as rendered Markdown, with code and turns of a chat; they see
    the raw text at a click. For tasks whose texts are Markdown."""

    strings: str | None = None
    """File with what the pages say to labelers, in another language; `null` is English."""

    labels: Count = 600
    """Training labels in the whole run, all rounds together."""

    initial_labels: Count | None = None
    """Labels before the first policy update; `null` is `labels / rounds`, at least a quarter."""

    validation_labels: Index = 100
    """Labels on validation prompts in each round; they only measure, and never train."""

    overlap: Count = 1
    """Labels per question, each by another labeler."""

    validation_overlap: Count = 2
    """Labels per validation question. Two or more show how far labelers agree."""

    wait: Literal["always", "first"] = "always"
    """When the policy waits for people's labels: `always`, or for the `first` round's only; later
    ones come while it goes on with the reward model it has."""

    options: dict[str, Any] = Field(default_factory=dict)
    """Settings of the labeler that `labelers` names, where an installed package registered it."""

    synthetic: SyntheticConfig = Field(default_factory=SyntheticConfig)
    """What synthetic labelers prefer, and their faults."""

    people: PeopleConfig = Field(default_factory=PeopleConfig)
    """Where people label, and what they are given."""

    @model_validator(mode="after")
    def _labelers_suffice(self, info: ValidationInfo) -> Self:
        there = self.synthetic.labelers
        wanted = {"overlap": self.overlap}
        if self.validation_labels:
            wanted["validation_overlap"] = self.validation_overlap
        if self.labelers == SYNTHETIC:
            refuse(
                [
                    f"{name} {n} asks {n} different labelers each question, and synthetic.labelers "
                    f"is {there}: raise it, or lower {name}"
                    for name, n in wanted.items()
                    if n > there
                ],
                info,
            )
        return self

    @property
    def named_type(self) -> str | None:
        """The label type as comparisons name it: None is the best of their samples."""
        return None if self.label_type == "best_of_k" else self.label_type

    @property
    def known_scorers(self) -> dict[str, float]:
        """What the labelers are known to like; nothing is known of people."""
        return dict(self.synthetic.scorers) if self.labelers == SYNTHETIC else {}
