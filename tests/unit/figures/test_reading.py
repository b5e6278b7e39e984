"""Figures files: written and read again, those of earlier runs too; damage is named."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from prefloop.errors import InputError
from prefloop.figures.evaluation import EvaluationFigures
from prefloop.figures.metrics_line import read_line
from prefloop.figures.reading import read_evaluation, read_trust
from prefloop.figures.record import RECORD, to_json, to_line
from prefloop.figures.trust import TrustFigures
from prefloop.run_folder import evaluation_path, read_run_folder

EARLIER = Path(__file__).parent / "earlier_run"
EVALUATION = (EARLIER / "evaluation" / "round-0.json").read_text(encoding="utf-8")
TRUST = (EARLIER / "rewards" / "round-0" / "trust.json").read_text(encoding="utf-8")


def test_the_evaluation_of_an_earlier_run_is_read_in_full() -> None:
    figures = read_evaluation(EVALUATION, "round-0.json")
    raw = json.loads(EVALUATION)
    assert (figures.model, figures.round, figures.baseline) == ("policy/round-0", 0, "reference")
    assert figures.verdict.startswith("Not shown: "), "in the words of today"
    assert "on 52 % of 24 held-out prompts (95 % interval 33–71 %)" in figures.verdict
    win_rate = figures.win_rate
    assert win_rate is not None
    assert win_rate.description == "a list of rated words"
    assert win_rate.score is not None
    assert win_rate.score.value == raw["win_rate"]["policy_score"]["value"]
    assert win_rate.rate.high == raw["win_rate"]["rate"]["high"]
    assert figures.copying.model is not None
    assert figures.copying.human is None
    assert figures.fluency.baseline.n == raw["fluency"]["reference"]["n"]
    assert figures.frontier is not None
    assert figures.frontier.model.reward.value == raw["frontier"]["policy"]["reward"]["value"]
    assert list(figures.rows.baseline_samples) == raw["rows"]["reference_samples"]
    assert figures.missing == {"rouge": "the prompts have no human answers"}


def test_what_is_written_is_read_again() -> None:
    figures = read_evaluation(EVALUATION, "round-0.json")
    assert read_evaluation(to_json(figures), "a.json") == figures
    trust = read_trust(TRUST, "trust.json")
    assert read_trust(to_json(trust), "trust.json") == trust
    assert trust.validation is not None
    assert trust.validation.accuracy.n_clusters == trust.validation.accuracy.n


def test_an_earlier_evaluation_without_a_judge_is_read() -> None:
    raw = json.loads(EVALUATION) | {"win_rate": None, "missing": {"win_rate": "no judge"}}
    figures = read_evaluation(json.dumps(raw), "round-0.json")
    assert figures.win_rate is None
    assert figures.missing == {"win_rates": "no judge"}


def _changed(**changes: Any) -> str:
    figures = read_evaluation(EVALUATION, "round-0.json")
    return json.dumps(json.loads(to_json(figures)) | changes)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "is not JSON"),
        ("[1]", "holds a list, not figures"),
        (_changed(modle="x"), "modle is not known"),
        (_changed(round="one"), "round: Input should be a valid integer; got 'one'"),
        ('{"model": "m"}', "verdict is missing"),
        (_changed(win_rates=[{"judge": "a"}]), r"win_rates\.0\.n is missing"),
        (_changed(kl={"value": float("nan")}), r"kl\.value: Input should be a finite number"),
    ],
)
def test_damage_is_named_with_the_place_and_the_way_out(content: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem) as raised:
        read_evaluation(content, "my-run/evaluation/policy/update-3.json")
    assert "my-run/evaluation/policy/update-3.json" in str(raised.value)
    assert "`prefloop evaluation`" in str(raised.value)


def test_a_damaged_trust_file_says_what_to_delete() -> None:
    with pytest.raises(InputError, match=r"Delete the folder my-run/rewards/round-0: `prefloop"):
        read_trust('{"labels": 3}', "my-run/rewards/round-0/trust.json")


def test_every_record_has_a_schema() -> None:
    for kind in (EvaluationFigures, TrustFigures):
        schema = kind.model_json_schema()
        assert schema["additionalProperties"] is False
        assert set(schema["required"]) <= set(schema["properties"])


def test_metrics_of_an_earlier_run_have_todays_names() -> None:
    run = read_run_folder(EARLIER)
    policy = [line for line in run.metrics if line.stage == "policy"]
    assert len(policy) == 6
    assert run.methods == ("ppo",)
    assert {"policy/kl_cap_weight", "policy/kl_increase"} <= policy[0].values.keys()
    assert not {"policy/way_back", "policy/kl_gained"} & policy[0].values.keys()


def test_what_is_no_finite_number_is_no_value() -> None:
    line = {"stage": "policy", "round": 0, "update": 1, "policy/kl": float("nan"), "policy/lr": 1}
    assert read_line(line).values == {"policy/lr": 1.0}
    with pytest.raises(InputError, match=r"a line that cannot be read: update is missing"):
        read_line({"stage": "policy", "round": 0})


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ({"stage": 3}, "stage must be a text, got 3"),
        ({"round": True}, "round must be a whole number from 0 on, got True"),
        ({"update": -1}, "update must be a whole number from 0 on, got -1"),
        ({"episodes": "x"}, "episodes must be a whole number from 0 on, got 'x'"),
        ({"labels": 1.5}, "labels must be a whole number from 0 on, got 1.5"),
        ({"method": ["ppo"]}, "method must be a text, got ['ppo']"),
        ({"policy/kl": "low"}, "policy/kl must be a number, got 'low'"),
        ({"policy/kl": 10**400}, "policy/kl must be a number, got 1000"),
        ({"risen_words": 3}, "risen_words must be a list, got 3"),
        ({"risen_words": [3]}, "risen_words cannot be read"),
    ],
)
def test_each_line_of_metrics_that_cannot_be_read_is_named_by_its_number(
    tmp_path: Path, field: dict[str, Any], told: str
) -> None:
    good = {"stage": "policy", "round": 0, "update": 1, "policy/kl": 0.1, "policy/lr": None}
    lines = [json.dumps(line) for line in (good, good | field, good, {})]
    (tmp_path / "metrics.jsonl").write_text("\n".join(["", *lines]) + "\n")
    with pytest.raises(InputError) as caught:
        read_run_folder(tmp_path)
    head, first, second, way_out = str(caught.value).splitlines()
    assert head.endswith("metrics.jsonl has 2 lines that cannot be read:")
    assert told in first and first.startswith("  - line 3: ")
    assert second == "  - line 5: stage is missing"
    assert "put back a backup" in way_out
    (tmp_path / "metrics.jsonl").write_text(lines[0] + "\n")
    (line,) = read_run_folder(tmp_path).metrics
    assert line.values == {"policy/kl": 0.1}


def test_evaluations_are_in_the_order_of_updates(tmp_path: Path) -> None:
    figures = read_evaluation(EVALUATION, "round-0.json")
    places = {
        "policy/update-12": 1,
        "policy/update-9": None,
        "/elsewhere/model": None,
        "gpt2": None,
    }
    for model, round_number in places.items():
        path = evaluation_path(tmp_path, model)
        path.parent.mkdir(parents=True, exist_ok=True)
        made = figures.model_copy(update={"model": model, "round": round_number})
        path.write_text(to_json(made), encoding="utf-8")
    (tmp_path / "evaluation" / "round-0.json").write_text(EVALUATION, encoding="utf-8")
    run = read_run_folder(tmp_path)
    assert [file.figures.model for file in run.evaluations] == [
        *("policy/round-0", "policy/update-9", "policy/update-12", "/elsewhere/model", "gpt2"),
    ]
    assert run.latest is not None
    assert run.latest.path == "evaluation/policy/update-12.json"
    assert run.evaluation_of_round(0) is not None
    assert run.evaluation_of_round(2) is None
    inside = list((tmp_path / "evaluation").rglob("*.json"))
    assert len(inside) == 5, "no name leads out of the folder"


class NamedFigures(BaseModel):
    """A record whose text is not ASCII."""

    model_config = RECORD

    name: str
    share: float


def test_a_record_on_one_line_is_json_on_every_terminal() -> None:
    figures = NamedFigures(name="Größe\n😀", share=0.5)
    line = to_line(figures)
    assert line.isascii() and "\n" not in line
    assert NamedFigures.model_validate_json(line) == figures
    assert not figures.model_dump_json().isascii(), "what pydantic writes is not"
