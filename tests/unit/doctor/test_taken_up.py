"""The doctor says whether the policy took up what its labels reward unasked."""

from pathlib import Path
from typing import Any

import pytest

from prefloop.doctor.measured import check_measured
from prefloop.doctor.taken_up import CHECK, TAKEN_UP, check_taken_up
from prefloop.doctor.watch import check_watch
from prefloop.doctor.worst import conclusion, worst
from prefloop.figures.check_result import CheckResult
from prefloop.figures.label_audit import ContrastFigures, LabelAuditFigures, ShortcutFigures
from prefloop.run_file import parse_run
from prefloop.run_folder import RunFigures
from tests.unit.audits.rollouts import records
from tests.unit.doctor.test_label_audit import audit
from tests.unit.report.test_label_audit import shortcut

PEOPLE = {"comparisons": {"labelers": "people"}}
CONFIG = parse_run({"task": "summarization", **PEOPLE}, "run.yaml")
COPIES = shortcut("copied_words", 0.44, 0.40, 0.49)


def run(figures: LabelAuditFigures | None, *rows: dict[str, float]) -> RunFigures:
    return RunFigures(
        name="run",
        metrics=tuple(records(rows)),
        evaluations=(),
        trusts=(),
        label_audit=figures,
    )


def drifted(by: float, name: str = "copied_words", n: int = 4) -> list[dict[str, float]]:
    return [{f"drift_{name}": 0.0}] * 2 + [{f"drift_{name}": by}] * n


def of_other_sign(rule: ShortcutFigures) -> ShortcutFigures:
    alone = rule.alone.model_copy(update={"value": -rule.alone.value})
    return rule.model_copy(update={"alone": alone})


def check(figures: LabelAuditFigures | None, *rows: dict[str, float]) -> list[CheckResult]:
    return check_taken_up(CONFIG, run(figures, *rows))


def test_labels_that_were_warned_of_are_bad_once_the_policy_went_their_way() -> None:
    (result,) = check(audit(COPIES), *drifted(2.09))
    assert (result.stage, result.check, result.status) == ("comparisons", CHECK, "bad")
    assert "newest 4 updates is +2.09 standard deviations" in result.message
    assert "agrees with 44 % of 200 choices" in result.message
    assert "how to treat copying" in result.action


@pytest.mark.parametrize(("by", "status"), [(TAKEN_UP, "bad"), (TAKEN_UP - 0.01, "ok")])
def test_a_policy_that_stayed_is_no_reason(by: float, status: str) -> None:
    (result,) = check(audit(COPIES), *drifted(by))
    assert result.status == status and bool(result.action) == (status == "bad")


def test_labels_that_pay_for_less_are_taken_up_by_writing_less() -> None:
    less = of_other_sign(shortcut("length", 0.44, 0.40, 0.49))
    (result,) = check(audit(less), *drifted(-1.5, "length"))
    assert result.status == "bad" and "Length (less)" in result.message
    assert "updates is −1.50 standard deviations from that of its first" in result.message
    (result,) = check(audit(less), *drifted(1.5, "length"))
    assert result.status == "ok" and "updates is +1.50 standard deviations" in result.message
    assert "labels pull. Length (less)" in result.message


def test_what_went_furthest_is_named() -> None:
    rows = [{"drift_copied_words": 1.2, "drift_length": 3.0}] * 4
    (result,) = check(audit(COPIES, shortcut("length", 0.44, 0.40, 0.49)), *rows)
    assert "Length (more)" in result.message


def test_the_contrast_of_copies_is_a_warning_too() -> None:
    weak = COPIES.model_copy(update={"skill": 0.05})
    assert check(audit(weak), *drifted(2.0)) == []
    figures = with_copies_taken(audit(weak))
    (result,) = check(figures, *drifted(2.0))
    assert result.status == "bad" and "the copy was taken in 71 % of 200 answers" in result.message


def test_copies_that_are_taken_are_not_taken_up_by_copying_less() -> None:
    """A rule about words may go the other way than the contrast of whole copies."""
    less = of_other_sign(COPIES)
    weak = less.model_copy(update={"skill": 0.05})
    assert check(with_copies_taken(audit(weak)), *drifted(-2.0)) == []
    (result,) = check(with_copies_taken(audit(less)), *drifted(-2.0))
    assert result.status == "bad" and "the copy was taken" not in result.message
    assert "(less wins) agrees with 44 %" in result.message


def with_copies_taken(figures: LabelAuditFigures) -> LabelAuditFigures:
    taken = COPIES.agreement.model_copy(update={"value": 0.71, "low": 0.62, "high": 0.79})
    contrast = ContrastFigures(
        answers=220,
        all_answers=678,
        questions=680,
        share=0.32,
        taken=taken,
        chance=0.33,
        looked_at=122,
        next_look=244,
        needed=122,
        status="found",
    )
    return figures.model_copy(update={"contrast": contrast})


def test_nothing_is_said_without_a_warning_without_updates_or_where_nobody_labels() -> None:
    by_chance = COPIES.model_copy(update={"is_beyond_chance": False})
    assert check(audit(by_chance), *drifted(2.0)) == []
    asked = run(audit(shortcut("rated_words", 0.44, 0.40, 0.49)), *drifted(2.0, "rated_words"))
    assert check_taken_up(parse_run({"task": "sentiment"}, "run.yaml"), asked) == []
    assert check_taken_up(CONFIG, asked) != []
    assert check(audit(COPIES), *drifted(2.0, n=0)) == []
    assert check(None, *drifted(2.0)) == []
    scorer = parse_run({"task": "custom", "policy": {"reward": "length"}}, "run.yaml")
    assert check_taken_up(scorer, run(audit(COPIES), *drifted(2.0))) == []


@pytest.mark.parametrize(
    "section",
    [
        {"rewards": {"hold_out": ["copying"]}},
        {"policy": {"method": "best_of_n"}, "evaluation": {"judges": []}},
    ],
)
def test_nothing_is_said_of_a_policy_that_does_not_follow_the_labels_as_they_are(
    section: dict[str, dict[str, Any]],
) -> None:
    config = parse_run({"task": "summarization", **PEOPLE, **section}, "run.yaml")
    assert check_taken_up(config, run(audit(COPIES), *drifted(2.0))) == []


def test_what_the_audits_warn_of_is_up_to_todays_settings(tmp_path: Path) -> None:
    given = run(audit(COPIES), *drifted(2.0))
    lenient = CONFIG.model_copy(
        update={"audits": CONFIG.audits.model_copy(update={"shortcut_skill": 0.9})}
    )
    for config, n_found in ((CONFIG, 1), (lenient, 0)):
        results = check_measured(config, given, tmp_path)
        assert sum(result.check == CHECK for result in results) == n_found


def test_the_cause_comes_before_what_follows_from_it() -> None:
    """A policy that copies is sure of each word: its entropy falls, and that is no advice."""
    rows = [{"entropy": 0.7, "drift_copied_words": 0.0}] * 4
    rows += [{"entropy": 0.1, "drift_copied_words": 2.0}] * 8
    given = run(audit(COPIES), *rows)
    alarms = check_watch(CONFIG, given)
    assert [alarm.status for alarm in alarms] == ["bad"]
    results = [*check_taken_up(CONFIG, given), *alarms]
    assert conclusion(results).startswith("The first bad stage is comparisons")
    first = worst(results)
    assert first is not None and first.check == CHECK


def test_what_a_task_of_ones_own_asks_for_is_not_known() -> None:
    people = {"task": "custom", "comparisons": {"labelers": "people"}}
    (own,) = check_taken_up(parse_run(people, "run.yaml"), run(audit(COPIES), *drifted(2.0)))
    (known,) = check(audit(COPIES), *drifted(2.0))
    assert own.action == f"{known.action} Where your question asks for it, nothing is wrong."
