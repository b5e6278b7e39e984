"""S5: the reward model scores another tokenization than the one that was sampled."""

from pathlib import Path

from tests.silent_bugs.parts import responder

QUERY = "The sun was warm."
WORD = " happy"


def spelled(coder: object) -> list[int]:
    """Return a word as a policy may sample it: letter by letter, though one token spells it."""
    return [i for letter in WORD for i in coder.encode(letter)]


def test_sampled_ids_reach_the_reward_model_as_they_are(gpt2_folder: Path) -> None:
    maker, coder = responder(gpt2_folder)
    ids = spelled(coder)
    assert maker.reward_ids(QUERY, ids) == coder.encode(QUERY) + ids


def test_twin_that_encodes_the_text_again_reads_other_tokens(gpt2_folder: Path) -> None:
    _, coder = responder(gpt2_folder)
    ids = spelled(coder)
    assert coder.decode(ids) == WORD
    assert coder.encode(WORD) != ids


def test_tokens_after_the_stop_are_not_read(gpt2_folder: Path) -> None:
    maker, coder = responder(gpt2_folder)
    ids = [*spelled(coder), coder.single_token(".")]
    junk = coder.encode(" nobody came")
    assert maker.reward_ids(QUERY, ids + junk) == coder.encode(QUERY) + ids
