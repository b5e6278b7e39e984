"""`samples try` and `rewards score`: a run's models on texts of one's own."""

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForSequenceClassification

from prefloop.files import write_folder
from prefloop.models.export import save_policy, save_reward_model, save_weights
from prefloop.models.heads import ScoreHead
from prefloop.models.loading import load_tokenizer
from prefloop.models.runtime import CPU
from tests.e2e.command import Command
from tests.e2e.small_run import make_run
from tests.stages_for_tests import disturb, roles_on

TEXTS = [{"prompt": "He was", "response": " glad."}, {"prompt": "He was", "response": " sad."}]


@pytest.fixture
def run(gpt2_folder: Path, tmp_path: Path) -> Path:
    """A run that has not begun."""
    return make_run(tmp_path / "run", gpt2_folder)


@pytest.fixture
def trained(run: Path, gpt2_folder: Path) -> Path:
    """The run with two updates, the export of a round, and a reward model."""
    tokenizer, roles = roles_on(gpt2_folder)
    disturb(roles.policy, scale=0.3)
    write_folder(run / "policy/update-2", lambda place: save_weights(place, roles, None))
    write_folder(run / "policy/round-0", lambda place: save_policy(place, roles, None, tokenizer))
    disturb(roles.policy, scale=0.3)
    write_folder(run / "policy/update-12", lambda place: save_weights(place, roles, None))
    disturb(roles.reward, scale=0.3)
    head = ScoreHead(roles.reward.width, seed=1, runtime=CPU)
    write_folder(
        run / "rewards/round-0", lambda place: save_reward_model(place, roles, head, tokenizer)
    )
    return run


def test_reference_and_policy_side_by_side(prefloop: Command, trained: Path) -> None:
    told = prefloop.done("samples", "try", trained, "He was cold", "-n", 4, "--json").json()
    assert (told["prompt"], told["model"]) == ("He was cold", "policy/update-12")
    assert len(told["reference_responses"]) == len(told["responses"]) == 4
    assert told["responses"] != told["reference_responses"]
    assert len(set(told["responses"])) > 1
    again = prefloop.done("samples", "try", trained, "He was cold", "-n", 4, "--json").json()
    assert again == told
    other = prefloop.done("samples", "try", trained, "He was cold", "--seed", 1, "--json").json()
    assert other["responses"][:3] != told["responses"][:3]
    assert other["reference_responses"][:3] != told["reference_responses"][:3]
    shown = prefloop.done("samples", "try", trained, "He was cold").out
    assert "He was cold" in shown and "update 12" in shown


def test_any_policy_that_is_kept_can_be_tried(prefloop: Command, trained: Path) -> None:
    found = {
        name: prefloop.done("samples", "try", trained, "It was", "--model", name, "--json").json()
        for name in ("policy/update-2", "policy/round-0", "policy/update-12")
    }
    # A round's policy is the update that it ended with.
    assert found["policy/round-0"]["responses"] == found["policy/update-2"]["responses"]
    assert found["policy/round-0"]["responses"] != found["policy/update-12"]["responses"]
    assert len({tuple(told["reference_responses"]) for told in found.values()}) == 1


def test_what_cannot_be_tried_is_told(prefloop: Command, run: Path) -> None:
    assert "has no policy yet" in prefloop.refused("samples", "try", run, "He was")


def test_prompts_and_names_that_are_wrong_are_told(prefloop: Command, trained: Path) -> None:
    for prompt in ("", "  \n"):
        assert "nothing to read" in prefloop.refused("samples", "try", trained, prompt)
    told = prefloop.refused("samples", "try", trained, "He", "--model", "policy/update-3")
    assert "there are policy/round-0, policy/update-2, policy/update-12" in told
    outcome = prefloop.done("samples", "try", trained, "He was cold. " * 40, "-n", 1)
    assert "is cut to 60 tokens" in outcome.err
    (trained / "policy/update-12/lora_weights.safetensors").write_bytes(b"")
    told = prefloop.done("samples", "try", trained, "He", "--json").json()
    assert told["model"] == "policy/update-2", "a damaged one is no policy"


def test_texts_are_scored_by_the_newest_reward_model(
    prefloop: Command, trained: Path, tmp_path: Path
) -> None:
    file = tmp_path / "texts.jsonl"
    file.write_text("\n".join(map(json.dumps, TEXTS)))
    told = prefloop.done("rewards", "score", trained, file, "--json").json()
    assert told["scorer"] == "rewards/round-0"
    model = AutoModelForSequenceClassification.from_pretrained(trained / "rewards/round-0")
    tokenizer = load_tokenizer(trained / "rewards/round-0")
    for row, text in zip(told["rows"], TEXTS, strict=True):
        ids = tokenizer.encode(text["prompt"]) + tokenizer.encode(text["response"])
        with torch.no_grad():
            logit = model(torch.tensor([ids])).logits.item()
        assert row["score"] == pytest.approx(logit + model.config.reward_shift, abs=1e-4)
    out = tmp_path / "scores.jsonl"
    assert "mean" in prefloop.done("rewards", "score", trained, file, "--out", out).out
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert rows == told["rows"]
    assert "--force" in prefloop.refused("rewards", "score", trained, file, "--out", out)
    prefloop.done("rewards", "score", trained, file, "--out", out, "--force")


def test_texts_are_scored_by_any_scorer(prefloop: Command, run: Path, tmp_path: Path) -> None:
    file = tmp_path / "texts.csv"
    file.write_text('prompt,response\nHe was," glad."\nHe was," very, very sad."\n')
    told = prefloop.done("rewards", "score", run, file, "--scorer", "length", "--json").json()
    short, long = (row["score"] for row in told["rows"])
    assert (told["scorer"], short < long) == ("length", True)
    assert (
        " very, very sad." in prefloop.done("rewards", "score", run, file, "--scorer", "length").out
    )
    known = prefloop.done("rewards", "score", run, file, "--json", "--scorer", "sentiment").json()
    assert len(known["rows"]) == 2


def test_what_cannot_be_scored_is_told(prefloop: Command, run: Path, tmp_path: Path) -> None:
    file = tmp_path / "texts.jsonl"
    file.write_text('{"prompt": "He was"}\n' * 3)
    told = prefloop.refused("rewards", "score", run, file, "--scorer", "length")
    assert "has 3 problems; nothing was scored" in told and "response is missing" in told
    file.write_text(json.dumps(TEXTS[0]))
    assert "has no reward model yet" in prefloop.refused("rewards", "score", run, file)
    told = prefloop.refused("rewards", "score", run, file, "--scorer", "lenght")
    assert "did you mean 'length'" in told
    assert "cannot be read" in prefloop.refused("rewards", "score", run, tmp_path / "none.jsonl")
