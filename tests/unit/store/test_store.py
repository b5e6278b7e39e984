import math
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from prefloop.errors import StoreError
from prefloop.store.store import Store
from tests.cpu_time import cpu_seconds
from tests.unit.store.records_for_tests import (
    N_FILLED,
    comparison,
    fill,
    label,
    own_events,
    prompt,
    sample,
    verdict,
)


def test_records_come_back_as_they_went_in_and_in_their_order(
    store: Store, place: str | Path
) -> None:
    store.add_labels([label(2, question=2), label(1, question=1), label(0)])
    store.add_verdicts([verdict(1), verdict(0)])
    store.close()
    with Store.open(place) as again:
        assert again.prompts() == [prompt(i) for i in range(3)]
        assert again.samples() == [sample(i, i // 4) for i in range(12)]
        assert again.comparisons() == [comparison(i) for i in range(3)]
        assert again.labels() == [label(2, question=2), label(1, question=1), label(0)]
        assert again.verdicts() == [verdict(1), verdict(0)]


def test_filters_select_by_every_key(store: Store) -> None:
    other = replace(sample(90), model="policy/round-0", round=1, purpose="evaluation")
    store.add_samples([other])
    store.add_labels([label(i, question=i) for i in range(3)])
    others = [replace(verdict(1), judge="ann"), replace(verdict(2), model="policy/update-4")]
    store.add_verdicts([verdict(0), *others, replace(others[1], id="v3", baseline="gpt2")])
    assert store.samples(model="policy/round-0") == [other]
    assert store.samples(round=1) == store.samples(purpose="evaluation") == [other]
    assert store.samples(round=1, model="reference") == []
    assert store.prompts("held_out") == []
    assert [c.id for c in store.comparisons(round=0)] == ["c0", "c2"]
    assert [c.id for c in store.comparisons(round=0, split="train")] == ["c2"]
    assert [x.id for x in store.labels(round=0)] == ["l0", "l2"]
    assert [x.id for x in store.labels(split="train")] == ["l1", "l2"]
    assert [v.id for v in store.verdicts(judge="ann")] == ["v1"]
    assert [v.id for v in store.verdicts(model="policy/update-4")] == ["v2", "v3"]
    assert [v.id for v in store.verdicts(model="policy/update-4", baseline="gpt2")] == ["v3"]


def test_samples_by_id_keeps_the_order_and_names_what_is_unknown(store: Store) -> None:
    assert list(store.samples_by_id(["s3", "s1", "s3"])) == ["s3", "s1"]
    with pytest.raises(StoreError, match=r"there is no sample s99"):
        store.samples_by_id(["s1", "s99"])


def test_adding_twice_stores_once(store: Store) -> None:
    store.add_label(label())
    n_events = len(own_events(store))
    store.add_prompts([prompt(0), prompt(0)])
    store.add_samples([sample(0), sample(0)])
    store.add_comparisons([comparison(0), comparison(0)])
    store.add_labels([label(), label()])
    store.add_verdicts([verdict(), verdict()])
    counts = (len(store.prompts()), len(store.samples()), len(store.comparisons()))
    assert counts == (3, 12, 3)
    assert (len(store.labels()), len(store.verdicts())) == (1, 1)
    assert len(own_events(store)) == n_events


@pytest.mark.parametrize(
    ("kind", "record", "field"),
    [
        ("prompts", replace(prompt(0), text="other"), "text"),
        ("samples", replace(sample(0), response_ids=(1,)), "response_ids"),
        ("comparisons", replace(comparison(0), sample_ids=("s0", "s1", "s2", "s3")), "sample_ids"),
        ("labels", replace(label(0), chosen="s0"), "chosen"),
        ("verdicts", replace(verdict(0), outcome=1.0), "outcome"),
    ],
)
def test_another_record_under_a_stored_id_is_refused(
    store: Store, kind: str, record: object, field: str
) -> None:
    store.add_all(labels=[label(0)], verdicts=[verdict(0)])
    with pytest.raises(StoreError, match=f"is stored already with another {field}"):
        store.add_all(**{kind: [record]})  # type: ignore[arg-type]
    assert store.labels() == [label(0)]


def test_a_batch_that_contradicts_itself_is_refused_whole(store: Store) -> None:
    with pytest.raises(StoreError, match="p7 is stored already"):
        store.add_prompts([prompt(7), replace(prompt(7), text="x")])
    assert len(store.prompts()) == 3


def test_references_to_unknown_things_are_refused_by_name(store: Store) -> None:
    with pytest.raises(StoreError, match="unknown prompt p55"):
        store.add_samples([sample(60, 55)])
    with pytest.raises(StoreError, match="unknown sample s77"):
        store.add_verdicts([replace(verdict(), sample_id="s77")])
    with pytest.raises(StoreError) as told:
        store.add_comparisons(
            [
                replace(comparison(), id="n1", sample_ids=("s0", "s88")),
                replace(comparison(), id="n2", sample_ids=("s0", "s4")),
                replace(comparison(), id="n3", sample_ids=("s0", "s0")),
                replace(comparison(), id="n4", sample_ids=("s0",)),
                replace(comparison(), id="n5", selection_probability=0.0),
            ]
        )
    message = str(told.value)
    assert "comparison n1 names an unknown sample s88" in message
    assert "comparison n2 is about prompt p0, but its sample s4 answers prompt p1" in message
    assert "comparison n3 has the same sample twice" in message
    assert "comparison n4 has 1 samples" in message
    assert "comparison n5 has selection probability 0.0" in message
    assert "has 5 problems" in message


def test_a_transaction_is_all_or_nothing(store: Store) -> None:
    with pytest.raises(StoreError):
        store.add_all(prompts=[prompt(9)], samples=[sample(99, 98)])
    assert [p.id for p in store.prompts()] == ["p0", "p1", "p2"]


def test_what_is_not_known_stays_unknown(store: Store) -> None:
    unknown = replace(sample(50), logprob=math.nan, ref_logprob=None)
    store.add_samples([unknown])
    found = store.samples_by_id(["s50"])["s50"]
    assert math.isnan(found.logprob)
    assert found.ref_logprob is None
    store.add_samples([replace(unknown, logprob=float("nan"))])
    store.add_label(replace(label(0), seconds=math.nan))
    assert math.isnan(store.labels()[0].seconds)


def test_half_characters_are_refused_in_words(store: Store) -> None:
    with pytest.raises(StoreError, match="half of a character"):
        store.add_prompts([replace(prompt(9), text="x\ud800")])


def test_ten_thousand_samples_are_stored_in_two_seconds(place: str | Path) -> None:
    with Store.open(place) as store:
        store.add_prompts([prompt(i) for i in range(2500)])
        records = [replace(sample(i, i // 4), response_ids=tuple(range(24))) for i in range(10_000)]
        assert cpu_seconds(lambda: store.add_samples(records)) < 2.0
        assert store.samples() == records


def test_time_per_label_does_not_grow_with_their_number(place: str | Path) -> None:
    with Store.open(place) as store:
        fill(store, n_questions=400)
        records = [label(i, question=i % 400, labeler=f"a{i // 400}") for i in range(6000)]
        thousands = [records[start : start + 1000] for start in range(0, 6000, 1000)]
        times = [cpu_seconds(partial(store.add_labels, some)) for some in thousands]
        # Were the cost of a label in proportion to those before it, this would be 7 to 1.
        assert min(times[3:]) < 3 * min(times[:3])
        assert len(store.labels()) == 6000


def test_a_second_process_reads_while_the_first_has_it_open(
    store: Store, place: str | Path
) -> None:
    store.add_label(label())
    program = (
        "import sys; from prefloop.store.store import Store\n"
        "store = Store.open(sys.argv[1], read_only=True)\n"
        "print(len(store.samples()), store.labels()[0].chosen, store.verify_chain())"
    )
    with store._database.writing():
        done = subprocess.run(
            [sys.executable, "-c", program, str(place)], capture_output=True, text=True, check=True
        )
    assert done.stdout.split() == ["12", "s3", str(N_FILLED + 1)]
