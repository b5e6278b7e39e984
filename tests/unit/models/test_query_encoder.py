"""Queries begin as the tokenizer's own template has it, and read as one text."""

from pathlib import Path

import pytest
from tokenizers import processors
from transformers import AutoTokenizer

from prefloop.models.loading import load_tokenizer
from prefloop.models.query_encoder import QueryEncoder
from tests.models_for_tests import save_tokenizer
from tests.stages_for_tests import OPENINGS, task_of
from tests.tokenizers_for_tests import save_sentencepiece

AROUND = {"prefix": "Article: ", "suffix": "\n\nTL;DR:"}


def test_queries_begin_with_the_token_that_the_template_puts_first(tmp_path: Path) -> None:
    fast = save_sentencepiece(tmp_path, adds_bos=True)
    text = OPENINGS[0]
    own = fast(text)["input_ids"]
    assert own[0] == fast.bos_token_id
    for wanted in (True, False):
        tokenizer = load_tokenizer(tmp_path, beginning_of_text=wanted)
        queries = QueryEncoder(tokenizer, task_of())
        expected = own if wanted else own[1:]
        assert queries.policy_query(text) == queries.reward_query(text) == expected
        assert queries.n_around == int(wanted)
        tokenizer.hf_tokenizer.save_pretrained(tmp_path / str(wanted))
        saved = AutoTokenizer.from_pretrained(tmp_path / str(wanted))
        assert saved(text)["input_ids"] == expected, "a copy encodes as the run did"
        assert load_tokenizer(tmp_path / str(wanted)).encode(text) == own[1:]


def test_the_queries_of_gpt2_are_what_they_were(gpt2_folder: Path) -> None:
    """Each part is encoded on its own; nothing is put before them."""
    tokenizer = load_tokenizer(gpt2_folder)
    queries = QueryEncoder(tokenizer, task_of(**AROUND))
    parts = [tokenizer.encode(part) for part in (AROUND["prefix"], OPENINGS[0], AROUND["suffix"])]
    assert queries.policy_query(OPENINGS[0]) == [*parts[0], *parts[1], *parts[2]]
    assert queries.reward_query(OPENINGS[0]) == parts[1]
    assert queries.n_around == len(parts[0]) + len(parts[2])
    assert tokenizer.hf_tokenizer(OPENINGS[0])["input_ids"] == parts[1]


def test_an_end_that_a_template_puts_behind_a_text_is_left_out(tmp_path: Path) -> None:
    """Behind a query comes a response, and a saved copy must encode as training did."""
    fast = save_sentencepiece(tmp_path)
    marks = [(name, fast.convert_tokens_to_ids(name)) for name in ("<s>", "</s>")]
    fast.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A $B </s>", special_tokens=marks
    )
    fast.save_pretrained(tmp_path)
    assert fast("He")["input_ids"][-1] == fast.eos_token_id
    tokenizer = load_tokenizer(tmp_path)
    tokenizer.hf_tokenizer.save_pretrained(tmp_path / "saved")
    saved = AutoTokenizer.from_pretrained(tmp_path / "saved")
    query = QueryEncoder(tokenizer, task_of()).policy_query("He")
    assert saved("He")["input_ids"] == query == fast("He")["input_ids"][:-1]


@pytest.mark.parametrize("save", [save_tokenizer, save_sentencepiece])
def test_a_query_reads_as_one_text(save, tmp_path: Path) -> None:
    save(tmp_path)
    tokenizer = load_tokenizer(tmp_path)
    query = QueryEncoder(tokenizer, task_of(**AROUND)).policy_query(OPENINGS[0])
    assert tokenizer.decode(query) == AROUND["prefix"] + OPENINGS[0] + AROUND["suffix"]


@pytest.mark.parametrize("save", [save_tokenizer, save_sentencepiece])
@pytest.mark.parametrize("text", [" and he sang", "and he sang", ". He", "\nHe", " é", "0"])
def test_text_that_stands_behind_another_comes_back(save, text: str, tmp_path: Path) -> None:
    save(tmp_path)
    tokenizer = load_tokenizer(tmp_path)
    assert tokenizer.decode_after(tokenizer.encode_after(text)) == text


def test_twin_that_encodes_it_alone_adds_a_space(tmp_path: Path) -> None:
    save_sentencepiece(tmp_path)
    tokenizer = load_tokenizer(tmp_path)
    assert tokenizer.decode_after(tokenizer.encode(" and he sang")) == "  and he sang"
