"""A reward model as a scorer of texts: the numbers that it gave in training."""

from pathlib import Path

import numpy as np
import pytest

from prefloop.errors import InputError
from prefloop.figures.provenance import LabelsRecord, Provenance
from prefloop.figures.record import to_json
from prefloop.models.export import save_reward_model
from prefloop.models.loading import Tokenizer, load_tokenizer
from prefloop.models.query_encoder import QueryEncoder
from prefloop.rewards.model import RewardModel
from prefloop.rewards.scorer import RewardModelScorer, RunningRewardModelScorer, labels_source
from prefloop.run_file import as_yaml, parse_run
from prefloop.scorers.build import CheckedScorer, build_scorer
from tests.models_for_tests import save_llama
from tests.stages_for_tests import Adapter, disturb, roles_on, task_of
from tests.tokenizers_for_tests import save_sentencepiece
from tests.tolerances import RELOADED

PROMPTS = ["He was sad", "The sun", "She laughed"]
RESPONSES = [" and cold.", " was warm and the garden was full.", "."]


def trained(folder: Path, adapter: Adapter = "lora") -> tuple[RewardModel, Tokenizer]:
    """Return a reward model that differs from its base, with a shift."""
    tokenizer, roles = roles_on(folder, adapter=adapter)
    model = RewardModel(roles, pad_id=tokenizer.pad_id, seed=1)
    disturb(roles.reward)
    model.head.rescale(2.0, [-0.75])
    return model, tokenizer


def in_training(model: RewardModel, tokenizer: Tokenizer) -> np.ndarray:
    pairs = zip(PROMPTS, RESPONSES, strict=True)
    return model.score([tokenizer.encode(p) + tokenizer.encode(r) for p, r in pairs]).numpy()


def saved(source: Path, folder: Path, adapter: Adapter = "lora") -> tuple[RewardModel, Tokenizer]:
    model, tokenizer = trained(source, adapter)
    save_reward_model(folder, model.roles, model.head, tokenizer)
    return model, tokenizer


def scorer(folder: Path, **settings: int) -> CheckedScorer:
    entry = {"kind": "reward_model", "folder": str(folder), **settings}
    return build_scorer("old", {"old": entry})


@pytest.mark.parametrize("adapter", ["lora", "none"])
def test_a_saved_reward_model_scores_as_in_training(
    model_folder: Path, tmp_path: Path, adapter: Adapter
) -> None:
    model, tokenizer = saved(model_folder, tmp_path / "r", adapter)
    expected = in_training(model, tokenizer)
    for batch_size in (1, 32):
        found = scorer(tmp_path / "r", batch_size=batch_size).score(PROMPTS, RESPONSES)
        np.testing.assert_allclose(found, expected, **RELOADED)
        assert np.abs(found - expected + 0.75).min() > 0.1, "the shift is part of the score"


def test_other_weights_are_another_fingerprint(model_folder: Path, tmp_path: Path) -> None:
    saved(model_folder, tmp_path / "a")
    first = scorer(tmp_path / "a").fingerprint
    model, tokenizer = trained(model_folder)
    disturb(model.roles.reward)
    save_reward_model(tmp_path / "a", model.roles, model.head, tokenizer)
    assert scorer(tmp_path / "a").fingerprint != first


def test_what_it_learned_from_is_its_source(model_folder: Path, tmp_path: Path) -> None:
    """The reward model of a run is no independent judge of what its labelers' scorers label."""
    labels = {"synthetic": {"scorers": {"imagery": 1.0}}}
    run = parse_run({"comparisons": labels, "evaluation": {"judges": ["length"]}}, "run.yaml")
    folder = tmp_path / "rewards" / "round-0"
    (tmp_path / "run.resolved.yaml").write_text(as_yaml(run))
    saved(model_folder, folder)
    assert scorer(folder).sources == {str(folder), labels_source(tmp_path), "concrete nouns"}
    raw = {
        "scorers": {"old": {"kind": "reward_model", "folder": str(folder)}},
        "comparisons": labels,
        "evaluation": {"judges": ["old"]},
    }
    with pytest.raises(Exception, match=r"'old' is no independent judge.*concrete nouns"):
        parse_run(raw, "run.yaml")


def test_what_imported_labels_rest_on_is_a_source_of_what_learned_from_them(
    tmp_path: Path,
) -> None:
    """`comparisons.labelers: none` names nobody; the record of the model does."""
    folder = tmp_path / "rewards" / "round-0"
    folder.mkdir(parents=True)
    run = parse_run({"comparisons": {"labelers": "none"}}, "run.yaml")
    labels = LabelsRecord(
        train=1,
        validation=0,
        labelers=(),
        samples_shown={},
        ledger_events=1,
        ledger_hash="",
        sources=("gpt-4o",),
    )
    made = Provenance(
        artifact="rewards/round-0",
        settings=run.model_dump(),
        versions={},
        labels=labels,
        parents=(),
    )
    (folder / "provenance.json").write_text(to_json(made))
    sources = RewardModelScorer.sources(RewardModelScorer.Settings(folder=str(folder)))
    assert sources == {str(folder), labels_source(tmp_path), "gpt-4o"}


def test_a_reward_model_outside_a_run_is_its_own_source(tmp_path: Path) -> None:
    settings = RewardModelScorer.Settings(folder=str(tmp_path / "a" / "b"))
    assert RewardModelScorer.sources(settings) == {str(tmp_path / "a" / "b")}
    assert RewardModelScorer.sources(RewardModelScorer.Settings(folder="/top")) == {"/top"}


def test_another_model_is_refused(gpt2_folder: Path, tmp_path: Path) -> None:
    model, tokenizer = trained(gpt2_folder)
    folder = tmp_path / "r"
    save_reward_model(folder, model.roles, model.head, tokenizer)
    config = (folder / "config.json").read_text().replace('"reward_shift"', '"another"')
    (folder / "config.json").write_text(config)
    with pytest.raises(InputError, match=r"is no reward model of prefloop.*kind: hf_classifier"):
        scorer(folder)


def test_a_text_that_is_too_long_is_told(gpt2_folder: Path, tmp_path: Path) -> None:
    saved(gpt2_folder, tmp_path / "r")
    with pytest.raises(InputError, match=r"tokens cannot be scored: the model takes 1 to 128"):
        scorer(tmp_path / "r").score(["never mind how long " * 100], ["."])


@pytest.mark.parametrize("begins", [True, False])
def test_with_a_beginning_of_text_too_it_scores_as_in_training(
    tmp_path: Path, begins: bool
) -> None:
    base, folder = tmp_path / "base", tmp_path / "r"
    save_llama(base, tokenizer=save_sentencepiece(base, adds_bos=True))
    model, _ = trained(base)
    tokenizer = load_tokenizer(base, beginning_of_text=begins)
    save_reward_model(folder, model.roles, model.head, tokenizer)
    queries = QueryEncoder(tokenizer, task_of())
    sequences = [
        queries.reward_query(p) + tokenizer.encode_after(r)
        for p, r in zip(PROMPTS, RESPONSES, strict=True)
    ]
    assert all((ids[0] == tokenizer.hf_tokenizer.bos_token_id) is begins for ids in sequences)
    found = scorer(folder).score(PROMPTS, RESPONSES)
    np.testing.assert_allclose(found, model.score(sequences).numpy(), **RELOADED)


def test_a_text_fits_up_to_the_context_of_the_model(gpt2_folder: Path, tmp_path: Path) -> None:
    saved(gpt2_folder, tmp_path / "r")
    checked = scorer(tmp_path / "r")
    assert isinstance(checked.scorer, RewardModelScorer)
    fits, text = checked.scorer.fits, " cold" * 5
    while fits("He", text):
        checked.score(["He"], [text])
        text += " cold" * 40
    with pytest.raises(InputError, match="cannot be scored"):
        checked.score(["He"], [text])


def test_the_model_in_memory_scores_and_fits_as_the_saved_one(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    model, tokenizer = saved(gpt2_folder, tmp_path / "r")
    running = RunningRewardModelScorer(model, QueryEncoder(tokenizer, task_of()), tmp_path / "r")
    checked = CheckedScorer("rewards/round-0", running)
    from_folder = scorer(tmp_path / "r")
    expected = from_folder.score(PROMPTS, RESPONSES)
    np.testing.assert_allclose(checked.score(PROMPTS, RESPONSES), expected, **RELOADED)
    assert isinstance(from_folder.scorer, RewardModelScorer)
    texts = [" cold" * n for n in range(1, 200, 3)]
    fits = [running.fits("He", text) for text in texts]
    assert fits == [from_folder.scorer.fits("He", text) for text in texts]
    assert True in fits and False in fits
    assert checked.sources == from_folder.sources
