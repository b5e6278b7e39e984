"""Copies from the prompt, marked: the words and runs are those that the Python measures have."""

import random
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from prefloop.text.overlap import longest_common_run, novel_ngram_share
from prefloop.text.words import ngrams, words
from tests.browser.site import serving
from tests.browser.test_texts import run

RUN = 5
SOURCE = "She opened the door of the house, and the rain came in with a cold wind from the sea."
COPIED = "Yes: THE DOOR OF THE HOUSE was open."
HARD_TEXTS = [
    "",
    "… — !? 👩‍👩‍👧",
    "Don't, rock'n'roll’s ''quoted'' o'clock' 'tis",
    "Cafe\u0301 na\u00efve STRASSE Straße ẞ İstanbul ıI Ⅳ ½ x²",
    "A\u030a\u0323 \u212b \u2126 \u1e69 s\u0323\u0307 s\u0307\u0323",
    "ΟΔΟΣ ΣΑΣ.ΑΣ ΑΣ'Σ Σ ὈΔΥΣΣΕΎΣ",
    "我们去公园散步，AI技术3个。",
    "カラオケ か\u3099 がぎ スーパー ｶﾗｵｹｰ 々 〇 〆切 𠮷野家",
    "สวัสดีครับ ผมชื่อ ສະບາຍດີ ជំរាបសួរ မင်္ဂလာပါ",
    "हिन्दी में क्‍ष लिखो, می‌خواهم بروم \u0627\u0644\u0652 العَرَبِيَّة",
    "한국어 \u1112\u1161\u11ab\u1100\u116e\u11a8 텍스트",
    "one 1️⃣ two ❤️ ☎️ ℹ️ 👍🏽 🇨🇭three a\u20d0\u0323b 𝐁old Ⓐ",
    "soft\u00adhyphen zero\u200bwidth joi\u200dner snake_case x-ray a.b.c 3.14 1,000",
    "under_score\tTab\r\nline\u2028sep \ufeffbom \u202eabc\u202c",
]
ALPHABET = (
    "aAbΣσßİ1'’ _.-\n\u0301\u0323\u20d0\u20e3\ufe0f\u200c\u200d"
    "か\u3099ハ漢〇ーไ\u0e48\u1112\u1161\u0915\u094d👩🏽🇨ℹ"
)
SPLIT = "given.map((text) => it.wordsOf(text).map(({ word }) => word))"
PLACES = "given.map((text) => it.wordsOf(text).map(({ start, end }) => text.slice(start, end)))"
FIND = "given.map(([prompt, sample]) => it.copiesOf(prompt, [sample]))"
MARKED = """given.map(([prompt, sample]) => {
  const { samples: [{ spans }] } = it.copiesOf(prompt, [sample]);
  const place = document.createElement("p");
  place.append(it.withCopies(sample, spans));
  return [...place.querySelectorAll("mark.copied")].map((mark) => mark.textContent);
})"""


@pytest.fixture(scope="module")
def page(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Return a window on a server, nobody logged in; what is called in it keeps no state."""
    with serving(tmp_path_factory.mktemp("site")) as site, browser.new_context() as context:
        window = context.new_page()
        window.goto(f"{site.address}/login")
        yield window


def test_words_are_those_of_the_python_measures(page: Page) -> None:
    drawn = random.Random(4)
    texts = HARD_TEXTS + ["".join(drawn.choices(ALPHABET, k=30)) for _ in range(1500)]
    found = run(page, "words", SPLIT, texts)
    assert found == [words(text) for text in texts]


def test_each_word_stands_where_its_place_says(page: Page) -> None:
    # A sigma's lower case depends on its neighbors, and NFC takes a mark past a frame.
    texts = [text for text in HARD_TEXTS if not {"Σ", "\u20d0"} & set(text)]
    places = run(page, "words", PLACES, texts)
    assert [[words(own) for own in text] for text in places] == [
        [[word] for word in words(text)] for text in texts
    ]


def test_runs_are_those_of_the_python_measures(page: Page) -> None:
    drawn = random.Random(5)
    pairs = [[_drawn(drawn), _drawn(drawn)] for _ in range(300)]
    pairs += [[text, text] for text in HARD_TEXTS] + [[SOURCE, COPIED], [SOURCE, ""], ["", COPIED]]
    for (prompt, sample), found in zip(pairs, run(page, "copies", FIND, pairs), strict=True):
        in_sample = found["samples"][0]
        assert in_sample["nWords"] == len(words(sample))
        assert in_sample["nCopied"] == _n_copied(sample, prompt)
        assert found["prompt"]["nCopied"] == _n_copied(prompt, sample)
        assert bool(in_sample["spans"]) == (longest_common_run(sample, prompt) >= RUN)
        assert (in_sample["nCopied"] == 0) == (
            novel_ngram_share(sample, prompt, RUN) in (1.0, None)
        )


def _drawn(drawn: random.Random) -> str:
    return " ".join(drawn.choices(("the", "The", "café", "cafe\u0301", "漢字", "don't"), k=20))


def _n_copied(text: str, source: str) -> int:
    known = set(ngrams(words(source), RUN))
    runs = ngrams(words(text), RUN)
    return len({i + j for i, run in enumerate(runs) if run in known for j in range(RUN)})


@pytest.mark.parametrize(
    ("prompt", "sample", "marked"),
    [
        (SOURCE, COPIED, ["THE DOOR OF THE HOUSE"]),
        (SOURCE, "She opened the door, and that was all.", []),
        ("a b c d e x f g h i j", "f g h i j a b c d e", ["f g h i j", "a b c d e"]),
        ("a b c d e x b c d e f", "a b c d e f", ["a b c d e f"]),
        ("I don't think so at all.", "I don’t think so at all.", []),
        ("Le café où je vais déjà", "le cafe\u0301 — où je vais!", ["le cafe\u0301 — où je vais"]),
        ("我们去公园散步", "他们去公园散。", ["们去公园散"]),
        ("我们去公园散步", "去公园散", []),
        ("go 1️⃣ a b c", "go 🎉 1️⃣ a b 👍🏽 c!", ["go 🎉 1️⃣ a b 👍🏽 c"]),
        ("a b c d 1", "a b c d 1️⃣.", ["a b c d 1️⃣"]),
        (
            "one two three four five",
            "one\u202e two three four five",
            ["oneRLO two three four five"],
        ),
    ],
)
def test_what_is_marked(page: Page, prompt: str, sample: str, marked: list[str]) -> None:
    assert run(page, "copies", MARKED, [[prompt, sample]]) == [marked]


@pytest.mark.parametrize("letter", ["a", "é", "漢"])
def test_ten_thousand_words_take_less_than_a_tenth_of_a_second(page: Page, letter: str) -> None:
    drawn = random.Random(6)
    source = " ".join(f"{letter}{drawn.choice('bcdé')}{i % 997}" for i in range(10_000))
    samples = [source[at : at + 2_000] for at in (0, 9_000, 20_000, 30_000)]
    code = """Math.min(...[1, 2, 3, 4, 5].map(() => {
      const from = performance.now();
      const found = it.copiesOf(given[0], given[1]);
      given[1].forEach((text, i) => it.withCopies(text, found.samples[i].spans));
      it.withCopies(given[0], found.prompt.spans);
      return performance.now() - from;
    }))"""
    assert run(page, "copies", code, [source, samples]) < 100
