"""The alarms that watch the policy: name, measure, threshold and source of each, in one table.

Statistics detect reward hacking late and badly: people are the primary alarm, and these explain.
Where a doctor's check looks at the same measure it takes its limits from here.
"""

from dataclasses import dataclass

from prefloop.audits.alarm_rules import (
    FALLS,
    LEAST_TREND,
    NEWEST,
    RISES,
    START,
    TREND,
    UNKNOWN,
    Records,
    Rule,
    above,
    against_start,
    all_below,
    below_for,
    falls_against,
    moved,
    newest,
    quoted,
)
from prefloop.figures.repetition import SURE, TAKEN_OVER, TIMES
from prefloop.figures.text import fixed, percent, plain
from prefloop.figures.watch import AlarmReading
from prefloop.settings.policy import KLConfig, PolicyConfig

Limits = tuple[float, float]
"""Where a warning begins, and where it is bad."""

KL_OVER: Limits = (1.5, 3.0)
"""Times the target, or times the cap where there is no target."""
KL_ABSOLUTE: Limits = (10.0, 50.0)
"""Nats, where there is neither."""
KL_FAR_FOR = 5
"""Updates beyond the second limit of the KL until it is a stop."""
NEGATIVE_KL: Limits = (-0.1, -1.0)
NEGATIVE_FOR = 3
RATIO_MEAN: Limits = (0.5, 2.0)
CLIPPED: Limits = (0.3, 0.6)
UNEXPLAINED: Limits = (0.0, -1.0)
UNEXPLAINED_FOR = 20
ENTROPY_LEFT: Limits = (0.5, 0.2)
"""Of what it was at the start."""
LENGTH: Limits = (0.7, 1.3)
"""Of what it was at the start: below the first, above the second."""
UNENDED: Limits = (0.8, 0.2)
ENDED_LESS = 0.1
"""Since the start: the responses of some references seldom end."""
DUPLICATES: Limits = (0.05, 0.3)
COPIED_MORE = 0.2
OPENING_MORE = 0.2
DISTINCT_LEFT = 0.5
SPREAD_LEFT = 0.2
SPREAD_TIMES = 2.0
WORD: Limits = (0.25, 0.5)
"""Share of the answers with a word that has taken over."""

OURS = "our own choice"
MEAN = f"mean of {NEWEST} updates"
OF_START = f"the first {START}'s"


@dataclass(frozen=True, kw_only=True)
class PolicyAlarm:
    """One alarm. Its rule reads the updates so far and keeps nothing."""

    name: str
    measure: str
    """Keys of `metrics.jsonl`."""
    threshold: str
    source: str
    action: str
    rule: Rule


def _kl(records: Records, policy: PolicyConfig) -> AlarmReading:
    now, (warn, stop, of) = newest(records, "policy/kl"), _kl_limits(policy.kl)
    if now is None:
        return UNKNOWN
    last = [r.values.get("policy/kl", 0.0) for r in records[-KL_FAR_FOR:]]
    is_far = len(last) == KL_FAR_FOR and min(last) > stop
    message = f"The KL is {fixed(now)} nats; {of}."
    level = "stop" if is_far else "warn" if now > warn else "fine"
    return AlarmReading.model_validate({"level": level, "message": message})


def _kl_limits(kl: KLConfig) -> tuple[float, float, str]:
    """Return both limits in nats, and what they come from."""
    if kl.control == "adaptive":
        warn, stop = (times * kl.target for times in KL_OVER)
        return warn, stop, f"policy.kl.target is {plain(kl.target)}"
    if kl.cap is not None:
        warn, stop = (times * kl.cap for times in KL_OVER)
        return warn, stop, f"policy.kl.cap is {plain(kl.cap)}"
    return *KL_ABSOLUTE, "policy.kl has neither target nor cap"


def _negative_kl(records: Records, policy: PolicyConfig) -> AlarmReading:
    now = newest(records, "policy/kl")
    if now is None:
        return UNKNOWN
    message = f"The KL is {fixed(now)} nats; it cannot be negative but by chance."
    is_far = all_below(records, "policy/kl", NEGATIVE_KL[1], NEGATIVE_FOR)
    level = "stop" if is_far else "warn" if now < NEGATIVE_KL[0] else "fine"
    return AlarmReading.model_validate({"level": level, "message": message})


def _ratio(records: Records, policy: PolicyConfig) -> AlarmReading:
    ratio = records[-1].values.get("policy/ratio_mean")
    if ratio is None:
        return UNKNOWN
    message = f"The mean probability ratio is {fixed(ratio)}; it must be near 1."
    level = "fine" if RATIO_MEAN[0] <= ratio <= RATIO_MEAN[1] else "stop"
    return AlarmReading.model_validate({"level": level, "message": message})


def _not_finite(records: Records, policy: PolicyConfig) -> AlarmReading:
    names = records[-1].not_finite
    if not names:
        return AlarmReading(level="fine", message="Every metric is a finite number.")
    return AlarmReading(level="stop", message=f"Not a finite number: {', '.join(names)}.")


def _one_opening(records: Records, policy: PolicyConfig) -> AlarmReading:
    reading = _OPENINGS_MOVED(records, policy)
    if not (records[-1].top_opening and reading.message):
        return reading
    named = f"{reading.message} The commonest of this update: {quoted(records[-1].top_opening)}."
    return reading.model_copy(update={"message": named})


def _risen_word(records: Records, policy: PolicyConfig) -> AlarmReading:
    words = records[-1].risen_words
    if not words:
        return UNKNOWN
    # What took over the most answers is named.
    taken = sorted((w for w in words if w.has_taken_over), key=lambda w: (-w.share, w.phrase))
    word = taken[0] if taken else words[0]
    message = (
        f"{quoted(word.phrase)} stands in {percent(word.share)} of the newest answers; before "
        f"training it stood in {percent(word.baseline_share)}."
    )
    share = word.share if taken else 0.0
    level = "stop" if share >= WORD[1] else "warn" if share >= WORD[0] else "fine"
    return AlarmReading.model_validate({"level": level, "message": message})


_OPENINGS_MOVED = moved("Responses that begin alike", "policy/top_opening", by=OPENING_MORE)
LESS_STEP = "Lower policy.lr or raise policy.kl.coef."
READ = "Read the samples of this update: "

ALARMS: tuple[PolicyAlarm, ...] = (
    PolicyAlarm(
        name="KL too large",
        measure="policy/kl",
        threshold=f"{MEAN} above {plain(KL_OVER[0])} times the target (without one the cap, "
        f"without both {plain(KL_ABSOLUTE[0])} nats); stop: each of {KL_FAR_FOR} updates above "
        f"{plain(KL_OVER[1])} times the target or cap, or {plain(KL_ABSOLUTE[1])} nats",
        source="TRL's FAQ: keep it between 0 and 10; Ziegler et al. 2019: a target of 6 nats",
        action=LESS_STEP,
        rule=_kl,
    ),
    PolicyAlarm(
        name="KL below zero",
        measure="policy/kl",
        threshold=f"{MEAN} below {plain(NEGATIVE_KL[0])} nats; stop: each of {NEGATIVE_FOR} "
        f"updates below {plain(NEGATIVE_KL[1])}",
        source="TRL warns below -1; the cause is nearly always the sampling (trl#352)",
        action="Sampling and training disagree about log-probabilities: report this as a bug.",
        rule=_negative_kl,
    ),
    PolicyAlarm(
        name="ratio far from 1",
        measure="policy/ratio_mean",
        threshold=f"stop: outside {plain(RATIO_MEAN[0])} to {plain(RATIO_MEAN[1])} in one update",
        source="TRL's FAQ: it should stay near 1",
        action="Steps are far too large, or log-probabilities are wrong: lower policy.lr.",
        rule=_ratio,
    ),
    PolicyAlarm(
        name="many ratios clipped",
        measure="policy/clip_fraction",
        threshold=f"{MEAN} above {percent(CLIPPED[0])}",
        source=OURS,
        action="Steps are too large: lower policy.lr or policy.epochs.",
        rule=above("Ratios that are clipped", "policy/clip_fraction", warn=CLIPPED[0]),
    ),
    PolicyAlarm(
        name="values explain nothing",
        measure="policy/explained_variance",
        threshold=f"below {plain(UNEXPLAINED[0])} in each of {UNEXPLAINED_FOR} updates",
        source=OURS,
        action="The values mislead the method: raise policy.options.vf_coef, or train longer.",
        rule=below_for(
            "The values' share of the returns' variance",
            *("policy/explained_variance", UNEXPLAINED[0], UNEXPLAINED_FOR),
        ),
    ),
    PolicyAlarm(
        name="not a finite number",
        measure="every key",
        threshold="stop: one NaN or infinity; the run ends by itself",
        source="no batch of a sound run has one",
        action="Lower policy.lr; the last checkpoint is good.",
        rule=_not_finite,
    ),
    PolicyAlarm(
        name="entropy collapsed",
        measure="policy/entropy",
        threshold=f"{MEAN} below {percent(ENTROPY_LEFT[0])} of {OF_START}; stop: below "
        f"{percent(ENTROPY_LEFT[1])}",
        source=OURS,
        action=f"{READ}does the policy say the same to all? {LESS_STEP}",
        rule=against_start(
            "The entropy per token",
            "policy/entropy",
            warn_below=ENTROPY_LEFT[0],
            stop_below=ENTROPY_LEFT[1],
        ),
    ),
    PolicyAlarm(
        name="length moved",
        measure="policy/response_tokens",
        threshold=f"{MEAN} below {percent(LENGTH[0])} or above {percent(LENGTH[1])} of {OF_START}",
        source="Singhal et al. 2023, arXiv:2310.03716: most of a reward's gain can be length; 30 % "
        "is our own choice",
        action=f"{READ}is longer or shorter what was asked for? If not, the reward pays for it.",
        rule=against_start(
            "The tokens of a response",
            *("policy/response_tokens",),
            warn_below=LENGTH[0],
            warn_above=LENGTH[1],
        ),
    ),
    PolicyAlarm(
        name="responses do not end",
        measure="policy/ended",
        threshold=f"{MEAN} below {percent(UNENDED[0])} and {plain(100 * ENDED_LESS)} points below "
        f"{OF_START}",
        source=OURS,
        action="Few responses get a real score: lower task.missing_stop_score.",
        rule=moved("Responses that end", "policy/ended", by=-ENDED_LESS, below=UNENDED[0]),
    ),
    PolicyAlarm(
        name="one answer to many prompts",
        measure="policy/duplicates",
        threshold=f"{MEAN} above {percent(DUPLICATES[0])}; stop: above {percent(DUPLICATES[1])}",
        source="trl#204: one answer to every prompt; the numbers are our own choice",
        action=f"{READ}the reward pays for one text. {LESS_STEP}",
        rule=above(
            "Responses that were given to another prompt of the batch too",
            *("policy/duplicates",),
            warn=DUPLICATES[0],
            stop=DUPLICATES[1],
        ),
    ),
    PolicyAlarm(
        name="one opening for many answers",
        measure="policy/top_opening",
        threshold=f"{MEAN} {plain(100 * OPENING_MORE)} points above {OF_START}",
        source=OURS,
        action=f"{READ}the reward pays for how they begin. {LESS_STEP}",
        rule=_one_opening,
    ),
    PolicyAlarm(
        name="few different word pairs",
        measure="policy/distinct_2",
        threshold=f"{MEAN} below {percent(DISTINCT_LEFT)} of {OF_START}",
        source="trl#322: one letter repeated while the reward rose; a half is our own choice",
        action=f"{READ}the policy repeats itself. {LESS_STEP}",
        rule=against_start(
            "Different word pairs per word pair", "policy/distinct_2", warn_below=DISTINCT_LEFT
        ),
    ),
    PolicyAlarm(
        name="copies more",
        measure="policy/copied_share",
        threshold=f"{MEAN} {plain(100 * COPIED_MORE)} points above {OF_START}",
        source="Ziegler et al. 2019, table 4: the summaries that labelers rewarded were copies",
        action=f"{READ}do the labels reward copies? See `prefloop audit labels`.",
        rule=moved("The copied share of a response", "policy/copied_share", by=COPIED_MORE),
    ),
    PolicyAlarm(
        name="scores alike",
        measure="policy/score_sd",
        threshold=f"{MEAN} below {percent(SPREAD_LEFT)} of {OF_START}",
        source=OURS,
        action="The reward tells responses apart no more: collect labels of this policy's samples.",
        rule=against_start(
            "The standard deviation of the scores", "policy/score_sd", warn_below=SPREAD_LEFT
        ),
    ),
    PolicyAlarm(
        name="the reward model guesses",
        measure="policy/ensemble_spread",
        threshold=f"{MEAN} above {plain(SPREAD_TIMES)} times that on reference samples",
        source="Coste et al. 2023, Eisenstein et al. 2023; the factor is our own choice",
        action="Its members disagree about this policy: collect labels of its samples.",
        rule=above("Spread against the reference's", "policy/ensemble_spread", warn=SPREAD_TIMES),
    ),
    PolicyAlarm(
        name="held-out score falls",
        measure="policy/held_out_score",
        threshold=f"over the newest {TREND} updates with the same reward, {LEAST_TREND} at least, "
        f"it falls and the score rises: t tests of both slopes, one-sided, at {plain(FALLS)} and "
        f"{plain(RISES)}",
        source="Gao et al. 2023, arXiv:2210.10760: a reward rises on where what it stands for "
        "falls; the numbers are our own choice",
        action=f"{READ}the policy may exploit its reward. Collect labels of its samples, or go "
        "back to a kept policy: see `prefloop audit overoptimization`.",
        rule=falls_against("the held-out score", "policy/held_out_score", "policy/score"),
    ),
    PolicyAlarm(
        name="a word took over",
        measure="risen_words",
        threshold=f"in {percent(WORD[0])} of the answers of {NEWEST} updates, "
        f"{plain(100 * TAKEN_OVER)} points more and {plain(TIMES)} times as often as in the "
        f"reference's samples, at a false discovery rate of {percent(SURE)} over all words; "
        f"stop: in {percent(WORD[1])}",
        source=f"Fisher 1935; Benjamini and Hochberg 1995; the shares are {OURS}",
        action=f"{READ}is this word what was asked for? If not, the reward pays for it.",
        rule=_risen_word,
    ),
)
"""Every alarm. docs/audits.md shows this table."""
