"""Every article is kept or has one reason; what is kept is whole, and comes once."""

import pytest

from prefloop.prompts.news.cleaning import REASONS, clean
from tests.unit.prompts.news.invented import BODY, SUBTITLE, another, article


@pytest.mark.parametrize(
    ("given", "fate"),
    [
        (article(subtitle="  "), "no subtitle"),
        (article(subtitle="Two ferries hit one pier, sadly."), "subtitle length"),
        (article(subtitle="word " * 29), "subtitle length"),
        (article(subtitle="The mayor Sch?uble says that the pier is repaired."), "broken subtitle"),
        (
            article(subtitle='Then he said of it: "the pier will be repaired by June.'),
            "broken subtitle",
        ),
        (article(text="In Sch?uble's words, it rained. " + BODY), "broken text"),
        (article(text="It rained."), "too little text"),
        (article(text=""), "too little text"),
        (
            article(subtitle="Each week, we publish a gallery of readers' pictures here."),
            "no article",
        ),
    ],
)
def test_what_is_dropped_has_its_reason(given, fate: str) -> None:
    cleaned = clean([given])
    assert cleaned.dropped == [(given, fate)]
    assert cleaned.kept == []
    assert fate in REASONS


def test_8_and_28_words_are_kept() -> None:
    given = [
        article(subtitle="word " * 7 + "end", text=another(1)),
        article(subtitle="word " * 27 + "end", text=another(2)),
    ]
    assert len(clean(given).kept) == 2


def test_what_is_kept_is_mended_and_counted() -> None:
    given = article(text=f'OSTRELL, March 3. /TASS/. {BODY} The two harbours"?masters said "no."')
    cleaned = clean([given])
    [kept] = cleaned.kept
    assert kept.text == BODY + ' The two harbours\' masters said "no."'
    assert (cleaned.mended, cleaned.cut, cleaned.leads) == (1, 0, 0)
    assert dict(cleaned.boilerplate) == {"agency lines": 1}


def test_an_article_ends_before_its_first_lost_character() -> None:
    cleaned = clean([article(text=f"{BODY} The mayor Sch?uble left. The pier stays.")])
    assert [a.text for a in cleaned.kept] == [BODY]
    assert cleaned.cut == 1


def test_a_subtitle_that_begins_its_article_is_taken_out_of_it() -> None:
    cleaned = clean([article(text=f"{SUBTITLE.upper()} {BODY}")])
    assert [a.text for a in cleaned.kept] == [BODY]
    assert (cleaned.leads, cleaned.verbatim) == (1, 0)


def test_a_subtitle_that_stands_elsewhere_in_its_article_is_counted() -> None:
    cleaned = clean([article(text=f"{BODY} {SUBTITLE}")])
    assert (cleaned.leads, cleaned.verbatim) == (0, 1)


def test_an_article_comes_once_in_whatever_spelling_and_version() -> None:
    update = f"{BODY} The council met. It said no."
    given = [article(), article(text=BODY.upper()), article(text=update), article(text=another(3))]
    cleaned = clean(given)
    assert [a.text for a in cleaned.kept] == [BODY, another(3)]
    assert [fate for _, fate in cleaned.dropped] == ["repeats another"] * 2


def test_a_sentence_that_ends_several_articles_of_a_publisher_belongs_to_none() -> None:
    blurb = "All the ships you need, in your inbox on six days a week."
    given = [article(text=f"{another(i)} {blurb}", number=i) for i in range(3)]
    assert [a.text for a in clean(given).kept] == [another(i) for i in range(3)]
    assert clean(given[:2]).kept[0].text.endswith(blurb)


def test_the_fates_of_all_articles_add_up() -> None:
    given = [article(), article(subtitle=""), article(text=""), article(), article(text=another(4))]
    cleaned = clean(given)
    assert len(cleaned.kept) + len(cleaned.dropped) == len(given)
