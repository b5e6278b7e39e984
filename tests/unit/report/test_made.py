"""Report and cards say what was made, whatever the run file says by now."""

import shutil
from pathlib import Path

import pytest

from prefloop.figures.provenance import (
    PROVENANCE,
    EarlierSettings,
    LabelersRecord,
    LabelsRecord,
    Provenance,
)
from prefloop.figures.record import to_json
from prefloop.report.build import build_report
from prefloop.report.cards import write_cards
from prefloop.run_folder import export_folder, read_provenance
from prefloop.settings.run import RunConfig
from prefloop.store.store import Store
from tests.unit.report.fake_run import fake_config

TODAY = fake_config(
    policy={"episodes": 8192, "kl": {"control": "fixed", "coef": 0.9}},
    models={"name": "model-of-today", "adapter": "none"},
    samples={"per_prompt": 8},
    comparisons={"labels": 98765},
)
LABELS = LabelsRecord(
    train=21,
    validation=4,
    labelers=(LabelersRecord(kind="person", labelers=3, labels=25),),
    samples_shown={"2": 1, "3": 20},
    ledger_events=30,
    ledger_hash="f" * 64,
)


def record(
    artifact: str, config: RunConfig, *, updates: int | None = None, episodes: int | None = None
) -> Provenance:
    """Return the record of an artifact that was made with these settings."""
    settings = config.model_dump()
    return Provenance(
        artifact=artifact,
        settings=settings,
        versions={},
        labels=LABELS,
        parents=(),
        updates=updates,
        episodes=episodes,
    )


@pytest.fixture(scope="module")
def run(fake_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose last policy and reward model say what they were made with."""
    folder = Path(shutil.copytree(fake_run, tmp_path_factory.mktemp("made") / "run"))
    policy = export_folder(folder, 1)
    policy.mkdir(parents=True)
    made = record("policy/round-1", fake_config(), updates=62, episodes=3968)
    before = EarlierSettings(until_update=32, settings={"policy.lr": 0.5})
    made = made.model_copy(update={"earlier": (before,)})
    (policy / PROVENANCE).write_text(to_json(made))
    made = record("rewards/round-1", fake_config())
    (folder / "rewards/round-1" / PROVENANCE).write_text(to_json(made))
    with Store.open(folder / "prefloop.db") as store:
        write_cards(folder, store, TODAY)
        build_report(folder, store, TODAY)
    return folder


def test_cards_say_with_what_their_models_were_made(run: Path) -> None:
    policy, reward = (
        (run / stage / "round-1" / "README.md").read_text() for stage in ("policy", "rewards")
    )
    for card in (policy, reward):
        assert "25 labels by 3 people: 21 taught (best of 2 to 3), 4 only measured" in card
        assert "model-of-today" not in card and "SmolLM2-135M-Instruct" in card
    assert "| Training | PPO, 3,968 episodes, 2 rounds |" in policy
    assert "| Up to update 32 | policy.lr 0.5 |" in policy


def test_the_report_shows_the_settings_of_the_newest_model(run: Path) -> None:
    page = (run / "report/index.html").read_text().replace("\u202f", " ")
    assert "4,096 episodes of PPO, steered to a KL of 6 nats" in page
    assert "model-of-today" not in page and "98765" not in page
    assert "best of 4" in page, "as the store knows it"
    assert "per_prompt: 4" in page


def test_what_a_report_was_made_from_lies_beside_it(run: Path) -> None:
    made = read_provenance(run / "report")
    assert made is not None and made.labels is not None
    assert {"rewards/round-1/trust.json", "evaluation/policy/update-64.json"} <= {
        parent.name for parent in made.parents
    }
    assert all(len(parent.sha256) == 64 for parent in made.parents)
    with Store.open(run / "prefloop.db", read_only=True) as store:
        head = store.events()[-1]
    assert (made.labels.ledger_events, made.labels.ledger_hash) == (head.sequence, head.hash)
