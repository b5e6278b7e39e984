"""The first line of the doctor: the worst finding, with its stage."""

import pytest

from prefloop.doctor.rewards import check_rewards
from prefloop.doctor.worst import conclusion, worst
from prefloop.figures.check_result import CheckResult, CheckStatus
from prefloop.figures.reading import read_trust
from prefloop.figures.reward_audit import RewardAuditFigures, TrustCheckFigures
from prefloop.run_file import parse_run
from prefloop.run_folder import RunFigures, TrustFile
from tests.unit.figures.test_reading import TRUST


def found(stage: str, status: CheckStatus) -> CheckResult:
    return CheckResult(stage=stage, check="c", status=status, message=f"{stage} {status}.")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([("rewards", "warn"), ("policy", "bad"), ("evaluation", "bad")], "policy bad."),
        ([("comparisons", "ok"), ("rewards", "warn"), ("policy", "warn")], "rewards warn."),
        ([("policy", "bad"), ("comparisons", "bad"), ("rewards", "bad")], "comparisons bad."),
        ([("evaluation", "warn"), ("checkpoints", "warn"), ("store", "warn")], "store warn."),
    ],
)
def test_bad_comes_before_warnings_and_the_earliest_stage_first(
    given: list[tuple[str, CheckStatus]], expected: str
) -> None:
    results = [found(*row) for row in given]
    first = worst(results)
    assert first is not None and first.message == expected
    assert expected in conclusion(results)


def test_the_first_line_counts_what_it_rests_on() -> None:
    warned = [found("store", "ok"), found("rewards", "warn"), found("policy", "warn")]
    assert conclusion(warned) == (
        "No stage is bad; 2 warnings in 3 checks. First, rewards: rewards warn."
    )
    assert conclusion([found("policy", "bad")]) == "The first bad stage is policy: policy bad."
    later = [found("store", "warn"), found("evaluation", "warn"), found("rewards", "warn")]
    assert conclusion([found("policy", "bad"), *later]) == (
        "The first bad stage is policy: policy bad. Before it, rewards warns: rewards warn."
    )
    damaged = [found("checkpoints", "bad"), found("comparisons", "warn")]
    assert conclusion(damaged) == "The first bad stage is checkpoints: checkpoints bad."
    assert worst([found("store", "ok"), found("policy", "later")]) is None
    assert conclusion([found("store", "ok")]) == "No stage is bad, and nothing warns, in 1 check."


def test_the_verdict_on_a_reward_model_comes_with_the_action_of_what_it_rests_on() -> None:
    def check(name: str, on_fail: str) -> TrustCheckFigures:
        return TrustCheckFigures.model_validate(
            {"name": name, "answer": "fail", "message": "m", "on_fail": on_fail}
            | {"is_required": True, "source": "s"}
        )

    def finding(name: str, action: str = "") -> CheckResult:
        return CheckResult(stage="rewards", check=name, status="warn", message="M.", action=action)

    trust = TrustFile(round=0, path="t.json", figures=read_trust(TRUST, "t.json"))
    audit = RewardAuditFigures(
        fingerprint="f",
        reward_model=trust.fingerprint,
        round=0,
        questions=100,
        prompts=100,
        needed=35,
        scale=None,
        is_calibrated_scale=False,
        shortcuts=(),
        by_labeler=(),
        by_round=(),
        edits=(),
        best_of=None,
        forecast="",
        checks=(check("half way", "collect more"), check("nonsense loses", "stop")),
        verdict="stop",
        reason="Do not train against it.",
        left_out={},
        findings=(
            finding("half way", "Label more."),
            finding("nonsense loses", "Look at the texts."),
            finding("fit to train against"),
        ),
    )
    run = RunFigures(name="run", metrics=(), evaluations=(), trusts=(trust,), reward_audit=audit)
    results = check_rewards(parse_run({"task": "sentiment"}, "run.yaml"), run)
    verdict = next(r for r in results if r.check == "fit to train against")
    assert verdict.action == "Look at the texts."
    assert verdict.message == "Audit of reward model 0: M."
    assert results.index(verdict) < [r.check for r in results].index("half way")
