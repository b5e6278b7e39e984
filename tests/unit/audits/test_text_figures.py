"""No text is measured twice, and what cannot be used again is measured anew."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from prefloop.audits import text_figures as module
from prefloop.audits.measures import ROW, TextGroup, measure_groups
from prefloop.audits.text_figures import text_figures
from prefloop.progress import Silent
from prefloop.store.store import Store
from tests.unit.audits.worlds import World, fill


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "prefloop.db") as store:
        fill(store, World(n_questions=12))
        yield store


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many texts each call measured."""
    counts: list[int] = []

    def counting(groups: Sequence[TextGroup]) -> np.ndarray:
        counts.append(sum(len(texts) for _, texts in groups))
        return measure_groups(groups)

    monkeypatch.setattr(module, "measure_groups", counting)
    return counts


def ids(store: Store) -> list[str]:
    return [sample.id for sample in store.samples()]


def test_figures_are_kept_and_only_what_is_new_is_measured(
    store: Store, tmp_path: Path, measured: list[int]
) -> None:
    file, names = tmp_path / "audits" / "t.safetensors", ids(store)
    few = text_figures(store, names[:20], file, Silent())
    everything = text_figures(store, names, file, Silent())
    again = text_figures(store, names[::-1], file, Silent())
    assert measured == [20, 28]
    np.testing.assert_array_equal(everything[:20], few)
    np.testing.assert_array_equal(again[::-1], everything)


def test_figures_belong_to_their_samples(store: Store, tmp_path: Path) -> None:
    samples = store.samples()
    prompts = {prompt.id: prompt.text for prompt in store.prompts()}
    rows = text_figures(store, ids(store), tmp_path / "t.safetensors", Silent())
    alone = [measure_groups([(prompts[s.prompt_id], [s.text])])[0] for s in samples]
    np.testing.assert_array_equal(rows, np.array(alone))


def test_other_measures_are_another_version(
    store: Store, tmp_path: Path, measured: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "t.safetensors"
    text_figures(store, ids(store), file, Silent())
    monkeypatch.setattr(module, "measures_version", lambda: "another")
    text_figures(store, ids(store), file, Silent())
    assert measured == [48, 48]


def test_a_damaged_file_is_made_anew(store: Store, tmp_path: Path, measured: list[int]) -> None:
    file = tmp_path / "t.safetensors"
    text_figures(store, ids(store), file, Silent())
    file.write_bytes(file.read_bytes()[:100])
    text_figures(store, ids(store), file, Silent())
    text_figures(store, ids(store), file, Silent())
    assert measured == [48, 48]


def test_where_nothing_can_be_written_texts_are_measured_each_time(
    store: Store, tmp_path: Path, measured: list[int]
) -> None:
    (tmp_path / "in the way").write_text("a file")
    file = tmp_path / "in the way" / "t.safetensors"
    for _ in range(2):
        assert text_figures(store, ids(store), file, Silent()).shape == (48, ROW)
    assert measured == [48, 48]


def test_processes_give_the_same_figures(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = text_figures(store, ids(store), tmp_path / "one.safetensors", Silent())
    monkeypatch.setattr(module, "IN_PARALLEL", 1)
    monkeypatch.setattr(module, "CHUNK", 10)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    both = text_figures(store, ids(store), tmp_path / "two.safetensors", Silent())
    np.testing.assert_array_equal(alone, both)
