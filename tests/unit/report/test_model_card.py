"""Model cards say what is known and nothing else."""

from pathlib import Path

import numpy as np

from prefloop.figures.evaluation import EvaluationFigures
from prefloop.figures.provenance import LabelersRecord, LabelsRecord
from prefloop.figures.text import percent, share_interval
from prefloop.figures.trust import EnsembleFigures, TrustFigures
from prefloop.report.cards import write_cards
from prefloop.report.made import Made, policy_made
from prefloop.report.model_card import policy_card, reward_card
from prefloop.rewards.trust import validation_figures
from prefloop.run_folder import RunFigures, read_run_folder
from prefloop.store.store import Store
from tests.unit.report.fake_run import fake_config

LABELS = LabelsRecord(
    train=30,
    validation=10,
    labelers=(LabelersRecord(kind="synthetic", labelers=2, labels=40),),
    samples_shown={"4": 30},
    ledger_events=40,
    ledger_hash="",
)
NOTHING = RunFigures(name="run", metrics=(), evaluations=(), trusts=())


def _card(run: RunFigures, figures: EvaluationFigures | None) -> str:
    made = policy_made(run, 1, fake_config(), LABELS)
    return policy_card(name="my-policy", made=made, run=run, figures=figures)


def _reward_card(trust: TrustFigures | None) -> str:
    return reward_card(name="r", made=Made(config=fake_config(), labels=LABELS), trust=trust)


def test_a_policy_card_repeats_the_evaluation(fake_run: Path) -> None:
    run = read_run_folder(fake_run)
    assert run.latest is not None
    figures = run.latest.figures
    assert figures.win_rate is not None
    card = _card(run, figures)
    assert figures.verdict in card
    assert card.startswith("---\nbase_model: HuggingFaceTB/SmolLM2-135M-Instruct\n")
    assert 'AutoModelForCausalLM.from_pretrained(".")' in card
    assert "rounded to 4 bits" in card
    assert "40 labels by 2 synthetic labelers: 30 taught (best of 4), 10 only measured |" in card
    assert "2 rounds" in card
    rate = figures.win_rate.rate
    assert card.count(share_interval(rate.low, rate.high)) == 2, "sentence and table agree"


def test_both_cards_say_what_the_labelers_scorers_were_calibrated_on(fake_run: Path) -> None:
    told = "| What the labelers prefer | sentiment (1; calibrated on 15,607 sentences"
    assert told in _card(read_run_folder(fake_run), None)
    assert told in _reward_card(None)
    config = fake_config(comparisons={"synthetic": {"scorers": {"length": 1.0}}})
    made = Made(config=config, labels=LABELS)
    card = policy_card(name="p", made=made, run=NOTHING, figures=None)
    assert "| length (1; not calibrated on people, as far as is known); normal noise" in card


def test_every_judge_and_what_it_shares_is_on_the_card(fake_run: Path) -> None:
    run = read_run_folder(fake_run)
    assert run.latest is not None
    figures = run.latest.figures
    assert figures.win_rate is not None
    person = figures.win_rate.model_copy(
        update={"judge": "ann", "description": "a person", "shared_sources": ("person:ann",)}
    )
    card = _card(run, figures.model_copy(update={"win_rates": (figures.win_rate, person)}))
    assert card.count("| Win rate against the base |") == 2
    assert "judge: ann, a person; not independent" in card


def test_the_method_that_ran_is_on_the_card(fake_run: Path) -> None:
    assert "| Training | PPO, 4,096 episodes" in _card(read_run_folder(fake_run), None)
    card = policy_card(
        name="p",
        made=Made(config=fake_config(policy={"method": "rloo"}), labels=LABELS),
        run=NOTHING,
        figures=None,
    )
    assert "| Training | RLOO, " in card
    assert "tags: [prefloop, rlhf, rloo]" in card


def test_a_policy_without_evaluation_claims_nothing() -> None:
    card = _card(NOTHING, None)
    assert "is not known; this model has no evaluation yet" in card
    assert "Win rate" not in card


def test_a_reward_card_repeats_the_trust_figures(fake_run: Path) -> None:
    trust = read_run_folder(fake_run).trusts[1].figures
    assert trust.validation is not None
    card = _reward_card(trust)
    assert percent(trust.validation.accuracy.value) in card
    assert "AutoModelForSequenceClassification" in card


def test_a_reward_card_measures_nothing_by_ties(fake_run: Path) -> None:
    trust = read_run_folder(fake_run).trusts[-1].figures
    ties = validation_figures(np.eye(4), np.full((4, 4), 0.25), np.ones((4, 4)))
    card = _reward_card(trust.model_copy(update={"validation": ties}))
    assert "not measured: the answers to all validation questions are ties" in card
    assert "chance 25 %" not in card


def test_a_reward_model_without_validation_says_so() -> None:
    card = _reward_card(None)
    assert "not measured: no validation labels" in card
    assert "not recorded" in card


def test_cards_are_written_beside_the_models_they_are_about(tmp_path: Path, fake_run: Path) -> None:
    for number in range(2):
        (tmp_path / "policy" / f"round-{number}").mkdir(parents=True)
    (tmp_path / "evaluation" / "policy").mkdir(parents=True)
    evaluated = read_run_folder(fake_run).evaluations[0]
    (tmp_path / evaluated.path).write_bytes((fake_run / evaluated.path).read_bytes())
    with Store.open(fake_run / "prefloop.db") as store:
        write_cards(tmp_path, store, fake_config())
    cards = [(tmp_path / f"policy/round-{n}/README.md").read_text() for n in range(2)]
    assert evaluated.figures.verdict in cards[0]
    assert "this model has no evaluation yet" in cards[1]


def test_a_card_ends_with_the_head_of_the_ledger(tmp_path: Path, fake_run: Path) -> None:
    (tmp_path / "policy" / "round-0").mkdir(parents=True)
    with Store.open(fake_run / "prefloop.db") as store:
        write_cards(tmp_path, store, fake_config())
        head = store.ledger_head()
    end = (tmp_path / "policy" / "round-0" / "README.md").read_text().splitlines()[-1]
    assert f"had {head.n_events} events" in end and f"the head `{head.hash}`" in end


def test_python_in_the_card_is_python() -> None:
    for card in (
        _card(NOTHING, None),
        _reward_card(None),
    ):
        code = card.split("```python\n")[1].split("```")[0]
        compile(code, "card", "exec")


def test_a_reward_card_says_that_it_is_an_ensemble(fake_run: Path) -> None:
    trust = read_run_folder(fake_run).trusts[1].figures
    ensemble = EnsembleFigures(members=4, shifts=(0.0,) * 4, reference_spread=0.2, validation=None)
    assert "ensemble.safetensors" not in _reward_card(trust)
    card = _reward_card(trust.model_copy(update={"ensemble": ensemble}))
    assert "the mean of 4 linear heads on one model" in card
