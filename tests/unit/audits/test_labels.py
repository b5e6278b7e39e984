"""The audit of a run's labels, on simulated labelers whose rules are known."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prefloop.audits import labels as module
from prefloop.audits.answers import AnswerTable, answer_table
from prefloop.audits.findings import left_out_lines
from prefloop.audits.labels import audit_labels, write_label_audit
from prefloop.figures.check_result import CheckResult
from prefloop.figures.label_audit import LabelAuditFigures, ShortcutFigures
from prefloop.figures.label_audit_text import audit_head, differences
from prefloop.figures.text import percent
from prefloop.progress import Silent
from prefloop.records import Answer
from prefloop.run_file import parse_run
from prefloop.run_folder import LABEL_AUDIT, read_label_audit
from prefloop.settings.run import RunConfig
from prefloop.store.store import Store
from tests.unit.audits.worlds import World, fill, sentence

Audit = Callable[..., LabelAuditFigures]


def config(task: str = "summarization", per_prompt: int = 4, **audits: Any) -> RunConfig:
    raw = {"task": task, "comparisons": {"labelers": "people"}, "audits": audits}
    raw["samples"] = {"per_prompt": per_prompt}
    return parse_run(raw, "run.yaml")


@pytest.fixture
def audit(tmp_path: Path, sqlite_template: Path) -> Iterator[Audit]:
    """Audits a world's labels in a folder of its own."""
    stores: list[Store] = []

    def audit(world: World, settings: RunConfig | None = None) -> LabelAuditFigures:
        folder = tmp_path / str(len(stores))
        folder.mkdir()
        (folder / "prefloop.db").write_bytes(sqlite_template.read_bytes())
        store = Store.open(folder / "prefloop.db")
        stores.append(store)
        fill(store, world)
        figures = audit_labels(store, settings or config(), folder, Silent())
        write_label_audit(folder, figures)
        assert read_label_audit(folder) == figures
        return figures

    yield audit
    for store in stores:
        store.close()


def found(figures: LabelAuditFigures, name: str) -> ShortcutFigures:
    return next(s for s in figures.shortcuts if s.name == name)


def finding(figures: LabelAuditFigures, check: str) -> CheckResult:
    return next(f for f in figures.findings if f.check == check)


UNASKED, COPIES = "no shortcut explains the choices", "copies are not preferred"
HURRY = "fast answers go by no shortcut"


def test_copying_is_found_with_its_share_and_said_in_words(audit: Audit) -> None:
    figures = audit(World(n_questions=300, weights={"copied_sentences": 2.5}))
    best = figures.shortcuts[0]
    assert best.name in ("copied_sentences", "copied_words")
    assert best.is_beyond_chance and best.agreement.lies_above(0.25) and best.agreement.n == 300
    told = finding(figures, UNASKED)
    assert told.status == "warn" and "how to treat copying" in told.action
    assert told.message.startswith("A rule that only counts ")
    assert "(more wins) agrees with" in told.message and "of 300 choices" in told.message
    assert finding(figures, COPIES).status == "warn"
    assert figures.first_warning == told


def test_labelers_who_go_by_nothing_known_are_not_accused(audit: Audit) -> None:
    for seed in range(5):
        figures = audit(World(n_questions=150, seed=seed))
        assert figures.first_warning is None
        assert all(f.status in ("ok", "later") for f in figures.findings)


def test_each_rule_is_told_from_the_others(audit: Audit) -> None:
    for name, weight, wins in (("length", -4.0, "less"), ("position", 3.0, "shown earlier")):
        figures = audit(World(n_questions=250, weights={name: weight}, copies=0.2))
        assert figures.shortcuts[0].name == name
        assert f"({wins} wins)" in finding(figures, UNASKED).message
        others = [s for s in figures.shortcuts if s.name != name and not s.name.startswith("cop")]
        assert all(abs(s.coefficient.value) < 0.5 for s in others)


def test_labelers_and_versions_that_differ_are_shown(audit: Audit) -> None:
    world = World(
        n_questions=600,
        weights={"length": 1.0},
        labelers=tuple("abcdef"),
        version_of=lambda number: "1" if number < 300 else "2",
    )
    length = found(audit(world), "length")
    assert length.spread is not None and length.spread.labelers == 6
    assert length.spread.least.coefficient <= length.spread.most.coefficient
    assert [v.version for v in length.versions] == ["1", "2"]
    assert all(v.coefficient.n == 300 for v in length.versions)


def test_how_many_answers_and_questions_it_takes_is_said(audit: Audit) -> None:
    figures = audit(World(n_questions=110, n_samples=2, copies=0.05), config(per_prompt=2))
    contrast = figures.contrast
    assert contrast is not None and 0 < contrast.answers < 27
    told = finding(figures, COPIES)
    assert told.status == "later"
    assert f"in {percent(contrast.taken.value if contrast.taken else None)} of" in told.message
    assert "122 such answers, each about another prompt, tell it" in told.message
    needed = math.ceil(122 * 110 / contrast.answers)
    assert (
        "of 110 questions have a copy beside a sample that is none. At the rate so far it takes "
        f"{needed:,} questions."
    ) in told.message
    assert "With samples.per_prompt 4 more questions have one." in told.message


@pytest.mark.parametrize(
    ("world", "told"),
    [
        (World(n_questions=60), "60 choices of a sample, and 100 are needed"),
        (World(n_questions=120, ties=1.0), "none of 120 labels chooses a sample"),
        (World(n_questions=120, prompts=3), "all answers are about 3 prompts, and 10 are needed"),
    ],
    ids=["too few", "all ties", "three prompts"],
)
def test_without_enough_labels_it_says_what_is_missing(
    audit: Audit, world: World, told: str
) -> None:
    figures = audit(world)
    assert figures.shortcuts == () and figures.together is None
    assert told in figures.left_out["shortcuts"]
    assert finding(figures, UNASKED).status == "later"
    assert told in finding(figures, UNASKED).message


def test_no_label_at_all_is_said(tmp_path: Path, sqlite_template: Path) -> None:
    (tmp_path / "prefloop.db").write_bytes(sqlite_template.read_bytes())
    with Store.open(tmp_path / "prefloop.db") as store:
        figures = audit_labels(store, config(), tmp_path, Silent())
    assert "there is no label yet" in figures.left_out["shortcuts"]
    assert left_out_lines(figures.left_out) == [], "a finding has said it"
    assert figures.contrast is None and figures.chance is None


def test_one_labeler_who_did_everything_speaks_for_themselves(audit: Audit) -> None:
    figures = audit(World(n_questions=150, labelers=("ann",), weights={"length": 1.0}))
    assert figures.notes == ("ann gave all answers: the intervals are about this labeler only.",)
    assert "for these labelers only" in figures.shortcuts[0].coefficient.how
    assert figures.shortcuts[0].spread is None


def test_two_labelers_are_warned_of_as_one_and_as_many_are(audit: Audit) -> None:
    for labelers in ("ab", "abc", "abcde"):
        figures = audit(
            World(n_questions=150, labelers=tuple(labelers), weights={"length": 6.0}, copies=0.2)
        )
        assert finding(figures, UNASKED).status == "warn"
        is_few = len(labelers) < 5
        assert ("for these labelers only" in figures.shortcuts[0].agreement.how) == is_few
        assert any("about these labelers only" in note for note in figures.notes) == is_few


def test_prompts_that_are_no_source_leave_copying_out(audit: Audit) -> None:
    figures = audit(World(n_questions=120, source="Write about boats, please.", copies=0))
    for name in ("copied_words", "copied_sentences", "starts_copied"):
        assert "the prompts are no source to copy from" in figures.left_out[name]
    assert figures.contrast is None and figures.shortcuts


def test_a_script_without_spaces_is_audited_without_english_word_lists(audit: Audit) -> None:
    def text(rng: np.random.Generator) -> str:
        return (
            "".join(rng.choice(list("我们去公园散步天气很好"), size=int(rng.integers(4, 12))))
            + "。"
        )

    source = "我们去公园散步。天气很好。他们在家里看书喝茶聊天。"
    figures = audit(World(n_questions=120, text=text, source=source, weights={"length": 3.0}))
    assert "in Latin script" in figures.left_out["rated_words"]
    told = "\n".join(left_out_lines(figures.left_out))
    assert "positive words: it rates English words" in told and "rated_words" not in told
    assert figures.shortcuts[0].name == "length"


@pytest.mark.parametrize("said", ["", "\u200b\u200b", "😀🎉", "The same again."])
def test_texts_of_which_no_rule_tells_anything_are_no_pass(audit: Audit, said: str) -> None:
    told = finding(audit(World(n_questions=150, text=lambda rng: said)), UNASKED)
    assert told.status == "later"
    assert told.message.startswith("Whether a rule about the texts explains the choices cannot be")
    assert (
        "only looks at where a sample was shown" in told.message and "150 choices" in told.message
    )


def test_four_samples_are_not_asked_for_where_there_are_four(audit: Audit) -> None:
    told = finding(audit(World(n_questions=110, copies=0.01)), COPIES)
    assert told.status == "later" and "per_prompt" not in told.message


def test_labels_without_times_have_no_speed(audit: Audit) -> None:
    figures = audit(World(n_questions=120, is_timed=False))
    assert all(s.when_fast is None for s in figures.shortcuts)
    assert [f.check for f in figures.findings] == [UNASKED, COPIES]


def test_what_the_task_asks_for_is_no_shortcut(audit: Audit) -> None:
    def text(rng: np.random.Generator) -> str:
        mood = rng.choice(["good happy love", "bad sad hate", "road mill boat"])
        return f"{sentence(rng, 6)} {mood}."

    world = World(n_questions=150, text=text, weights={"rated_words": 8.0})
    asked, unasked = audit(world, config("sentiment")), audit(world, config("summarization"))
    assert asked.shortcuts[0].name == unasked.shortcuts[0].name == "rated_words"
    assert finding(asked, UNASKED).status == "ok"
    assert finding(unasked, UNASKED).status == "warn"


def test_a_version_without_a_name_or_of_one_question_is_said_in_whole_words(audit: Audit) -> None:
    world = World(
        n_questions=30,
        answers_each=6,
        version_of=lambda number: "" if number < 29 else "2",
    )
    said = " ".join(differences(audit(world, config(least_choices=6))))
    assert "under a version without a name (" in said
    assert "under version 2 (6 answers)" in said


@pytest.mark.parametrize("answer", ["all_bad", "flag", "skip"])
def test_labels_that_choose_nothing_are_neither_absent_nor_ties(
    tmp_path: Path, sqlite_template: Path, answer: Answer
) -> None:
    (tmp_path / "prefloop.db").write_bytes(sqlite_template.read_bytes())
    with Store.open(tmp_path / "prefloop.db") as store:
        labels = fill(store, World(n_questions=30))
        store.add_labels(
            [replace(x, id=f"{x.id} again", answer=answer, chosen=None) for x in labels]
        )
        figures = audit_labels(store, config(), tmp_path, Silent())
    assert "none of 30 labels chooses a sample" in figures.left_out["shortcuts"]
    assert "tie," not in audit_head(figures) and "ties" not in audit_head(figures)


def test_whose_answers_do_not_count_is_said(tmp_path: Path, sqlite_template: Path) -> None:
    (tmp_path / "prefloop.db").write_bytes(sqlite_template.read_bytes())
    with Store.open(tmp_path / "prefloop.db") as store:
        labels = fill(store, World(n_questions=120))
        assert audit_labels(store, config(), tmp_path, Silent()).notes == ()
        store.exclusions.apply("spam", "labeler 3", "always the first", "owner")
        figures = audit_labels(store, config(), tmp_path, Silent())
    assert figures.labels == sum(label.labeler != "labeler 3" for label in labels)
    assert figures.notes == ("Left out are the answers of those who are excluded: labeler 3.",)


def test_figures_of_other_code_or_of_another_form_are_made_again(
    tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "prefloop.db").write_bytes(sqlite_template.read_bytes())
    with Store.open(tmp_path / "prefloop.db") as store:
        fill(store, World(n_questions=30))
        first = audit_labels(store, config(), tmp_path, Silent())
        write_label_audit(tmp_path, first.model_copy(update={"notes": ("what was wrong",)}))
        assert audit_labels(store, config(), tmp_path, Silent()).notes == ("what was wrong",)
        (tmp_path / LABEL_AUDIT).write_text('{"of": "another version"}')
        assert audit_labels(store, config(), tmp_path, Silent()) == first
        write_label_audit(tmp_path, first.model_copy(update={"notes": ("what was wrong",)}))
        monkeypatch.setattr(module, "source_hash", lambda module: "of other code")
        assert audit_labels(store, config(), tmp_path, Silent()).notes == first.notes


def test_an_audit_of_the_same_labels_is_read_and_not_made_again(
    tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "prefloop.db").write_bytes(sqlite_template.read_bytes())
    with Store.open(tmp_path / "prefloop.db") as store:
        labels = fill(store, World(n_questions=110))
        first = audit_labels(store, config(), tmp_path, Silent())
        write_label_audit(tmp_path, first)
        made: list[int] = []

        def counting(*given: Any) -> AnswerTable:
            made.append(1)
            return answer_table(*given)

        monkeypatch.setattr(module, "answer_table", counting)
        assert audit_labels(store, config(), tmp_path, Silent()) == first
        assert made == []
        store.withdraw_label(labels[0].id)
        assert audit_labels(store, config(), tmp_path, Silent()).labels == 109
        assert made == [1]
