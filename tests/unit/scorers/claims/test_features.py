"""What each feature of a claim says, on invented texts, one error at a time."""

import numpy as np
import pytest

from prefloop.scorers.claims.articles import scorer_share
from prefloop.scorers.claims.features import FEATURES, claim_features
from prefloop.scorers.claims.pairs import PAIR_FEATURES, PairSource, pair_features
from prefloop.scorers.claims.source import read_source
from prefloop.scorers.claims.tokens import parse
from prefloop.text.words import sentences

SOURCE = (
    "Gorland accused Velmar of moving 4,000 soldiers to the border on Monday. "
    "Officials in Velmar said that Gorland was wrong. The army did not leave Lisk, where 12 tanks "
    "stand. Anna Brandt was praised by Tom Oberg, a general of 58, in March."
)


def found(claim: str) -> dict[str, float]:
    """Return the features of a claim that are not 0."""
    values = claim_features(parse(claim, SOURCE)[0], read_source(SOURCE))
    return {name: float(x) for name, x in zip(FEATURES, values, strict=True) if x}


@pytest.mark.parametrize("claim", sentences(SOURCE))
def test_a_copied_sentence_has_nothing(claim: str) -> None:
    assert found(claim) == {}
    assert not pair_features(claim, PairSource(SOURCE)).any()


@pytest.mark.parametrize(
    "claim",
    [
        "Velmar was accused by Gorland of moving 4,000 soldiers to the border.",
        "Gorland blamed Velmar, which had moved 4,000 troops to its frontier.",
        "Tom Oberg praised Anna Brandt in March.",
        "Lisk was not left by the army.",
    ],
)
def test_a_true_paraphrase_has_nothing(claim: str) -> None:
    assert found(claim) == {}


@pytest.mark.parametrize(
    ("claim", "feature"),
    [
        ("Sundby accused Velmar of moving 4,000 soldiers to the border.", ""),
        ("Gorland accused Sundby of moving 4,000 soldiers to the border.", "absent_names"),
        ("Gorland accused Velmar of moving 6,000 soldiers to the border.", "absent_numbers"),
        ("Gorland accused Velmar of moving 12 soldiers to the border.", "misplaced_numbers"),
        ("Velmar accused Gorland of moving 4,000 soldiers to the border.", "swapped_roles"),
        ("Gorland was accused by Velmar of moving 4,000 soldiers.", "swapped_roles"),
        ("Anna Brandt praised Tom Oberg in March.", "swapped_roles"),
        ("The army left Lisk, where 12 tanks stand.", "negation_dropped"),
        ("Gorland never accused Velmar of moving 4,000 soldiers.", "negation_added"),
        ("A cat slept on the warm stove of an inn.", "unsupported"),
    ],
)
def test_an_error_is_seen_where_it_is(claim: str, feature: str) -> None:
    seen = found(claim)
    # A name that begins a sentence and stands nowhere else is no name to the reader.
    assert (feature in seen) if feature else not seen.get("swapped_roles")


@pytest.mark.parametrize("claim", ["It is what it is.", "That was that, and this is this."])
def test_a_sentence_that_claims_nothing_is_not_supported(claim: str) -> None:
    assert found(claim) == {"unsupported": 1.0}
    assert pair_features(claim, PairSource(SOURCE))[PAIR_FEATURES.index("unknown_pairs")] == 1.0


@pytest.mark.parametrize(
    "claim", ["Gorland Gorland Gorland.", "It was Lisk, and Lisk it is.", "12 12 12.", "Tanks!"]
)
def test_one_word_again_and_again_is_not_supported(claim: str) -> None:
    assert found(claim)["unsupported"] == 1.0
    assert pair_features(claim, PairSource(SOURCE))[PAIR_FEATURES.index("unknown_pairs")] == 1.0


@pytest.mark.parametrize("claim", ["Storm.", "It was a storm.", "Storms!"])
def test_one_word_is_supported_where_a_sentence_of_the_source_says_no_more(claim: str) -> None:
    source = "Rain fell in Lisk. A storm!"
    values = claim_features(parse(claim, source)[0], read_source(source))
    assert values[FEATURES.index("unsupported")] == 0.0
    assert pair_features(claim, PairSource(source))[PAIR_FEATURES.index("unknown_pairs")] == 0.0


def test_another_check_sees_the_same_errors_in_another_way() -> None:
    assert not set(FEATURES) & set(PAIR_FEATURES)
    source = PairSource(SOURCE)
    wrong = {
        "unknown_capitals": "Gorland accused Sundby of moving soldiers.",
        "unknown_digits": "Gorland accused Velmar of moving 6,000 soldiers.",
        "numbers_apart": "Gorland accused Velmar of moving 58 soldiers.",
        "reversed": "Velmar accused Gorland of moving soldiers.",
        "odd_negations": "The army did leave Lisk.",
        "unknown_pairs": "A cat slept on the warm stove of an inn.",
    }
    for name, claim in wrong.items():
        values = dict(zip(PAIR_FEATURES, pair_features(claim, source), strict=True))
        assert values[name] > 0, claim


def test_features_do_not_hang_on_how_long_the_source_is() -> None:
    claim = parse("Gorland accused Sundby of moving 6,000 soldiers.", SOURCE)[0]
    longer = f"{SOURCE} It rained in the south. Farmers were glad."
    np.testing.assert_array_equal(
        claim_features(claim, read_source(SOURCE)), claim_features(claim, read_source(longer))
    )


def test_articles_with_a_subtitle_train_no_scorer_and_the_others_one() -> None:
    titles = [f"Title number {n}" for n in range(400)]
    assert {scorer_share(title, "It rained.") for title in titles} == {None}
    shares = [scorer_share(title, "") for title in titles]
    assert 150 < shares.count("accuracy") < 250
    assert shares.count("accuracy") + shares.count("accuracy_careful") == 400
