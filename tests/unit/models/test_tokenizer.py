"""What a tokenizer's habits do not change: which tokens are seen, and the text of a response."""

from pathlib import Path

import pytest
from transformers import AutoTokenizer

from prefloop.models.loading import PAD_TOKEN, load_causal, load_tokenizer
from prefloop.models.runtime import CPU
from prefloop.samples.sampler import Sampler
from prefloop.settings.samples import SamplesConfig
from tests.models_for_tests import save_gpt2, save_tokenizer
from tests.stages_for_tests import OPENINGS, task_of
from tests.tokenizers_for_tests import save_sentencepiece, save_with_holes, save_with_reserved


def drawable(folder: Path, vocabulary: int) -> list[int]:
    """Return the ids that can be sampled of a model with `vocabulary` ids."""
    sampler = Sampler(
        load_tokenizer(folder),
        task_of(),
        SamplesConfig(),
        vocabulary=vocabulary,
        device=CPU.device,
    )
    return [i for i in range(vocabulary) if not sampler.banned[i]]


def test_every_token_that_decoding_leaves_out_is_banned(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(save_with_reserved(tmp_path))
    n_tokens = len(tokenizer.hf_tokenizer)
    hidden = {i for i in range(n_tokens) if tokenizer.decode([i]) == ""}
    assert len(hidden) == 5, "end-of-text, padding and three without a name"
    assert set(tokenizer.special_ids) == hidden
    assert hidden.isdisjoint(drawable(tmp_path, n_tokens))
    twin = set(tokenizer.hf_tokenizer.all_special_ids)
    assert twin < hidden


def test_the_pad_id_of_a_vocabulary_with_holes_is_nothing_elses(tmp_path: Path) -> None:
    words = save_with_holes(tmp_path)
    tokenizer = load_tokenizer(tmp_path)
    assert tokenizer.pad_id == max(words.values()) + 1
    known = tokenizer.hf_tokenizer.get_vocab()
    assert known == {**words, PAD_TOKEN: tokenizer.pad_id}
    holes = set(range(tokenizer.pad_id)) - set(words.values())
    assert len(holes) == 3
    vocabulary = tokenizer.pad_id + 2
    special = {*tokenizer.special_ids, *holes, vocabulary - 1}
    assert set(drawable(tmp_path, vocabulary)) == set(range(vocabulary)) - special


def test_its_words_keep_their_text_and_a_saved_copy_their_ids(tmp_path: Path) -> None:
    words = save_with_holes(tmp_path / "base")
    tokenizer = load_tokenizer(tmp_path / "base")
    plain = AutoTokenizer.from_pretrained(tmp_path / "base")
    for text in OPENINGS:
        assert tokenizer.encode(text) == plain(text)["input_ids"]
        assert tokenizer.decode(tokenizer.encode(text)) == text
    assert max(words.values()) in {i for text in OPENINGS for i in tokenizer.encode(text)}
    tokenizer.hf_tokenizer.save_pretrained(tmp_path / "saved")
    saved = load_tokenizer(tmp_path / "saved")
    assert saved.pad_id == tokenizer.pad_id
    assert saved.hf_tokenizer.get_vocab() == tokenizer.hf_tokenizer.get_vocab()


def test_a_model_has_room_for_the_last_id_of_such_a_vocabulary(tmp_path: Path) -> None:
    save_gpt2(tmp_path)
    save_with_holes(tmp_path)
    tokenizer = load_tokenizer(tmp_path)
    causal = load_causal(tmp_path, tokenizer, runtime=CPU)
    assert causal.get_input_embeddings().weight.shape[0] == tokenizer.pad_id + 1


@pytest.mark.parametrize("save", [save_tokenizer, save_sentencepiece])
def test_a_response_has_the_text_that_it_adds_to_its_query(save, tmp_path: Path) -> None:
    save(tmp_path)
    tokenizer = load_tokenizer(tmp_path)
    query = tokenizer.encode(OPENINGS[0])
    for more in (" and he was sad", "\nHe sang.", ", é cold"):
        whole = tokenizer.encode(OPENINGS[0] + more)
        assert whole[: len(query)] == query
        response = whole[len(query) :]
        text = tokenizer.decode_after(response)
        assert text == tokenizer.decode(whole).removeprefix(tokenizer.decode(query)) == more


def test_twin_that_decodes_a_response_alone_glues_it_to_the_query(tmp_path: Path) -> None:
    save_sentencepiece(tmp_path)
    tokenizer = load_tokenizer(tmp_path)
    query, whole = (tokenizer.encode(OPENINGS[0] + more) for more in ("", " and he was sad"))
    assert tokenizer.decode(whole[len(query) :]) == "and he was sad"


def test_a_part_of_a_character_stays_a_part(gpt2_folder: Path) -> None:
    tokenizer = load_tokenizer(gpt2_folder)
    ids = tokenizer.encode("é")
    assert len(ids) == 2
    assert tokenizer.decode_after(ids[1:]) == tokenizer.decode(ids[1:])
    assert tokenizer.decode_after([]) == ""
