"""A passage has one split for ever; the shares are met."""

import unicodedata

from prefloop.prompts.splits import split_of
from prefloop.records import Split

PASSAGES = [f"Passage number {i}." for i in range(4000)]


def test_the_shares_are_met() -> None:
    splits = [split_of(p, held_out_share=0.1, validation_share=0.2) for p in PASSAGES]
    shares: dict[Split, float] = {"held_out": 0.1, "validation": 0.2, "train": 0.7}
    for split, share in shares.items():
        # Four standard errors of a share in 4,000 draws.
        assert abs(splits.count(split) / 4000 - share) < 4 * (share * (1 - share) / 4000) ** 0.5


def test_the_hash_decides_and_it_is_sha_256() -> None:
    """`printf 'Call me Ishmael.' | sha256sum` begins with 458f3cee: 0.2717 of 2**32."""
    assert split_of("Call me Ishmael.", held_out_share=0.27, validation_share=0.0) == "train"
    assert split_of("Call me Ishmael.", held_out_share=0.28, validation_share=0.0) == "held_out"
    assert split_of("Call me Ishmael.", held_out_share=0.2, validation_share=0.1) == "validation"


def test_more_held_out_never_moves_a_passage_out_of_held_out() -> None:
    for passage in PASSAGES[:500]:
        if split_of(passage, held_out_share=0.1, validation_share=0.1) == "held_out":
            assert split_of(passage, held_out_share=0.2, validation_share=0.1) == "held_out"


def test_spelling_and_spacing_change_no_split() -> None:
    """The hash of the bytes would part 18 % of such pairs."""
    for i in range(300):
        passage = f"The caf\u00e9 number {i} is open."
        twins = [unicodedata.normalize("NFD", passage), passage.replace(" ", "\u00a0 ")]
        splits = {split_of(p, held_out_share=0.2, validation_share=0.2) for p in (passage, *twins)}
        assert len(splits) == 1
