"""What a policy learned that nobody asked for, on planted texts."""

import re
from pathlib import Path

import pytest

from prefloop.audits.side_effects import SideEffects, side_effect_sentence, side_effects
from prefloop.evaluation.repetition import repetition_figures
from prefloop.records import REFERENCE, Sample
from prefloop.store.store import Store
from tests.unit.evaluation.worlds import POLICY, prompt, sample
from tests.unit.report.fake_run import fake_config

N = 60
NOUNS = re.findall(
    r"\w+", "road mill river boat post basket house clock hall rain hill wheel gravel dog town"
)
VERBS = re.findall(r"\w+", "passed followed carried watched left found kept met lost crossed heard")
SOURCE = (
    "A man walked along the old wall with two letters and one broken lamp under his coat while "
    "snow fell upon every roof between here and some far white harbour"
)


def plain(i: int) -> str:
    """Return a sentence of eight words; different ones for each of 165 numbers."""
    noun, verb, other = NOUNS[i % 15], VERBS[i % 11], NOUNS[(i * 7 + 3) % 15]
    return f"{noun} number {i} quietly {verb} the {other} again".capitalize()


def looked_at(folder: Path, texts: list[str], task: str = "descriptiveness") -> SideEffects:
    """Return the side effects of a policy that writes these texts."""
    prompts = [prompt(i, SOURCE) for i in range(N)]
    model = [sample(i, text) for i, text in enumerate(texts)]
    baseline = [sample(i, plain(i), model=REFERENCE) for i in range(N)]
    config = fake_config(task={"name": task})
    with Store.open(folder / "prefloop.db") as store:
        store.add_prompts(prompts)
        store.add_samples([*model, *baseline])
        found = side_effects(store, config, {p.id: p for p in prompts}, model, baseline)
    assert found is not None
    return found


def third(i: int, text: str) -> str:
    """Return a planted text for every third number, a plain one otherwise."""
    return text if i % 3 == 0 else plain(i)


PLANTED = {
    "opening": (
        lambda i: third(i, f"She was a {plain(i).lower()}"),
        ("opening", "she was a"),
        "33 % of its 60 answers begin with “she was a”; before training 0 % of 60 did.",
    ),
    "word": (
        lambda i: third(i, plain(i).replace("again", "gravelly")),
        ("word", "gravelly"),
        "33 % of its 60 answers contain the word “gravelly”",
    ),
    "length": (
        lambda i: plain(i) if i % 2 else f"{plain(i)} {' '.join(NOUNS[i % 9 : i % 9 + 6])}",
        ("measure", "length more"),
        "50 % of its 60 answers are longer than nine in ten before; before training 0 % of 60",
    ),
    "copying": (
        lambda i: third(i, " ".join(SOURCE.split()[i // 3 : i // 3 + 8])),
        ("measure", "copied_words more"),
        "33 % of its 60 answers have more words in common with their prompt than nine in ten",
    ),
    "repetition": (
        lambda i: third(i, " ".join([NOUNS[i % 15], VERBS[i % 11], NOUNS[i % 13]] * 3)[:60]),
        ("measure", "repetition more"),
        "33 % of its 60 answers repeat themselves more than nine in ten before",
    ),
    "shouting": (
        lambda i: third(i, f"{plain(i)}!"),
        ("measure", "exclamation more"),
        "33 % of its 60 answers have more exclamation marks than nine in ten before",
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_what_was_planted_is_named_with_its_answers(tmp_path: Path, name: str) -> None:
    write, (kind, trait), sentence = PLANTED[name]
    texts = [write(i) for i in range(N)]
    found = looked_at(tmp_path, texts).found
    assert found is not None
    assert (found.kind, found.name) == (kind, trait)
    planted = {f"{POLICY}/evaluation/{i}/0" for i in range(N) if texts[i] != plain(i)}
    assert set(found.sample_ids) == planted
    assert found.baseline_ids == ()
    (tmp_path / "again").mkdir()
    assert side_effect_sentence(looked_at(tmp_path / "again", texts)).startswith(
        sentence.split(";")[0]
    )


def test_the_same_answer_to_other_prompts_is_named(tmp_path: Path) -> None:
    found = looked_at(tmp_path, [plain(0) if i % 2 else plain(i) for i in range(N)]).found
    assert found is not None
    assert found.kind == "repeat"
    assert len(found.sample_ids) == 30, "31 say the same, and the first of them repeats nothing"
    assert found.does == "were given to an earlier prompt too, word for word"


def test_where_nothing_changed_the_sentence_says_on_how_many_answers_it_rests(
    tmp_path: Path,
) -> None:
    effects = looked_at(tmp_path, [plain(i + 60) for i in range(N)])
    assert effects.found is None
    sentence = side_effect_sentence(effects)
    assert sentence.startswith("Nothing stands out")
    assert "its 60 answers" in sentence and "before training in 60" in sentence


def test_a_common_word_that_becomes_commoner_does_not_stand_out(tmp_path: Path) -> None:
    """From 100 % of the answers it cannot go to three times as many."""
    effects = looked_at(tmp_path, [plain(i + 60) for i in range(N)])
    assert all(t is None or t.name != "the" for t in (effects.found, effects.most))


@pytest.mark.parametrize(("task", "is_named"), [("sentiment", False), ("descriptiveness", True)])
def test_what_the_task_asks_for_is_no_side_effect(
    tmp_path: Path, task: str, is_named: bool
) -> None:
    glad = ["happy", "glorious", "lovely", "joyful", "wonderful", "delightful", "superb", "great"]
    texts = [
        " ".join(glad[(i + k) % 8] if k == i % 6 else w for k, w in enumerate(plain(i).split()))
        for i in range(N)
    ]
    found = looked_at(tmp_path, texts, task).found
    assert (found is not None and found.name == "rated_words more") == is_named


def test_the_numbers_are_those_of_the_file_of_figures(tmp_path: Path) -> None:
    texts = [PLANTED["opening"][0](i) for i in range(N)]
    model: list[Sample] = [sample(i, text) for i, text in enumerate(texts)]
    baseline = [sample(i, plain(i), model=REFERENCE) for i in range(N)]
    figures = repetition_figures(model, baseline)
    found = looked_at(tmp_path, texts).found
    assert figures is not None and found is not None
    assert (found.figures.phrase, found.figures.share, found.figures.baseline_share) == (
        figures.openings[0].phrase,
        figures.openings[0].share,
        figures.openings[0].baseline_share,
    )


def test_without_answers_there_is_nothing_to_say(tmp_path: Path) -> None:
    with Store.open(tmp_path / "prefloop.db") as store:
        assert side_effects(store, fake_config(), {}, [], []) is None
