"""The chosen text survives every way out and in, whatever the order of the samples."""

import itertools
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefloop.comparisons.exchange.formats import export_file, import_file
from prefloop.comparisons.exchange.importer import ExchangeOptions
from prefloop.records import Comparison, Label, Prompt, Sample
from prefloop.store.store import Store

BYTES = ExchangeOptions(
    encode=lambda text: list(text.encode()), decode=lambda ids: bytes(ids).decode()
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
ORDERS = list(itertools.permutations(range(4)))


def chosen_texts(store: Store) -> set[tuple[str, str]]:
    prompts = {prompt.id: prompt.text for prompt in store.prompts()}
    samples = {sample.id: sample for sample in store.samples()}
    return {
        (prompts[samples[label.chosen].prompt_id], samples[label.chosen].text)
        for label in store.labels()
        if label.chosen is not None
    }


def fill_with_every_order(store: Store, question: str, texts: list[str], best: int) -> None:
    """One question, whose samples are stored in every order and shown in every other."""
    store.add_prompts([Prompt(id="p", text=question, source="here", split="train")])
    store.add_samples(
        [
            Sample(
                id=f"s{i}",
                prompt_id="p",
                model="reference",
                round=0,
                purpose="labels",
                text=text,
                response_ids=(i,),
                is_ended=True,
                logprob=-1.0,
                ref_logprob=-1.0,
            )
            for i, text in enumerate(texts)
        ]
    )
    comparisons = [
        Comparison(
            id=f"c{n}",
            prompt_id="p",
            sample_ids=tuple(f"s{i}" for i in order),
            round=0,
            split="train",
        )
        for n, order in enumerate(ORDERS)
    ]
    label = Label(
        id="",
        comparison_id="",
        labeler="ann",
        answer="best",
        chosen=f"s{best}",
        shown=(),
        seconds=1.5,
        instructions="1",
    )
    store.add_comparisons(comparisons)
    store.add_labels(
        [
            replace(
                label,
                id=f"l{n}",
                comparison_id=f"c{n}",
                shown=tuple(f"s{i}" for i in ORDERS[(7 * n + 5) % len(ORDERS)]),
            )
            for n in range(len(ORDERS))
        ]
    )


@pytest.mark.parametrize("format", ["raw", "trl", "openai_2019", "openai_2020"])
@settings(max_examples=5, deadline=None)
@given(
    question=TEXTS,
    texts=st.lists(TEXTS, min_size=4, max_size=4, unique=True),
    best=st.integers(0, 3),
)
def test_the_chosen_text_survives_all_orders(
    format: str, question: str, texts: list[str], best: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "labels.json"
        with Store.open(Path(folder) / "a.db") as store:
            fill_with_every_order(store, question, texts, best)
            export_file(store, path, format, options=BYTES)
        with Store.open(Path(folder) / "b.db") as store:
            import_file(store, path, format, options=BYTES)
            assert chosen_texts(store) == {(question, texts[best])}
            n_labels = len(store.labels())
        pairs = {"trl": 3 * len(ORDERS), "openai_2020": 3}
        assert n_labels == pairs.get(format, len(ORDERS))


def test_a_store_of_positions_would_be_caught() -> None:
    """Wrong twin: reading the choice as a place in the comparison's order names another text."""
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "a.db") as store:
        fill_with_every_order(store, "Q", ["a", "b", "c", "d"], 1)
        comparisons = {each.id: each for each in store.comparisons()}
        by_place = {
            comparisons[label.comparison_id].sample_ids[label.shown.index(str(label.chosen))]
            for label in store.labels()
        }
        assert by_place != {"s1"}
        assert chosen_texts(store) == {("Q", "b")}
