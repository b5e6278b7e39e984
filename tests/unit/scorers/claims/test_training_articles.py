"""Articles that train the checks of accuracy share no text with those that are judged."""

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.unit.prompts.news.invented import BODY, another, article, wheel

TRAINING = Path(__file__).parents[4] / "scorer_training"
QUOTED = "A pier that has stood for ninety years will stand for ninety more, said the old keeper."
"""A sentence of more than 12 words."""


@pytest.fixture
def articles(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module of the training programs, which are no package."""
    monkeypatch.syspath_prepend(str(TRAINING))
    return importlib.import_module("articles")


def one(articles: ModuleType, share: str | None, *sentences: str) -> Any:
    return articles.Article(title="A title", subtitle="", share=share, sentences=sentences)


def three(number: int) -> list[str]:
    return [f"In town {number} the clock of tower {i} stopped." for i in range(3)]


def test_an_article_that_quotes_a_judged_one_trains_nothing(articles: ModuleType) -> None:
    judged = one(articles, None, *three(1), QUOTED)
    quoting = one(articles, "accuracy", *three(2), QUOTED)
    other = one(articles, "accuracy", *three(3))
    assert articles.without_shared_texts([quoting, other, judged], []) == [judged, other]


def test_a_judged_article_counts_however_little_of_it_is_whole(articles: ModuleType) -> None:
    """It gives no claims, having fewer than three whole sentences, but prompts are made of it."""
    short = one(articles, None, QUOTED)
    quoting = one(articles, "accuracy_careful", *three(2), QUOTED)
    assert articles.without_shared_texts([quoting, short], []) == []


def test_a_prompt_counts_with_its_mended_text(articles: ModuleType) -> None:
    quoting = one(articles, "accuracy", *three(2), QUOTED)
    assert articles.without_shared_texts([quoting], [f'He wrote: "{QUOTED}"']) == []
    assert articles.without_shared_texts([quoting], ["A pier."]) == [quoting]


def test_what_trains_one_check_does_not_train_the_other(articles: ModuleType) -> None:
    first = one(articles, "accuracy", *three(1), QUOTED)
    second = one(articles, "accuracy_careful", *three(2), QUOTED)
    assert articles.without_shared_texts([second, first], []) == [first]


def test_the_packages_articles_are_read_as_prompts_are(
    articles: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [article(), article(another(2), subtitle="", number=2), article(subtitle="", number=3)]
    loaded = articles.load(wheel(tmp_path, rows, monkeypatch))
    assert [found.share is None for found in loaded] == [True, False], "the third repeats a prompt"
    assert " ".join(loaded[0].sentences) == BODY
