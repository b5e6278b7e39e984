"""Questions made from samples, and answers gathered into a real store."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from prefloop.comparisons.collect_labels import BATCH, collect_labels
from prefloop.comparisons.labelers.registry import build_labelers
from prefloop.comparisons.selection.builder import make_comparisons
from prefloop.errors import InputError, SettingsError
from prefloop.records import Comparison, Label, Prompt, Sample
from prefloop.settings.comparisons import ComparisonsConfig, SyntheticConfig
from prefloop.settings.run import RunConfig
from prefloop.settings.task import TaskConfig
from prefloop.store.store import Store
from tests.unit.comparisons.builders import make_label, make_prompt, make_samples

TASK = TaskConfig(name="custom", question="Which is longest?", instructions_version="3")
WORDS = ("one", "one two", "one two three", "one two three four")
N = 40


def material(n: int = N) -> tuple[dict[str, Prompt], list[Sample]]:
    prompts = [make_prompt(i) for i in range(n)]
    return {p.id: p for p in prompts}, [s for p in prompts for s in make_samples(WORDS, prompt=p)]


def config(**changes: Any) -> RunConfig:
    synthetic = SyntheticConfig(labelers=5, scorers={"length": 1.0})
    comparisons = ComparisonsConfig(**{"synthetic": synthetic} | changes)
    return RunConfig(task=TASK, comparisons=comparisons)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "prefloop.db") as opened:
        prompts, samples = material()
        opened.add_prompts(list(prompts.values()))
        opened.add_samples(samples)
        opened.add_comparisons(make_comparisons(samples, prompts, round=0, per_prompt=4))
        yield opened


def gather(
    store: Store,
    settings: RunConfig,
    comparisons: Sequence[Comparison],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    return collect_labels(
        build_labelers(settings),
        comparisons,
        store,
        overlap=settings.comparisons.overlap,
        seed=settings.seed,
        progress=progress,
    )


def by_id(labels: Sequence[Label]) -> dict[str, Label]:
    return {label.id: label for label in labels}


def test_every_question_is_answered_as_often_as_asked(store: Store) -> None:
    seen = []
    comparisons = store.comparisons()
    n = gather(
        store, config(overlap=3), comparisons, lambda done, total: seen.append((done, total))
    )
    labels = store.labels()
    assert n == len(labels) == 3 * N
    assert len({(x.comparison_id, x.labeler) for x in labels}) == 3 * N
    assert len({x.labeler for x in labels}) == 5
    assert {x.instructions for x in labels} == {"3"}
    assert seen == [(0, 120), (BATCH, 120), (2 * BATCH, 120), (120, 120)]


def test_asking_again_adds_nothing(store: Store) -> None:
    comparisons = store.comparisons()
    gather(store, config(), comparisons)
    before = store.labels()
    assert gather(store, config(), comparisons) == 0
    assert store.labels() == before


def test_interrupted_and_taken_up_equals_one_call(store: Store, tmp_path: Path) -> None:
    comparisons = store.comparisons()

    def stop(done: int, total: int) -> None:
        if done >= BATCH:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gather(store, config(overlap=2), comparisons, stop)
    assert len(store.labels()) == BATCH
    assert gather(store, config(overlap=2), comparisons) == 2 * N - BATCH
    with Store.open(tmp_path / "other.db") as other:
        prompts, samples = material()
        other.add_prompts(list(prompts.values()))
        other.add_samples(samples)
        other.add_comparisons(comparisons)
        gather(other, config(overlap=2), comparisons)
        assert by_id(other.labels()) == by_id(store.labels())


def test_more_overlap_later_keeps_what_is_there(store: Store) -> None:
    comparisons = store.comparisons()
    gather(store, config(overlap=1), comparisons)
    once = by_id(store.labels())
    assert gather(store, config(overlap=2), comparisons) == N
    assert once.items() <= by_id(store.labels()).items()


def test_a_persons_answer_counts_and_a_skip_is_asked_of_somebody_else(store: Store) -> None:
    comparisons = store.comparisons()
    first, second = comparisons[:2]
    store.add_labels(
        [make_label(first, "ann", "best", first.sample_ids[0]), make_label(second, "ann", "skip")]
    )
    assert gather(store, config(), [first, second]) == 1
    answered = sorted(x.comparison_id for x in store.labels())
    assert answered == sorted([first.id, second.id, second.id])


def test_more_overlap_than_labelers_is_refused(store: Store) -> None:
    asked = config().comparisons.model_copy(update={"overlap": 6})
    with pytest.raises(SettingsError, match="overlap is 6, but only 5 labelers"):
        gather(store, config().model_copy(update={"comparisons": asked}), store.comparisons())


def test_an_unknown_labeler_is_refused_with_a_guess(store: Store) -> None:
    with pytest.raises(SettingsError, match="did you mean 'synthetic'"):
        gather(store, config(labelers="sinthetic"), store.comparisons())


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "desk-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: desk\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[prefloop.labelers]\neditor = desk_labelers:Editor\nimpostor = desk_labelers:Editor\n"
    )
    (tmp_path / "desk_labelers.py").write_text(
        "from prefloop.records import Label\n"
        "class Editor:\n"
        "    def answer(self, question):\n"
        "        c = question.comparison\n"
        "        return Label(id='e' + c.id, comparison_id=c.id, labeler='editor', answer='best',\n"
        "                     chosen=c.sample_ids[0], shown=c.sample_ids, seconds=1.0,\n"
        "                     instructions='1')\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))


def test_a_package_registers_a_labeler_with_one_line(store: Store, editor: None) -> None:
    assert gather(store, config(labelers="editor"), store.comparisons()) == N
    assert {x.labeler for x in store.labels()} == {"editor"}


def test_a_labeler_must_sign_with_its_own_name(store: Store, editor: None) -> None:
    with pytest.raises(InputError, match="'impostor' signs as 'editor'"):
        gather(store, config(labelers="impostor"), store.comparisons())
    assert store.labels() == []


def test_labels_name_samples_not_positions(store: Store) -> None:
    """The silent twin of the sign flip: an index into another order."""
    quiet = config(synthetic=SyntheticConfig(labelers=5, scorers={"length": 1.0}, disagreement=0.0))
    comparisons = {c.id: c for c in store.comparisons()}
    gather(store, quiet, list(comparisons.values()))
    labels = store.labels()
    longest = [comparisons[x.comparison_id].sample_ids[3] for x in labels]
    assert [x.chosen for x in labels] == longest
    by_position = [
        comparisons[x.comparison_id].sample_ids[x.shown.index(str(x.chosen))] for x in labels
    ]
    assert by_position != longest
