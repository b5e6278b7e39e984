"""Who labeled, at what cost, and how far they agree: counted by hand."""

import math
from dataclasses import replace
from typing import Any

import pytest

from prefloop.comparisons.labelers.sources import LabelerGroup
from prefloop.records import Comparison, Label
from prefloop.report.labels import best_of, label_facts, unpaid_text, who_labels
from prefloop.settings.comparisons import ComparisonsConfig
from prefloop.settings.report import ReportConfig
from prefloop.teamwork import Exclusion

COMPARISONS = {
    f"c{i}": Comparison(
        id=f"c{i}",
        prompt_id=f"p{i}",
        sample_ids=("a", "b", "c", "d"),
        round=0,
        split="validation" if i == 2 else "train",
    )
    for i in range(3)
}


def _label(comparison: str, labeler: str, chosen: str | None, seconds: float = 36.0) -> Label:
    return Label(
        id=f"{comparison}-{labeler}",
        comparison_id=comparison,
        labeler=labeler,
        answer="tie" if chosen is None else "best",
        chosen=chosen,
        shown=("a", "b", "c", "d"),
        seconds=seconds,
        instructions="1",
    )


LABELS = [
    _label("c0", "ann", "a"),
    _label("c0", "bob", "a"),
    _label("c1", "ann", "b"),
    _label("c1", "bob", "c"),
    _label("c2", "ann", None, seconds=180.0),
]


def test_cost_and_shares_by_hand() -> None:
    facts = label_facts(LABELS, COMPARISONS, ReportConfig(hourly_wage=20.0))
    assert (facts.n_labels, facts.n_train, facts.n_validation) == (5, 4, 1)
    assert facts.seconds == pytest.approx(324)
    assert facts.cost == pytest.approx(1.8)
    assert facts.answers == (("best", 4), ("tie", 1))
    ann, bob = facts.labelers
    assert (ann.name, ann.n_labels, ann.median_seconds) == ("ann", 3, 36.0)
    assert (ann.first_share, bob.first_share) == (0.5, 0.5)


def test_hours_are_the_servers_where_it_measured() -> None:
    facts = label_facts(
        LABELS,
        COMPARISONS,
        ReportConfig(hourly_wage=20.0),
        worked_seconds={label.id: 18.0 for label in LABELS if label.labeler == "ann"},
    )
    ann, bob = facts.labelers
    assert (ann.median_seconds, bob.median_seconds) == (18.0, 36.0)
    assert ann.hours == pytest.approx(3 * 18 / 3600)
    assert facts.seconds == pytest.approx(3 * 18 + 2 * 36)


def test_labels_without_a_time_are_counted_and_cost_nothing() -> None:
    imported = replace(LABELS[0], id="u", labeler="file", seconds=float("nan"))
    facts = label_facts([*LABELS, imported], COMPARISONS, ReportConfig(hourly_wage=20.0))
    assert (facts.n_labels, facts.n_timed) == (6, 5)
    assert facts.seconds == pytest.approx(324)
    (row,) = [row for row in facts.labelers if row.name == "file"]
    assert (row.median_seconds, row.hours, row.cost) == (None, None, None)


def test_chance_is_that_of_the_samples_shown() -> None:
    """Four questions of four samples and one of two, whatever the settings say."""
    pair = Comparison(id="pair", prompt_id="p9", sample_ids=("a", "b"), round=0, split="train")
    imported = replace(LABELS[0], id="u", comparison_id="pair", shown=("b", "a"))
    skipped = replace(imported, id="v", labeler="bob", answer="skip", chosen=None)
    facts = label_facts([*LABELS, imported, skipped], COMPARISONS | {"pair": pair}, ReportConfig())
    assert facts.samples_shown == {2: 1, 4: 4}
    assert facts.accuracy_at_chance == pytest.approx((4 / 4 + 1 / 2) / 5)
    assert facts.loss_at_chance == pytest.approx((4 * math.log(4) + math.log(2)) / 5)
    assert best_of(facts.samples_shown) == "best of 2 to 4"
    nothing = label_facts([LABELS[4]], COMPARISONS, ReportConfig())
    assert (nothing.loss_at_chance, nothing.accuracy_at_chance) == (None, None)


def test_agreement_by_hand() -> None:
    """One of two questions is agreed on; four samples make chance a quarter."""
    facts = label_facts(LABELS, COMPARISONS, ReportConfig())
    assert facts.agreement is not None
    assert (facts.agreement.value, facts.agreement.n) == (0.5, 2)
    assert facts.chance == 0.25


def test_one_labeler_per_question_has_no_agreement() -> None:
    facts = label_facts([LABELS[0], LABELS[2]], COMPARISONS, ReportConfig())
    assert (facts.agreement, facts.chance) == (None, None)


def test_only_rules_in_force_are_told() -> None:
    rule = Exclusion(
        id="r",
        name="too fast",
        labeler="bob",
        reason="one second each",
        applied_by="olga",
        applied_at=1.0,
        n_labels=2,
    )
    undone = replace(rule, undone_by="olga", undone_at=2.0)
    facts = label_facts(LABELS, COMPARISONS, ReportConfig(), [undone, rule])
    assert facts.rules == (rule,)
    assert facts.n_labels == 5, "nothing is dropped from the page"


@pytest.mark.parametrize(
    ("labelers", "words"),
    [
        ("synthetic", "none yet, synthetic labelers to come"),
        ("people", "none yet, people to come"),
        ("none", "none yet, imported labels to come"),
        ("a_program", "none yet, the labeler “a_program” to come"),
    ],
)
def test_before_the_first_label_the_settings_say_who_labels(labelers: str, words: str) -> None:
    assert who_labels([], ComparisonsConfig(labelers=labelers)) == words


@pytest.mark.parametrize(
    ("sources", "words"),
    [
        ({"person:ann", "gpt-4o"}, "judged by ann, gpt-4o"),
        ({"imported:trl", "gpt-4o"}, "judged by gpt-4o"),
        ({f"m{i}" for i in range(6)}, "judged by m0, m1, m2, m3 and 2 more"),
    ],
)
def test_who_judged_what_was_imported_is_told(sources: set[str], words: str) -> None:
    group = LabelerGroup(kind="imported", labelers=("a",), n_labels=2, sources=frozenset(sources))
    told = who_labels([group], ComparisonsConfig())
    assert told == f"2 labels by 1 imported labeler ({words})"


def test_who_labeled_is_told_by_kind_whatever_the_settings_say() -> None:
    groups = [
        LabelerGroup(kind="person", labelers=("ann", "bob"), n_labels=7, sources=frozenset()),
        LabelerGroup(
            kind="imported", labelers=("file",), n_labels=1, sources=frozenset({"imported:file"})
        ),
    ]
    words = "7 labels by 2 people, 1 label by 1 imported labeler (who judged is not known)"
    assert who_labels(groups, ComparisonsConfig(labelers="synthetic")) == words


def test_nobody_is_paid_for_labels_of_programs_whatever_the_settings_say() -> None:
    made = LabelerGroup(kind="synthetic", labelers=("s",), n_labels=5, sources=frozenset())
    people = LabelerGroup(kind="person", labelers=("ann",), n_labels=7, sources=frozenset())
    assert unpaid_text([people]) == ""
    assert unpaid_text([made]).startswith("Synthetic labelers answered")
    assert "Nobody was paid for 5 labels by 1 synthetic labeler:" in unpaid_text([people, made])


def test_strengths_and_reasons_are_counted() -> None:
    said: list[dict[str, Any]] = [
        {"strength": "slightly", "reasons": ["shorter"]},
        {"strength": "slightly", "reasons": ["kinder", "shorter"]},
        {"strength": "clearly"},
        {},
    ]
    labels = [
        replace(_label("c0", f"l{n}", "a"), details=details) for n, details in enumerate(said)
    ]
    facts = label_facts(labels, COMPARISONS, ReportConfig())
    assert facts.strengths == (("slightly", 2), ("clearly", 1))
    assert facts.reasons == (("shorter", 2), ("kinder", 1))
    facts = label_facts(LABELS, COMPARISONS, ReportConfig())
    assert (facts.strengths, facts.reasons) == ((), ())
