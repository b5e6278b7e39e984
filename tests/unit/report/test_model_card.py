"""Model cards say what is known and nothing else."""

import json
from pathlib import Path

from prefloop.report.model_card import policy_card, reward_card
from tests.unit.report.fake_run import SETTINGS, fake_task


def test_a_policy_card_repeats_the_evaluation(fake_run: Path) -> None:
    figures = json.loads((fake_run / "evaluation" / "round-1.json").read_text())
    card = policy_card(name="my-policy", task=fake_task(), settings=SETTINGS, figures=figures)
    assert figures["verdict"] in card
    assert card.startswith("---\nbase_model: smollm2\n")
    assert 'AutoModelForCausalLM.from_pretrained("my-policy")' in card
    assert "synthetic labelers" in card
    assert "2 rounds" in card


def test_a_policy_without_evaluation_claims_nothing() -> None:
    card = policy_card(name="p", task=fake_task(), settings=SETTINGS, figures=None)
    assert "was not judged: this model has no evaluation yet" in card
    assert "Win rate" not in card


def test_a_reward_card_repeats_the_trust_figures(fake_run: Path) -> None:
    trust = json.loads((fake_run / "rewards" / "round-1" / "trust.json").read_text())
    card = reward_card(name="r", task=fake_task(), settings=SETTINGS, trust=trust)
    accuracy = trust["validation"]["accuracy"]["value"]
    assert f"{100 * accuracy:.0f}\u202f%" in card
    assert "AutoModelForSequenceClassification" in card


def test_a_reward_model_without_validation_says_so() -> None:
    card = reward_card(name="r", task=fake_task(), settings=SETTINGS, trust=None)
    assert "not measured: no validation labels" in card
    assert "not recorded" in card


def test_python_in_the_card_is_python(fake_run: Path) -> None:
    for card in (
        policy_card(name="p", task=fake_task(), settings=SETTINGS, figures=None),
        reward_card(name="r", task=fake_task(), settings=SETTINGS, trust=None),
    ):
        code = card.split("```python\n")[1].split("```")[0]
        compile(code, "card", "exec")
