"""A stop is found in the text, whatever tokens spell it; or it is the end-of-text token."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import AddedToken

from prefloop.errors import InputError
from prefloop.functional.truncation import stop_index
from prefloop.models.loading import Tokenizer, load_tokenizer
from prefloop.models.runtime import CPU
from prefloop.models.token_bytes import REPLACEMENT
from prefloop.samples.sampler import Sampler
from prefloop.settings.samples import SamplesConfig, StopMatch
from tests.models_for_tests import save_tokenizer
from tests.stages_for_tests import PROMPTS, roles_on, sampler_on, task_of, token_of
from tests.tokenizers_for_tests import save_sentencepiece

SEVERAL = "day long"
"""A stop that takes several tokens of either vocabulary."""


def save_with_pairs(folder: Path) -> None:
    """Save a byte-level vocabulary with tokens in which a period stands beside other characters."""
    fast = save_tokenizer(folder)
    fast.add_tokens([AddedToken(pair, normalized=False) for pair in ('."', "...", ".\n")])
    fast.save_pretrained(folder)


MATCHES: tuple[StopMatch, ...] = ("token", "text")
SAVED = {
    "byte-level": save_tokenizer,
    "pairs": save_with_pairs,
    "sentencepiece": save_sentencepiece,
}


@pytest.fixture(scope="module", params=list(SAVED))
def tokenizer(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Tokenizer:
    """The vocabularies in turn."""
    folder = tmp_path_factory.mktemp("tokenizer")
    SAVED[request.param](folder)
    return load_tokenizer(folder)


def sampler_of(tokenizer: Tokenizer, *, match: StopMatch = "text", **task: Any) -> Sampler:
    """Return a sampler that has a tokenizer and no model."""
    vocabulary = max(tokenizer.known_ids) + 1
    return Sampler(
        tokenizer,
        task_of(**{"response_tokens": 12, **task}),
        SamplesConfig(stop_match=match),
        vocabulary=vocabulary,
        device=CPU.device,
    )


def ending(tokenizer: Tokenizer, ids: list[int], stop: str, earliest: int) -> int:
    """Return the index at which the stop stands in the text; -1 if it does not. By decoding."""
    for index in range(earliest, len(ids)):
        if stop in tokenizer.decode_after(ids[earliest : index + 1]):
            return index
    return -1


def rows_with(tokenizer: Tokenizer, stop: str) -> torch.Tensor:
    """Return random responses of 12 tokens; in some, the stop or parts of it stand somewhere."""
    generator = torch.Generator().manual_seed(5)
    spelled = torch.tensor(tokenizer.encode(f"He. {stop}{stop} a{stop}"))
    usual = torch.tensor(
        [i for i in tokenizer.known_ids if REPLACEMENT not in tokenizer.decode_after([i])]
    )
    rows = usual[torch.randint(len(usual), (120, 12), generator=generator)]
    for row in range(0, 120, 2):
        first = row % 13
        rows[row, first : first + len(spelled)] = spelled[: 12 - first]
    return rows


@pytest.mark.parametrize("stop", [".", "\n", "é", "..", "ll.", SEVERAL])
def test_a_response_ends_where_its_text_holds_the_stop(tokenizer: Tokenizer, stop: str) -> None:
    rows = rows_with(tokenizer, stop)
    # SentencePiece's decoder hides a character behind a byte that is none.
    is_text = [REPLACEMENT not in tokenizer.decode_after(ids) for ids in rows.tolist()]
    rows = rows[torch.tensor(is_text)]
    expected = [ending(tokenizer, ids, stop, 2) for ids in rows.tolist()]
    assert len(set(expected)) > 3 and -1 in expected
    rule = sampler_of(tokenizer, stop=stop, stop_min=2).stop_rule
    found = rule.apply(rows)
    assert found.is_ended.tolist() == [index >= 0 for index in expected]
    lengths = [index + 1 if index >= 0 else 12 for index in expected]
    assert found.mask.sum(dim=1).tolist() == lengths
    assert [len(rule.cut(ids)) for ids in rows.tolist()] == lengths


def test_the_period_behind_a_word_ends_a_response_of_sentencepiece(tmp_path: Path) -> None:
    """Its token alone is that of a period behind a space, which no sentence ends with."""
    save_sentencepiece(tmp_path)
    tokenizer = load_tokenizer(tmp_path)
    rule = sampler_of(tokenizer, stop=".", stop_min=2).stop_rule
    query, text = "She was", "She was full of happy people. She laughed"
    ids = tokenizer.encode(text)[len(tokenizer.encode(query)) :]
    assert rule.apply(torch.tensor([ids])).is_ended.all()
    assert tokenizer.decode_after(rule.cut(ids)) == " full of happy people."
    twin = torch.zeros(max(tokenizer.known_ids) + 1, dtype=torch.bool)
    twin[tokenizer.encode(".")] = True
    assert stop_index(torch.tensor([ids]), twin, earliest=2).tolist() == [-1]


def test_a_token_that_holds_more_than_the_stop_ends_a_response_and_is_kept(tmp_path: Path) -> None:
    save_with_pairs(tmp_path)
    tokenizer = load_tokenizer(tmp_path)
    ids = tokenizer.encode('He was sad." She sang. He')
    assert token_of(tokenizer, '."') in ids
    assert sampler_of(tokenizer, stop=".").text_of(ids) == 'He was sad."'
    as_in_2019 = sampler_of(tokenizer, stop=".", match="token")
    assert as_in_2019.text_of(ids) == 'He was sad." She sang.'


def test_a_blank_line_that_is_one_token_only_at_the_end_of_a_text_is_found_inside(
    tmp_path: Path,
) -> None:
    """GPT-2's and SmolLM2's vocabularies have such a token; between words they write it as two."""
    save_tokenizer(tmp_path)
    path = tmp_path / "tokenizer.json"
    described = json.loads(path.read_text(encoding="utf-8"))
    newline = "\N{LATIN CAPITAL LETTER C WITH DOT ABOVE}"
    described["model"]["vocab"][newline * 2] = max(described["model"]["vocab"].values()) + 1
    described["model"]["merges"].append([newline, newline])
    path.write_text(json.dumps(described), encoding="utf-8")
    tokenizer = load_tokenizer(tmp_path)
    assert len(tokenizer.encode("\n\n")) == 1 and len(tokenizer.encode("\n\na")) == 3
    sampler = sampler_of(tokenizer, stop="\n\n", match="token")
    assert sampler.text_of(tokenizer.encode("He.\n\nShe")) == "He.\n\n"
    for own in (".", "\n", "e"):
        assert [tokenizer.own_token(own)] == tokenizer.encode(own)


def test_where_a_vocabulary_has_no_token_for_the_stop_the_text_counts(tmp_path: Path) -> None:
    save_sentencepiece(tmp_path)
    tokenizer = load_tokenizer(tmp_path)
    for stop in (".", SEVERAL):
        found = [
            sampler_of(tokenizer, stop=stop, match=match).stop_rule.apply(
                rows_with(tokenizer, stop)
            )
            for match in MATCHES
        ]
        assert torch.equal(found[0].mask, found[1].mask) and not found[0].mask.all()


def test_generation_ends_with_a_stop_of_several_tokens(gpt2_folder: Path) -> None:
    """It goes through the state of each row; the mask is made from all tokens at once."""
    tokenizer, roles = roles_on(gpt2_folder)
    several = [60, 61]
    stop = tokenizer.decode(several)
    head = roles.reference.causal.get_output_embeddings().weight
    with torch.no_grad():
        roles.reference.causal.transformer.ln_f.bias[0] = 30.0
        head[:, 0] = 0.0
        head[several, 0] = 7.0 / 30.0  # Both are likely everywhere.
    sampler = sampler_on(tokenizer, roles, stop=stop, stop_min=1, response_tokens=10)
    drawn = sampler.sample(roles.policy, PROMPTS, per_prompt=4, seed=2)
    mask, response = drawn.stop_mask.mask, drawn.generation.response
    lengths = mask.sum(dim=1)
    assert 0.3 < drawn.stop_mask.is_ended.float().mean() < 1.0 and len(set(lengths.tolist())) > 4
    assert (response[~mask] == tokenizer.pad_id).all()
    assert (drawn.generation.logprobs[mask] < 0).all()


def test_end_of_text_may_be_the_stop_and_can_then_be_drawn(tokenizer: Tokenizer) -> None:
    (end,) = tokenizer.end_ids
    sampler = sampler_of(tokenizer, stop="end_of_text", stop_min=1)
    assert not sampler.banned[end] and sampler.banned[tokenizer.pad_id]
    assert sampler_of(tokenizer, stop=".").banned[end]
    ids = [end, 60, 61, end, 62]
    assert sampler.stop_rule.cut(ids) == [end, 60, 61, end]
    assert sampler.reward_ids("He", ids)[-3:] == [60, 61, end]
    assert sampler.text_of(ids) == tokenizer.decode_after([60, 61])
    assert not sampler.stop_rule.apply(torch.tensor([[end, 60, 61]])).is_ended.any()


@pytest.mark.parametrize(
    "task, reason",
    [
        ({"stop": "</s>"}, "special token of this model.*Set task.stop to end_of_text"),
        ({"stop": "<unk>"}, "special token of this model.*Choose a text"),
        ({"stop": "\n", "byte_tokens": False}, "can never be written by this model"),
        ({"stop": SEVERAL, "stop_min": 11}, "takes [2-9] tokens.*room for 1"),
        ({"stop": "end_of_text", "eos": None}, "names no end-of-text token"),
    ],
)
def test_a_stop_that_no_response_can_hold_is_refused_with_the_reason(
    task: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    fast = save_sentencepiece(tmp_path)
    if "eos" in task:
        fast.eos_token = None
        fast.save_pretrained(tmp_path)
    tokenizer = load_tokenizer(tmp_path)
    if "byte_tokens" in task:
        hidden = [AddedToken(f"<0x{b:02X}>", special=True, normalized=False) for b in (10, 46)]
        tokenizer.hf_tokenizer.add_tokens(hidden)
    settings = {key: task[key] for key in ("stop", "stop_min") if key in task}
    with pytest.raises(InputError, match=f"(?s)task.stop.*{reason}"):
        sampler_of(tokenizer, **settings)
