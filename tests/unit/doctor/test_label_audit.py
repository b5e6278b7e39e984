"""The doctor says what the audit of the labels found."""

from prefloop.audits.findings import findings_with_trust
from prefloop.doctor.labels import check_label_audit
from prefloop.figures.check_result import CheckResult
from prefloop.figures.label_audit import LabelAuditFigures, ShortcutFigures
from prefloop.figures.reading import read_trust
from prefloop.figures.trust import TrustFigures
from prefloop.run_file import parse_run
from prefloop.run_folder import RunFigures, TrustFile
from prefloop.settings.run import RunConfig
from tests.unit.figures.test_reading import TRUST
from tests.unit.report.test_label_audit import shortcut

PEOPLE = parse_run({"task": "summarization", "comparisons": {"labelers": "people"}}, "run.yaml")
FOUND = CheckResult(
    stage="comparisons", check="a check", status="warn", message="Found.", action="Act."
)


def audit(*shortcuts: ShortcutFigures) -> LabelAuditFigures:
    return LabelAuditFigures(
        fingerprint="f",
        ledger_events=9,
        labels=200,
        choices=200,
        ties=0,
        labelers=8,
        questions=200,
        least_choices=100,
        chance=0.25,
        together=None,
        shortcuts=shortcuts,
        contrast=None,
        left_out={},
        notes=(),
        findings=(FOUND,),
    )


def run(figures: LabelAuditFigures | None, trust: TrustFigures | None = None) -> RunFigures:
    trusts = () if trust is None else (TrustFile(round=0, path="t.json", figures=trust),)
    return RunFigures(name="run", metrics=(), evaluations=(), trusts=trusts, label_audit=figures)


def right_in(share: float) -> TrustFigures:
    """Return figures of a reward model that is right this often, among four samples."""
    trust = read_trust(TRUST, "t.json")
    assert trust.validation is not None
    accuracy = trust.validation.accuracy.model_copy(update={"value": share})
    validation = trust.validation.model_copy(update={"accuracy": accuracy, "chance": 0.25})
    return trust.model_copy(update={"validation": validation})


def check(config: RunConfig, *given: RunFigures) -> list[CheckResult]:
    return check_label_audit(config, *given)


def test_findings_are_passed_on_as_they_are() -> None:
    assert check(PEOPLE, run(audit())) == [FOUND]


def test_labels_that_nobody_audited_are_told() -> None:
    (result,) = check(PEOPLE, run(None))
    assert result.status == "later" and "prefloop audit labels" in result.message


def test_nobody_labels_where_the_reward_is_known() -> None:
    known = parse_run({"task": "custom", "policy": {"reward": "length"}}, "run.yaml")
    assert check(known, run(None)) == []


def test_a_shortcut_that_knows_most_of_what_the_reward_model_knows_is_a_warning() -> None:
    """Rule 0.60, reward model 0.65, chance 0.25: 0.35 / 0.40 of it."""
    rule = shortcut("copied_words", 0.6, 0.5, 0.7)
    _, beside = check(PEOPLE, run(audit(rule), right_in(0.65)))
    assert (beside.stage, beside.status) == ("rewards", "warn")
    assert "agrees with 60 % of 200 choices" in beside.message
    assert "the reward model with 65 % of" in beside.message


def test_the_newest_reward_model_with_validation_labels_stands_beside_it() -> None:
    """A round without them says nothing of the model before it."""
    kinds = (right_in(0.9), right_in(0.65), right_in(0.9).model_copy(update={"validation": None}))
    trusts = [
        TrustFile(round=i, path=f"{i}/t.json", figures=figures) for i, figures in enumerate(kinds)
    ]
    figures = audit(shortcut("copied_words", 0.6, 0.5, 0.7))
    found, beside = findings_with_trust(figures, trusts, PEOPLE)
    assert found == FOUND and "the reward model with 65 % of" in beside.message
    assert findings_with_trust(figures, trusts[2:], PEOPLE) == (FOUND,)


def test_a_reward_model_that_knows_more_is_not_accused() -> None:
    """0.15 / 0.55 of it."""
    rule = shortcut("copied_words", 0.4, 0.3, 0.5)
    _, beside = check(PEOPLE, run(audit(rule), right_in(0.8)))
    assert (beside.status, beside.action) == ("ok", "")


def test_a_reward_model_at_chance_knows_no_more_than_a_rule() -> None:
    rule = shortcut("copied_words", 0.6, 0.5, 0.7)
    _, beside = check(PEOPLE, run(audit(rule), right_in(0.25)))
    assert beside.status == "warn"


def test_what_the_task_asks_for_is_no_shortcut() -> None:
    rule = shortcut("rated_words", 0.6, 0.5, 0.7)
    sentiment = parse_run({"task": "sentiment", "comparisons": {"labelers": "people"}}, "run.yaml")
    assert check(sentiment, run(audit(rule), right_in(0.65))) == [FOUND]
