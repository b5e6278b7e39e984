"""Who takes what copies, compared with others on the same questions."""

import numpy as np

from prefloop.comparisons.quality.copying_preference import copying_findings, copying_preference
from prefloop.comparisons.quality.label_history import LabelHistory, QuestionStats, measure_question
from prefloop.comparisons.quality.thresholds import Thresholds
from tests.unit.comparisons.builders import make_question
from tests.unit.comparisons.quality.answers import label

THRESHOLDS = Thresholds()


def crowd(seed: int, copies: dict[str, float], *, n: int = 100) -> LabelHistory:
    """Return labels of people who take the copy this often; sample 0 is the copy."""
    rng = np.random.default_rng(seed)
    labels = [
        label(f"q{i}", name, 0 if rng.random() < share else 1, shown=rng.permutation(2).tolist())
        for name, share in copies.items()
        for i in range(n)
    ]
    question_stats = {f"q{i}": QuestionStats(n_words=40, copies_most=f"q{i}-0") for i in range(n)}
    return LabelHistory(labels=labels, question_stats=question_stats)


PEERS = {f"peer-{i}": 0.5 for i in range(8)}


def test_a_copy_lover_is_found_and_asked() -> None:
    findings = copying_findings(crowd(0, PEERS | {"copies": 0.9}), THRESHOLDS)
    [found] = [f for f in findings if f.status == "found"]
    assert (found.labeler, found.action) == ("copies", "ask")
    assert found.value is not None
    assert found.interval is not None
    assert found.interval.low > 0.15
    assert "Chooses copies far more than others do" in found.message


def test_if_everybody_takes_copies_nobody_is_told_but_the_overall_figure_is() -> None:
    history = crowd(1, dict.fromkeys(PEERS, 0.85))
    assert [f.labeler for f in copying_findings(history, THRESHOLDS) if f.status == "found"] == []
    choice = copying_preference(history)
    assert choice is not None
    assert choice.estimate.interval.low > choice.chance == 0.5
    assert "guessing would give 50 %" in choice.message


def test_one_who_takes_copies_less_than_others_is_no_copy_lover() -> None:
    findings = copying_findings(crowd(2, PEERS | {"avoids": 0.1}), THRESHOLDS)
    assert all(f.status == "not found" for f in findings)


def test_alone_on_the_questions_there_is_nothing_to_compare_with() -> None:
    [finding] = copying_findings(crowd(3, {"copies": 1.0}), THRESHOLDS)
    assert (finding.status, finding.n) == ("not enough evidence", 0)


def test_always_and_never_are_told_apart_though_nothing_varies() -> None:
    history = crowd(4, {f"never-{i}": 0.0 for i in range(6)} | {"always": 1.0})
    found = {f.labeler for f in copying_findings(history, THRESHOLDS) if f.status == "found"}
    assert found == {"always"}


def test_questions_without_a_clear_copy_do_not_count() -> None:
    history = crowd(5, PEERS | {"copies": 0.9})
    blank = {name: QuestionStats(n_words=40, copies_most=None) for name in history.question_stats}
    unclear = LabelHistory(labels=history.labels, question_stats=blank)
    assert {f.status for f in copying_findings(unclear, THRESHOLDS)} == {"not enough evidence"}
    assert copying_preference(unclear) is None


def test_the_wording_of_a_question() -> None:
    prompt = "the old mill stood by the river"
    question = make_question(["the old mill stood there", "a boat passed"], prompt_text=prompt)
    wording = measure_question(question)
    assert wording == QuestionStats(n_words=7 + 5 + 3, copies_most="p0-s0")
    even = make_question(["by the river", "by the river"], prompt_text=prompt)
    assert measure_question(even).copies_most is None
