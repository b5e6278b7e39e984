"""What is not an article's text is taken out, and what is stays."""

from collections import Counter

import pytest

from prefloop.prompts.news.boilerplate import is_about_the_page, strip_boilerplate, strip_subtitle
from tests.unit.prompts.news.invented import BODY


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ("OSTRELL, March 3. /TASS/. ", "", "agency lines"),
        ("OSTRELL, March 27./TASS/. ", "", "agency lines"),
        ("OSTRELL/PORT (Reuters) - ", "", "agency lines"),
        ("Ostrell (CNN)", "", "agency lines"),
        ("OSTRELL - ", "", "agency lines"),
        ("Ostrell, North Island - ", "", "agency lines"),
        ("By Ann Lee and Bo Ray ", "", "bylines"),
        ("Share this with Media playback is unsupported on your device ", "", "captions and links"),
        ("", " Source: Our reporters and news agencies", "agency lines"),
        ("", " ab/cd (AFP, dpa)", "agency lines"),
        ("", " Author: Ann Lee", "bylines"),
        ("", " Presenter: Ann Lee Guests: Bo Ray - Harbour Watch", "bylines"),
        ("", " Share this slide: Ships for all! Learn more", "invitations"),
        ("", " Email haveyoursay@example.org with your stories.", "invitations"),
        ("", " Follow us on Facebook, or find our newsletter.", "invitations"),
        ("", " READ MORE: Why ferries meet piers?", "captions and links"),
        ("", "  Ferries that met piers: ten stories", "captions and links"),
        ("", " pic.twitter.com/abcdef", "captions and links"),
    ],
)
def test_what_is_no_text_is_taken_out_and_named(before: str, after: str, kind: str) -> None:
    found: Counter[str] = Counter()
    assert strip_boilerplate(before + BODY + after, found) == BODY
    assert kind in found


@pytest.mark.parametrize(
    "text",
    [
        BODY,
        'The mayor said: "We follow the ferries." Then she left. Nobody clicked.',
        "Source: a word with many meanings. It has them all.",
        "A pier is long.  It is also wide.",
    ],
)
def test_what_is_text_stays(text: str) -> None:
    found: Counter[str] = Counter()
    assert strip_boilerplate(text, found) == " ".join(text.split())
    assert not found


def test_a_subtitle_loses_the_headings_behind_it_where_a_publisher_has_them() -> None:
    text = "Two ferries hit one pier. By Old fears What next? New fears"
    assert strip_subtitle(text, "aljazeera.com") == "Two ferries hit one pier."
    text = "Two ferries hit one pier. New fears"
    assert strip_subtitle(text, "aljazeera.com") == "Two ferries hit one pier."
    assert strip_subtitle(text, "tass.com") == text


def test_subtitles_about_the_page_or_its_author_are_known() -> None:
    assert is_about_the_page("Each week, we publish a gallery of readers' pictures on a theme.")
    assert is_about_the_page("Ann Lee is a professor of harbours at the University of Ostrell.")
    assert not is_about_the_page("Two ferries hit one pier, and a professor of harbours explains.")
