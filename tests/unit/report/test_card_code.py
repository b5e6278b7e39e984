"""The code on a card runs as printed, in a process that knows transformers alone."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from huggingface_hub import ModelCard
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    GenerationConfig,
)

from prefloop.figures.best_of_n import BestOfNPolicy
from prefloop.functional.best_of_n import best_of_n_kl
from prefloop.functional.logprobs import ban_tokens
from prefloop.models.export import save_policy, save_reward_model
from prefloop.models.heads import ScoreHead
from prefloop.models.hub_names import hub_name
from prefloop.models.identity import identity_of
from prefloop.models.loading import load_causal, load_tokenizer
from prefloop.models.roles import ModelRoles
from prefloop.models.runtime import CPU
from prefloop.report.cards import _reward_input, _stop_id
from prefloop.report.made import Made
from prefloop.report.model_card import policy_card, reward_card
from prefloop.run_folder import RunFigures
from prefloop.samples.generation_config import generation_config
from prefloop.samples.sampler import Sampler
from prefloop.settings.models import ModelsConfig
from prefloop.settings.run import RunConfig
from prefloop.settings.samples import StopMatch
from tests.models_for_tests import save_gpt2, save_llama
from tests.stages_for_tests import disturb
from tests.tokenizers_for_tests import save_chat, save_sentencepiece
from tests.tolerances import MODEL, RELOADED
from tests.unit.report.fake_run import fake_config
from tests.unit.samples.test_stop_text import sampler_of, save_with_pairs

NOTHING = RunFigures(name="run", metrics=(), evaluations=(), trusts=())
SHORT = {"name": "custom", "response_tokens": 6, "temperature": 0.8}
ALONE = """
import contextlib, io, json, os, sys
import torch
printed = []
for folder, code in json.load(sys.stdin):
    os.chdir(folder)
    torch.manual_seed(1)
    out, names = io.StringIO(), {}
    with contextlib.redirect_stdout(out):
        exec(code, names)
    inputs = names.get("inputs")
    drawn = [] if inputs is None else names["ids"][0, inputs.input_ids.shape[1] :].tolist()
    printed.append([out.getvalue(), drawn])
assert not any(name.startswith("prefloop") for name in sys.modules)
json.dump(printed, sys.stdout)
"""
"""Runs pieces of code, each in its folder; prints what they print and which tokens they drew."""

OPENED = """
from transformers import AutoTokenizer
tokenizer = AutoTokenizer.from_pretrained(".")
response = {ids}
"""


class Case(NamedTuple):
    """A kind of model and a task."""

    save: Callable[[Path], Any]
    task: dict[str, Any]
    response: str = " She sang."


def bos(folder: Path) -> None:
    save_llama(folder, tokenizer=save_sentencepiece(folder, adds_bos=True))


def chat(folder: Path) -> None:
    save_llama(folder, tokenizer=save_chat(folder))


CASES = {
    "gpt2": Case(save_gpt2, {"stop": ".", "stop_min": 2, "prefix": "Q: ", "suffix": '\n"A":'}),
    "end of text": Case(save_gpt2, {"stop": "end_of_text"}),
    "sentencepiece": Case(bos, {}),
    "chat": Case(chat, {"chat": {"system": 'Say "é".'}, "prefix": "So: "}, "It was."),
}


class Saved(NamedTuple):
    """A policy and a reward model as a run saves them."""

    config: RunConfig
    sampler: Sampler
    folder: Path
    score: float
    """Of the texts on the reward card, in training."""


def saved(case: Case, folder: Path) -> Saved:
    base = folder / "base"
    case.save(base)
    GenerationConfig(do_sample=True, top_p=0.6, top_k=5, repetition_penalty=1.3).save_pretrained(
        base
    )
    config = fake_config(task={**SHORT, **case.task}, models={"name": str(base)})
    tokenizer = load_tokenizer(base)
    causal = load_causal(base, tokenizer, runtime=CPU)
    roles = ModelRoles(causal, ModelsConfig(lora_rank=2), seed=1)
    for role_model in (roles.policy, roles.reward):
        disturb(role_model)
    vocabulary = roles.reference.vocabulary
    sampler = Sampler(
        tokenizer, config.task, config.samples, vocabulary=vocabulary, device=CPU.device
    )
    head = ScoreHead(roles.reward.width, seed=1, runtime=CPU)
    head.rescale(1.5, [-0.4])
    save_policy(folder / "policy", roles, None, tokenizer, generation_config(sampler))
    save_reward_model(folder / "reward", roles, head, tokenizer, sampler.queries)
    ids = torch.tensor([sampler.queries.reward_text("The sun was warm.", case.response)])
    with torch.no_grad():
        hidden = roles.reward.hidden(ids, torch.ones_like(ids).bool())
        score = head.scores(hidden[:, -1]).item()
    return Saved(config, sampler, folder, score)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Saved]:
    """The cases, saved."""
    return {
        name: saved(case, tmp_path_factory.mktemp(name.replace(" ", "-")))
        for name, case in CASES.items()
    }


def card_of(run: Saved, kind: str) -> str:
    made = Made(config=run.config, labels=None)
    if kind == "policy":
        stop_id = _stop_id(run.config, run.sampler.tokenizer)
        return policy_card(name="p", made=made, run=NOTHING, figures=None, stop_id=stop_id)
    read = _reward_input(run.folder / "reward")
    return reward_card(name="r", made=made, trust=None, reward_input=read)


def alone(pieces: list[tuple[str, str]]) -> list[tuple[str, list[int]]]:
    """Run pieces of code in a process of their own."""
    done = subprocess.run(
        [sys.executable, "-c", ALONE], input=json.dumps(pieces), text=True, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    return [(text, drawn) for text, drawn in json.loads(done.stdout)]


def test_as_printed_it_samples_and_scores_as_in_training(runs: dict[str, Saved]) -> None:
    pieces = [
        (str(run.folder / kind), card_of(run, kind).split("```python\n")[1].split("```")[0])
        for run in runs.values()
        for kind in ("policy", "reward")
    ]
    printed = alone(pieces)
    scores = [float(text) for text, _ in printed[1::2]]
    np.testing.assert_allclose(scores, [run.score for run in runs.values()], **RELOADED)
    assert len({round(score, 2) for score in scores}) == len(scores)
    for run, (text, drawn) in zip(runs.values(), printed[::2], strict=True):
        # SentencePiece's decoder takes the first space away. Random weights could also draw NUL,
        # which a response is kept without: the seed is one that does not.
        assert drawn and text.lstrip(" ") == run.sampler.text_of(drawn).lstrip(" ") + "\n"


@pytest.mark.parametrize("stop", [".", "day long"])
def test_as_printed_it_cuts_a_response_as_in_training(stop: str, tmp_path: Path) -> None:
    save_with_pairs(tmp_path)
    tokenizer = load_tokenizer(tmp_path)
    matches: tuple[StopMatch, ...] = ("token", "text")
    texts = ('. He was sad." She sang. He', "He sat all day long... and on", "He sang")
    pieces, expected = [], []
    for match in matches:
        sampler = sampler_of(tokenizer, stop=stop, match=match, stop_min=1)
        config = fake_config(task=sampler.task.model_dump(), samples={"stop_match": match})
        stop_id = _stop_id(config, tokenizer)
        assert (stop_id is None) == (match == "text" or stop == "day long")
        made = Made(config=config, labels=None)
        card = policy_card(name="p", made=made, run=NOTHING, figures=None, stop_id=stop_id)
        cutting = card.split(".tolist()\n")[1].split("```")[0]
        for ids in map(tokenizer.encode, texts):
            pieces.append((str(tmp_path), OPENED.format(ids=ids) + cutting))
            expected.append(sampler.text_of(ids) + "\n")
    assert [text for text, _ in alone(pieces)] == expected
    assert len(set(expected)) > 2


def test_a_card_says_where_generate_draws_no_end_and_training_did() -> None:
    for earliest in (0, 3):
        task = {**SHORT, "stop": "end_of_text", "stop_min": earliest}
        made = Made(config=fake_config(task=task), labels=None)
        card = policy_card(name="p", made=made, run=NOTHING, figures=None)
        assert ("before token 3 could be drawn" in card) == (earliest == 3)


@pytest.mark.parametrize("name", CASES)
@torch.no_grad()
def test_a_saved_policy_draws_from_the_distribution_of_training(
    runs: dict[str, Saved], name: str
) -> None:
    run = runs[name]
    model = AutoModelForCausalLM.from_pretrained(run.folder / "policy")
    ids = torch.tensor([run.sampler.queries.policy_query("The sun was warm.")])
    drawn = model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        output_scores=True,
        return_dict_in_generate=True,
    )
    logits = ban_tokens(model(ids).logits[:, -1], run.sampler.banned) / 0.8
    found = drawn.scores[0]
    is_banned = run.sampler.banned
    assert torch.isinf(found[0, is_banned]).all() and is_banned.any()
    torch.testing.assert_close(found[:, ~is_banned], logits[:, ~is_banned], **MODEL)
    response = drawn.sequences[0, ids.shape[1] :].tolist()
    ends = set(run.sampler.queries.end_ids)
    assert len(response) == 6 or response[-1] in ends
    assert bool(ends) is (model.generation_config.eos_token_id is not None)


def test_a_saved_tokenizer_begins_a_text_as_the_run_did(runs: dict[str, Saved]) -> None:
    for name in ("gpt2", "sentencepiece"):
        run = runs[name]
        saved_tokenizer = AutoTokenizer.from_pretrained(run.folder / "reward")
        assert saved_tokenizer("He was")["input_ids"] == run.sampler.queries.reward_query("He was")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("smollm2", "HuggingFaceTB/SmolLM2-135M-Instruct"),
        ("gpt2-large", "gpt2-large"),
        ("openai-community/gpt2", "openai-community/gpt2"),
        ("builtin:tiny", None),
        ("./model", None),
        ("/models/mine", None),
        ("tests", None),
        ("a/b/c", None),
    ],
)
def test_the_base_of_a_card_is_a_name_on_the_hub_or_left_out(
    name: str, expected: str | None, runs: dict[str, Saved]
) -> None:
    assert hub_name(name) == expected
    config = fake_config(models={"name": name})
    made = Made(config=config, labels=None)
    card = policy_card(name="p", made=made, run=NOTHING, figures=None)
    assert ModelCard(card).data.to_dict().get("base_model") == expected


def best_of_n_code(run: Saved, n: int) -> tuple[str, str]:
    """Return a folder of a policy that is best of n, and the code that draws from it alone."""
    task, samples = run.config.task, run.config.samples
    place = run.folder / "chosen" / f"round-{n}"
    generation_config(run.sampler).save_pretrained(place)
    chosen = BestOfNPolicy(
        n=n,
        kl_at_most=best_of_n_kl(n),
        reward="reward",
        reward_fingerprint="abc",
        base=run.config.models.name,
        base_weights=identity_of(run.folder / "base").weights,
        temperature=task.temperature,
        response_tokens=task.response_tokens,
        stop=task.stop,
        stop_min=task.stop_min,
        stop_match=samples.stop_match,
        missing_stop_score=task.missing_stop_score,
    )
    made = Made(config=run.config, labels=None, rounds=1)
    stop_id = _stop_id(run.config, run.sampler.tokenizer)
    card = policy_card(
        name="p", made=made, run=NOTHING, figures=None, stop_id=stop_id, chosen=chosen
    )
    assert "It is not a plain causal language model" in card and chosen.base_weights in card
    return str(place), card.split("```python\n")[2].split("```")[0] + "print([best, best_score])\n"


def unstopped(run: Saved) -> Saved:
    """Return the same with a task in which every response counts as ended."""
    task = {**run.config.task.model_dump(), "stop": None}
    config = fake_config(task=task, models={"name": run.config.models.name})
    tokenizer, vocabulary = run.sampler.tokenizer, len(run.sampler.banned)
    sampler = Sampler(
        tokenizer, config.task, config.samples, vocabulary=vocabulary, device=CPU.device
    )
    return run._replace(config=config, sampler=sampler)


@pytest.mark.parametrize("has_stop", [True, False])
def test_as_printed_best_of_n_draws_cuts_scores_and_chooses_as_in_the_run(
    runs: dict[str, Saved], has_stop: bool
) -> None:
    asked = [run if has_stop else unstopped(run) for run in runs.values()]
    printed = alone([best_of_n_code(run, n) for run in asked for n in (1, 8)])
    gains: list[float] = []
    for number, run in enumerate(asked):
        found = [json.loads(text.splitlines()[-1]) for text, _ in printed[2 * number :][:2]]
        assert found[1][1] >= found[0][1], "of eight, the first of which is the only one of one"
        gains.append(found[1][1] - found[0][1])
        scorer = AutoModelForSequenceClassification.from_pretrained(run.folder / "reward").eval()
        for best, best_score in found:
            assert run.sampler.stop_rule.cut(best) == best
            ids = torch.tensor([run.sampler.reward_ids("Your prompt.", best)])
            is_ended = bool(run.sampler.stop_rule.apply(torch.tensor([best])).is_ended)
            with torch.no_grad():
                score = scorer(ids).logits.item() + scorer.config.reward_shift
            expected = score if is_ended else run.config.task.missing_stop_score
            np.testing.assert_allclose(best_score, expected, **RELOADED)
    assert sum(gain > 0 for gain in gains) >= (1 if has_stop else len(gains) - 1)
