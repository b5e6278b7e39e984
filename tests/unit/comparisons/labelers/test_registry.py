"""Labelers of other packages: their settings, their sources, and their mistakes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from prefloop.choices import labeler_sources
from prefloop.comparisons.collect_labels import collect_labels
from prefloop.comparisons.labelers.registry import build_labelers
from prefloop.comparisons.labelers.sources import labeler_groups, labeler_kind
from prefloop.errors import InputError, SettingsError
from prefloop.run_file import parse_run
from prefloop.settings.run import RunConfig
from prefloop.store.store import Store
from tests.unit.comparisons.builders import make_question

SOURCE = '''
from prefloop.records import Label
from prefloop.settings.section import Section


class Editor:
    """Takes the sample at a position."""

    kind = "program"

    class Settings(Section):
        position: int = 0

    @staticmethod
    def sources(settings):
        return {f"position {settings.position}"}

    def __init__(self, settings):
        if settings.position == 7:
            raise RuntimeError("no desk")
        self.position = settings.position

    def answer(self, question):
        c = question.comparison
        if self.position == 8:
            return "the first"
        return Label(id="e" + c.id, comparison_id=c.id, labeler="editor", answer="best",
                     chosen=c.sample_ids[self.position], shown=c.sample_ids, seconds=1.0,
                     instructions="1")


class Simulated(Editor):
    kind = "synthetic"
'''


@pytest.fixture(autouse=True)
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that registers two labelers."""
    info = tmp_path / "desk-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: desk\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[prefloop.labelers]\neditor = desk_with_settings:Editor\n"
        "simulated = desk_with_settings:Simulated\n"
    )
    (tmp_path / "desk_with_settings.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    question = make_question(["One.", "Two.", "Three."])
    with Store.open(tmp_path / "prefloop.db") as opened:
        opened.add_all(
            prompts=[question.prompt], samples=question.samples, comparisons=[question.comparison]
        )
        yield opened


def run(labelers: str = "editor", **options: Any) -> RunConfig:
    comparisons = {"labelers": labelers, "options": options}
    return parse_run({"comparisons": comparisons}, "run.yaml")


def collect(store: Store, config: RunConfig) -> list[str | None]:
    collect_labels(
        build_labelers(config),
        store.comparisons(),
        store,
        overlap=1,
        seed=1,
        progress=lambda done, total: None,
    )
    return [label.chosen for label in store.labels()]


def test_a_labeler_gets_its_settings(store: Store) -> None:
    assert collect(store, run(position=2)) == ["p0-s2"]


def test_without_options_it_has_its_defaults(store: Store) -> None:
    assert collect(store, run()) == ["p0-s0"]


@pytest.mark.parametrize(
    ("labelers", "options", "told"),
    [
        ("editor", {"positon": 1}, "comparisons.options.positon: no such setting. Did you mean po"),
        ("editor", {"position": "1"}, "comparisons.options.position: Input should be a valid int"),
        (
            "synthetic",
            {"flips": 0.5},
            "got flips. Write settings of these labelers in comp",
        ),
        ("people", {"port": 1}, "got port. Write settings of these labelers in comparisons.people"),
        ("none", {"port": 1}, "comparisons.labelers is 'none'; got port. Delete it."),
    ],
)
def test_options_that_do_not_fit_are_refused_when_the_run_file_is_read(
    labelers: str, options: dict[str, Any], told: str
) -> None:
    with pytest.raises(SettingsError, match=told.replace(".", r"\.")):
        run(labelers, **options)


def test_its_sources_may_depend_on_its_settings() -> None:
    assert labeler_sources(run(position=3)) == {"position 3"}


def test_a_constructor_that_raises_is_named() -> None:
    with pytest.raises(InputError, match=r"labeler 'editor' .* raised RuntimeError: no desk"):
        build_labelers(run(position=7))


def test_an_answer_that_raises_names_the_labeler_and_keeps_what_is_stored(store: Store) -> None:
    with pytest.raises(InputError, match=r"labeler 'editor' .* raised IndexError.*Nothing that"):
        collect(store, run(position=5))
    assert store.labels() == []


def test_an_answer_that_is_no_label_is_refused(store: Store) -> None:
    with pytest.raises(InputError, match=r"labeler 'editor' returned str; answer\(\) must return"):
        collect(store, run(position=8))


def test_a_registered_class_says_of_what_kind_it_is(store: Store) -> None:
    assert labeler_kind("editor", ()) == "program"
    assert labeler_kind("simulated", ()) == "synthetic"
    assert labeler_kind("editor", {"editor"}) == "person"
    collect(store, run(position=1))
    [group] = labeler_groups(store, run(position=1))
    assert group.kind == "program"
    assert group.sources == {"position 1"}
    [group] = labeler_groups(store, run("people"))
    assert group.sources == {"position 0"}
