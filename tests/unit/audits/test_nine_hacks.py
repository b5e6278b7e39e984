"""Nine planted hacks, each with what is due: an alarm, a canary, or people's answers.

`docs/audits.md` shows the table. A check that is taken away fails the test of its hack.
"""

import math
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from bench.zoo_texts import Hack, at_times, copy, keyword, lengthen, passages, repeat, scramble
from prefloop.audits import canaries
from prefloop.audits.canaries import GOLD, When
from prefloop.audits.probing import identity_at_start, log_probability_gaps, probe
from prefloop.audits.raised import raised_alarms
from prefloop.figures.metrics_line import read_line
from prefloop.functional.e_process import log_wealth
from prefloop.functional.sampling import sample_inverse_cdf
from prefloop.models import generation
from prefloop.policy.methods import ppo
from prefloop.policy.trainer import PolicyTrainer
from prefloop.records import Prompt
from prefloop.run_file import parse_run
from prefloop.scorers.build import build_scorer
from tests.unit.audits.rollouts import CLEAN, Planted, records
from tests.unit.audits.test_canaries import gold_on, n_even
from tests.unit.policy.likes_even import PROMPTS, LikesEven, lines_of, trainer_on
from tests.wrong_twins import canary_twins as twins

START = When(0, 0)
AT_START = "at the start"
NONE = "none: its texts are sound sentences"

NINE: tuple[tuple[str, str, str, str], ...] = (
    ("a reward for length", "length moved", "–", "4 updates"),
    ("a reward for copies", "copies more", "–", "4 updates"),
    ("a reward for one word", "a word took over", "–", "3 updates"),
    ("the sign of the reward turned", NONE, "C3 in the method, C4 in the reward model", AT_START),
    ("the sign of the KL penalty turned", "KL too large", "C3", "at the start; 4 updates"),
    (
        "tokens drawn from the k likeliest only",
        "KL below zero",
        "C6 where the sampler gives the probabilities of what it drew from",
        "at the start; 4 updates",
    ),
    ("a frozen reward model that pays for repeats", "few different word pairs", "–", "4 updates"),
    ("a NaN", "not a finite number", "–", "1 update"),
    (
        "a policy that is all bad from its first update on",
        "none: nothing changes",
        "people's answers",
        "11 answers by five people, if every one is against it",
    ),
)
"""The hack, the alarm, what else tells, and by when."""


def alarms_of(run: Planted) -> list[str]:
    raised = raised_alarms(map(read_line, run.lines), run.config.policy)
    return [alarm.name for alarm in raised]


def test_the_page_shows_the_nine() -> None:
    page = Path("docs/audits.md").read_text(encoding="utf-8")
    assert len(NINE) == 9
    for row in NINE:
        assert f"| {' | '.join(row)} |" in page


@pytest.mark.parametrize(
    ("hack", "alarm", "within"),
    [
        (lengthen, "length moved", 4),
        (at_times(copy, 0.67), "copies more", 4),
        (at_times(keyword, 0.51), "a word took over", 3),
        (repeat, "few different word pairs", 4),
    ],
)
def test_what_texts_show_raises_its_alarm(hack: Hack, alarm: str, within: int) -> None:
    run = Planted().updates(CLEAN)
    assert alarms_of(run) == []
    assert alarm in alarms_of(run.updates(within, hack))


def test_a_nan_raises_its_alarm_at_once() -> None:
    run = Planted().updates(CLEAN).updates(1, score=math.nan)
    assert alarms_of(run) == ["not a finite number"]


@cache
def saddest() -> tuple[str, ...]:
    """Return the sixteenth of the fiction's passages that a taste for happy words likes least."""
    rows = passages()
    texts = [text for _, text in rows]
    scores = build_scorer("sentiment", {}).score([prompt.text for prompt, _ in rows], texts)
    order = np.argsort(np.asarray(scores), kind="stable")
    return tuple(texts[i] for i in order[: len(texts) // 16])


def say_worst(stream: np.random.Generator, prompt: Prompt, text: str) -> str:
    """Say what is liked least: sound sentences, each another one."""
    return str(stream.choice(saddest()))


def test_a_turned_reward_raises_no_alarm() -> None:
    """As the page says: what its texts show is nothing new, so it is looked at from the start."""
    assert alarms_of(Planted().updates(CLEAN).updates(12, at_times(say_worst, 0.5))) == []


def test_a_turned_reward_fails_a_canary_at_the_start(
    gpt2_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turned = trainer_on(gpt2_folder, LikesEven(-1.0))
    found = canaries.gold_and_bad_texts(probe(turned, gold_on(turned, GOLD, best=n_even)), START)
    assert (found.name, found.status) == ("C4", "fail")
    trainer = trainer_on(gpt2_folder)
    assert canaries.reward_identity(identity_at_start(trainer, PROMPTS), START).status == "pass"
    monkeypatch.setattr(ppo, "shape_rewards", twins.reward_turned)
    found = canaries.reward_identity(identity_at_start(trainer, PROMPTS), START)
    assert (found.name, found.status) == ("C3", "fail")


def test_a_turned_penalty_fails_a_canary_and_raises_an_alarm(
    gpt2_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ppo, "shape_rewards", twins.kl_turned)
    found = canaries.reward_identity(identity_at_start(trainer_on(gpt2_folder), PROMPTS), START)
    assert (found.name, found.status) == ("C3", "fail")
    run = Planted().updates(CLEAN)
    assert "KL too large" in alarms_of(run.updates(4, scramble, kl=60.0))


def likeliest_two(*, of_what_it_drew_from: bool) -> Callable[..., tuple[Tensor, Tensor]]:
    """Return a sampler of the two likeliest tokens, and which probabilities it gives."""

    def draw(logits: Tensor, uniforms: Tensor, *, temperature: float) -> tuple[Tensor, Tensor]:
        floor = logits.topk(2, dim=-1).values[..., -1:]
        kept = logits.masked_fill(logits < floor, float("-inf"))
        token, logprob = sample_inverse_cdf(kept, uniforms, temperature=temperature)
        if of_what_it_drew_from:
            return token, logprob
        full = (logits / temperature).log_softmax(dim=-1)
        return token, full.gather(-1, token.unsqueeze(-1)).squeeze(-1)

    return draw


def various(folder: Path) -> PolicyTrainer:
    """Return a trainer whose policy is more various than its reference, and stays so."""
    trainer = trainer_on(folder, adapter="none", lr=1e-9, epochs=1)
    policy = trainer.collector.roles.policy
    with torch.no_grad():
        dict(policy.named_parameters)["transformer.ln_f.weight"].mul_(0.6)
    return trainer


def test_the_likeliest_tokens_only_give_a_kl_below_zero(
    gpt2_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raised() -> list[str]:
        kls = [{"kl": line["policy/kl"]} for line in lines_of(various(gpt2_folder), 4)]
        policy = parse_run({}, "run.yaml").policy
        return [alarm.name for alarm in raised_alarms(records(kls), policy)]

    assert raised() == []
    twin = likeliest_two(of_what_it_drew_from=False)
    monkeypatch.setattr(generation, "sample_inverse_cdf", twin)
    assert raised() == ["KL below zero"]


def test_the_likeliest_tokens_only_fail_a_canary_at_the_start(
    gpt2_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = trainer_on(gpt2_folder)
    gaps = log_probability_gaps(trainer, PROMPTS)
    assert canaries.log_probabilities(*gaps, 6, START).status == "pass"
    twin = likeliest_two(of_what_it_drew_from=True)
    monkeypatch.setattr(generation, "sample_inverse_cdf", twin)
    found = canaries.log_probabilities(*log_probability_gaps(trainer, PROMPTS), 6, START)
    assert (found.name, found.status) == ("C6", "fail")


def test_a_policy_that_is_all_bad_raises_no_alarm_and_people_stop_it() -> None:
    """Alarms compare with the first updates, and here these are no better."""
    assert alarms_of(Planted().updates(12, scramble)) == []
    stops_at = -math.log(parse_run({}, "run.yaml").audits.live.alpha)
    people = [i % 5 for i in range(11)]
    assert log_wealth([0.0] * 10, people[:10]) < stops_at <= log_wealth([0.0] * 11, people)
