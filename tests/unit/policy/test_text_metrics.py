"""Figures of a rollout's texts, by hand."""

import pytest

from prefloop.policy.text_metrics import text_metrics
from prefloop.records import Prompt

ARTICLE = "The town of Ely lies on a river and has a very old cathedral"


def prompt(number: int, text: str = ARTICLE) -> Prompt:
    return Prompt(id=f"p{number}", text=text, source="test", split="train")


def test_figures_by_hand() -> None:
    texts = ["The town of Ely lies far away", "It has a bridge", "It has a bridge"]
    found = text_metrics([prompt(i) for i in range(3)], texts, response_tokens=8)
    assert found["policy/duplicates"] == pytest.approx(1 / 3)
    assert found["policy/top_opening"] == pytest.approx(2 / 3)
    # 6 + 3 + 3 word pairs, the last three of them known.
    assert found["policy/distinct_2"] == pytest.approx(9 / 12)
    # Of the first text 4 of 6 pairs and 3 of 5 triples stand in the article, of the others 1 of 3
    # and none of 2.
    copied = [(4 / 6 + 3 / 5) / 2, (1 / 3 + 0) / 2, (1 / 3 + 0) / 2]
    assert found["policy/copied_share"] == pytest.approx(sum(copied) / 3)
    assert found["policy/novel_2grams"] == pytest.approx((2 / 6 + 2 / 3 + 2 / 3) / 3)


@pytest.mark.parametrize(
    ("text", "response_tokens", "is_source"),
    [(ARTICLE, 18, True), (ARTICLE, 19, False), ("Once upon a time", 4, False)],
)
def test_only_a_prompt_that_is_long_enough_is_a_source(
    text: str, response_tokens: int, is_source: bool
) -> None:
    """The article has 14 words; 18 tokens are about 13.5 words."""
    prompts = [prompt(i, text) for i in range(2)]
    found = text_metrics(prompts, ["So it was.", "He left."], response_tokens=response_tokens)
    assert ("policy/copied_share" in found) == ("policy/novel_2grams" in found) == is_source


def test_responses_without_words_leave_out_what_they_have_not() -> None:
    found = text_metrics([prompt(0), prompt(1)], ["", "..."], response_tokens=8)
    assert found["policy/duplicates"] == 0.5
    assert found["policy/copied_share"] == 0.0
    assert "policy/distinct_2" not in found
    assert "policy/novel_2grams" not in found
