"""Classifiers that transformers wrote, as scorers: the same numbers as transformers alone gives."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    BertForSequenceClassification,
    GPT2Config,
    GPT2ForSequenceClassification,
)

from prefloop.errors import InputError, SettingsError
from prefloop.run_file import as_yaml, parse_run
from prefloop.scorers.build import CheckedScorer, build_scorer
from tests.models_for_tests import save_tokenizer
from tests.tolerances import FP64, MODEL

PROMPTS = ["He was sad and", "She laughed", "He was sad and", "The rain"]
RESPONSES = [" cold.", " and sang all day long, and nobody came.", " happy.", ""]
LABELS = {0: "negative", 1: "neutral", 2: "positive"}


def save_bert(folder: Path, n_labels: int = 3, **more: Any) -> Path:
    """Save a BERT with padding, as most classifiers have it."""
    tokenizer = save_tokenizer(folder, pad_token="[PAD]")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=32,
        initializer_range=0.3,
        pad_token_id=tokenizer.pad_token_id,
        num_labels=n_labels,
        **({"id2label": LABELS} if n_labels == 3 else {}),
        **more,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


def save_gpt2_classifier(folder: Path, n_labels: int) -> Path:
    """Save a decoder without a padding token."""
    tokenizer = save_tokenizer(folder)
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=64,
        n_embd=32,
        n_layer=2,
        n_head=2,
        num_labels=n_labels,
        initializer_range=0.3,
    )
    GPT2ForSequenceClassification(config).save_pretrained(folder)
    return folder


def scorer(folder: Path, **settings: Any) -> CheckedScorer:
    entry = {"kind": "hf_classifier", "folder": str(folder), **settings}
    return build_scorer("mine", {"mine": entry})


@torch.no_grad()
def logits_one_by_one(folder: Path, texts: list[str]) -> np.ndarray[Any, Any]:
    """Return what transformers gives for each text alone."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    rows = [model(**tokenizer(text, return_tensors="pt")).logits[0].numpy() for text in texts]
    return np.array(rows, dtype=np.float64)


TEXTS = [prompt + response for prompt, response in zip(PROMPTS, RESPONSES, strict=True)]


@pytest.mark.parametrize("batch_size", [1, 2, 32])
@pytest.mark.parametrize("save", [save_bert, save_gpt2_classifier], ids=["bert", "gpt2"])
def test_one_label_is_its_logit(tmp_path: Path, save: Any, batch_size: int) -> None:
    folder = save(tmp_path, 1)
    expected = logits_one_by_one(folder, TEXTS)[:, 0]
    assert np.ptp(expected) > 0.1
    found = scorer(folder, batch_size=batch_size).score(PROMPTS, RESPONSES)
    np.testing.assert_allclose(found, expected, **MODEL)


@pytest.mark.parametrize("label", ["positive", 2])
def test_of_several_labels_the_chosen_ones_log_odds(tmp_path: Path, label: str | int) -> None:
    folder = save_bert(tmp_path)
    logits = logits_one_by_one(folder, TEXTS)
    p = np.exp(logits[:, 2]) / np.exp(logits).sum(axis=1)
    found = scorer(folder, label=label).score(PROMPTS, RESPONSES)
    np.testing.assert_allclose(found, np.log(p / (1 - p)), **MODEL)


def test_a_label_beside_others_is_its_own_logit(tmp_path: Path) -> None:
    """With several labels at once each has its own probability, sigmoid(logit)."""
    folder = save_bert(tmp_path, problem_type="multi_label_classification")
    expected = logits_one_by_one(folder, TEXTS)[:, 0]
    found = scorer(folder, label="negative").score(PROMPTS, RESPONSES)
    np.testing.assert_allclose(found, expected, **MODEL)


def test_the_template_says_what_is_read(tmp_path: Path) -> None:
    folder = save_bert(tmp_path, 1)
    found = scorer(folder, template="{response}").score(PROMPTS, ["cold."] * 4)
    np.testing.assert_allclose(found, found[0], **FP64)
    with pytest.raises(SettingsError, match=r"mine\.template: the template lacks \{response\}"):
        scorer(folder, template="{prompt}")


def test_a_text_that_is_too_long_keeps_its_end(tmp_path: Path) -> None:
    folder = save_bert(tmp_path, 1)
    long = "never mind how long precisely " * 20
    checked = scorer(folder)
    assert checked.score([long], [" cold."])[0] != checked.score([long], [" happy."])[0]


def test_nothing_to_score(tmp_path: Path) -> None:
    assert scorer(save_bert(tmp_path, 1)).score([], []).shape == (0,)


@pytest.mark.parametrize(
    ("label", "told"),
    [
        (None, r"has 3 labels \(negative, neutral, positive\); say in label which"),
        ("postive", r"has no label 'postive'; did you mean 'positive'"),
        (7, "has no label 7"),
    ],
)
def test_a_label_that_is_missing_or_unknown_is_told(tmp_path: Path, label: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        scorer(save_bert(tmp_path), label=label)


def test_a_language_model_is_no_classifier(gpt2_folder: Path) -> None:
    """transformers would give it a head of random weights."""
    with pytest.raises(InputError, match=r"(?s)is no sequence classifier: .*score\.weight"):
        scorer(gpt2_folder)


def test_a_folder_that_is_not_there_is_told_when_the_scorer_is_made(tmp_path: Path) -> None:
    entry = {"kind": "hf_classifier", "folder": str(tmp_path / "gone")}
    run = parse_run({"scorers": {"mine": entry}, "policy": {"reward": "mine"}}, "run.yaml")
    with pytest.raises(InputError, match="there is no such folder"):
        build_scorer("mine", run.scorers)


def test_changed_weights_are_another_fingerprint(tmp_path: Path) -> None:
    folder = save_bert(tmp_path, 1)
    before = scorer(folder).fingerprint
    assert scorer(folder).fingerprint == before
    weights = folder / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    assert scorer(folder).fingerprint != before
    assert scorer(folder, batch_size=7).sources == {str(folder)}


def test_a_reward_model_that_is_loaded_as_a_classifier_rests_on_its_labels(tmp_path: Path) -> None:
    labels = {"synthetic": {"scorers": {"imagery": 1.0}}}
    run = parse_run({"comparisons": labels, "evaluation": {"judges": ["length"]}}, "run.yaml")
    (tmp_path / "run.resolved.yaml").write_text(as_yaml(run))
    folder = save_gpt2_classifier(tmp_path / "rewards" / "round-0", 1)
    raw = {
        "scorers": {"old": {"kind": "hf_classifier", "folder": str(folder)}},
        "comparisons": labels,
        "evaluation": {"judges": ["old"]},
    }
    with pytest.raises(SettingsError, match=r"'old' is no independent judge.*concrete nouns"):
        parse_run(raw, "run.yaml")


def test_one_folder_under_two_names_is_one_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "clf").mkdir()
    monkeypatch.chdir(tmp_path)
    scorers = {
        name: {"kind": "hf_classifier", "folder": folder}
        for name, folder in {"a": "clf", "b": "./clf/"}.items()
    }
    raw = {"scorers": scorers, "policy": {"reward": "a"}, "evaluation": {"judges": ["b"]}}
    with pytest.raises(SettingsError, match="'b' is no independent judge"):
        parse_run(raw, "run.yaml")
