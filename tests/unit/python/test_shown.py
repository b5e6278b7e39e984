"""What a notebook shows: figures, curves and texts; what models and users wrote is escaped."""

from html.parser import HTMLParser
from pathlib import Path

import pytest

import prefloop
from prefloop.figures.metrics_line import MetricsLine
from prefloop.python.notebook import NotebookProgress, is_notebook
from prefloop.python.showing import shown_progress
from prefloop.python.shown import (
    Responses,
    ShownRunFigures,
    TextPair,
    TextPairs,
    run_html,
)
from tests.unit.python.conftest import MakeRun

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)> \u202egnp.exe & `{{ 7*7 }}`"
ALLOWED = {
    *("div", "style", "p", "b", "table", "thead", "tbody", "tr", "th", "td", "figure"),
    *("figcaption", "svg", "title", "desc", "line", "text", "path", "circle", "progress"),
}


class Tags(HTMLParser):
    """Collects tags and attributes, and what stands between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.words += data


def read(html: str) -> Tags:
    """Return what a browser would see; nothing in it may load or run anything."""
    found = Tags(html)
    assert set(found.tags) <= ALLOWED
    named = {name for name, _ in found.attributes}
    assert not {"src", "href", "srcdoc"} & named and not [n for n in named if n.startswith("on")]
    assert "\u202e" not in html
    return found


def figures_of(name: str, *lines: MetricsLine) -> ShownRunFigures:
    return ShownRunFigures(name=name, metrics=lines, evaluations=(), trusts=())


def updates(n: int) -> list[MetricsLine]:
    return [
        MetricsLine(
            stage="policy",
            round=0,
            update=k,
            episodes=8 * k,
            values={"policy/score": 0.5 * k, "policy/kl": 0.25 * k, "policy/entropy": 1.0},
        )
        for k in range(1, n + 1)
    ]


def test_texts_of_models_are_shown_and_never_run() -> None:
    responses = Responses([HOSTILE], [[HOSTILE, ""]], "policy/update-2")
    assert responses == [[HOSTILE, ""]] and responses.prompts == (HOSTILE,)
    shown = read(responses._repr_html_())
    assert shown.words.count("<script>alert(1)</script>") == 2
    assert "⟨U+202E⟩gnp.exe & `{{ 7*7 }}`" in shown.words and "(empty)" in shown.words
    assert "policy after update 2" in shown.words
    pairs = TextPairs([TextPair(HOSTILE, "before", HOSTILE)], "policy/update-2")
    assert pairs[0].before == "before"
    shown = read(pairs._repr_html_())
    assert shown.words.count("<script>alert(1)</script>") == 2
    assert "before (reference)" in shown.words and "after (policy after update 2)" in shown.words


def test_a_run_shows_its_curves_and_its_name_is_escaped(tmp_path: Path) -> None:
    figures = figures_of(HOSTILE, *updates(3))
    shown = read(figures._repr_html_())
    assert "3 updates of the policy by ppo, 24 episodes" in shown.words
    assert "<script>alert(1)</script>" in shown.words
    assert shown.tags.count("svg") == 2 and "nats per response" in shown.words
    assert "report has more" not in shown.words
    report = tmp_path / "<b>.html"
    report.touch()
    assert str(report) in read(run_html(figures, report)).words


def test_ids_of_drawings_are_unique_over_a_notebook() -> None:
    figures = figures_of("run", *updates(2))
    found = read(figures._repr_html_() + figures._repr_html_())
    ids = [value for name, value in found.attributes if name == "id"]
    assert len(ids) == len(set(ids)) == 8


def test_a_run_without_a_policy_is_shown_as_such() -> None:
    shown = read(figures_of("run")._repr_html_())
    assert "run: 0 updates of the policy, 0 episodes." in shown.words and "svg" not in shown.tags


def test_what_stands_for_figures_in_a_terminal_is_short() -> None:
    assert repr(figures_of("run", *updates(3))) == "<figures of 'run': 3 updates, 0 evaluations>"


def test_figures_pairs_and_verdicts_of_a_trained_run(make_run: MakeRun) -> None:
    run = make_run(policy={"episodes": 16, "batch_size": 8, "epochs": 1})
    with pytest.raises(prefloop.PrefloopError, match=r"has evaluated no policy yet"):
        run.pairs()
    assert read(run._repr_html_()).tags.count("svg") == 0
    figures = run.train()
    assert read(figures._repr_html_()).tags.count("svg") == 2
    assert "held-out judge" not in read(figures._repr_html_()).words, "there is no judge"
    evaluation = run.compare("length")
    shown = read(evaluation._repr_html_())
    assert evaluation.verdict in shown.words.replace("\u202f", " ").replace("\u2060", "")
    assert "length (a preference for length)" in shown.words
    assert repr(evaluation).startswith("<figures of 'policy/update-2': ")
    bounded = evaluation.model_copy(update={"kl": None, "kl_at_most": 1.8351})
    assert "at most 1.84 nats a response" in read(bounded._repr_html_()).words
    pairs = run.pairs(3)
    assert len(pairs) == 3 and run.pairs(3) == pairs
    assert pairs[0].before == run.pairs(1)[0].before
    with pytest.raises(prefloop.PrefloopError, match=r"n is 0; ask for one pair or more"):
        run.pairs(0)
    assert str(run.report) in read(run._repr_html_()).words
    assert read(run.sample("She laughed", n=2)._repr_html_()).tags.count("p") == 3


# progress


class Cell:
    """The output of a cell, as IPython's display hands it out."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shown: list[str] = []
        monkeypatch.setattr("IPython.display.display", self.display)

    def display(self, shown: object, *, display_id: bool) -> "Cell":
        assert display_id and not self.shown, "one place is written again"
        self.update(shown)
        return self

    def update(self, shown: object) -> None:
        self.shown.append(shown.data)  # type: ignore[attr-defined]


def test_progress_moves_in_one_place_of_the_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    cell, progress = Cell(monkeypatch), NotebookProgress()
    progress.close()
    assert cell.shown == [], "nothing was done, nothing is shown"
    progress.count("policy", 0, 4)
    for done in range(1, 5):
        progress.count("policy", done, 4, "score <b>1</b>")
    progress.say(HOSTILE)
    progress.count("policy", 1, 2)
    progress.close()
    shown = read(cell.shown[-1])
    assert "policy: 4 of 4 (score <b>1</b>)" in shown.words and "policy: 1 of 2" in shown.words
    assert "<script>alert(1)</script>" in shown.words
    assert len(cell.shown) < 6, "a bar moves now and then"
    bars = [value for name, value in shown.attributes if name == "value"]
    assert bars == ["4", "1"]


def test_a_notebook_is_told_from_a_script(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_notebook()
    kernel = type("Shell", (), {"kernel": object()})()
    monkeypatch.setattr("IPython.get_ipython", lambda: kernel)
    assert is_notebook()
    with shown_progress(quiet=False) as progress:
        assert isinstance(progress, NotebookProgress)
    monkeypatch.setattr("IPython.get_ipython", lambda: object())
    assert not is_notebook(), "a shell in a terminal shows no HTML"
