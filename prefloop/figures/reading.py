"""Figures files as records, those of earlier runs included.

Up to the release before models had names, an evaluation was one of a round (`round-0.json`), its
two models were called `policy` and `reference`, and it had one judge.
"""

from pathlib import Path
from typing import Any

from prefloop.figures.best_of_n import BEST_OF_N_FILE, BestOfNPolicy
from prefloop.figures.evaluation import EvaluationFigures
from prefloop.figures.record import from_object, read_object
from prefloop.figures.sentence import with_verdict
from prefloop.figures.trust import TrustFigures

ROLES = {"policy": "model", "reference": "baseline"}
"""What the two models were called, and what they are called now."""

SCORES = {
    "policy_score": "score",
    "reference_score": "baseline_score",
    "policy_positive": "positive",
    "reference_positive": "baseline_positive",
}
JUDGES = {
    "lexicon": "a list of rated words",
    "sentiment": "a sentiment classifier",
    "classifier": "a sentiment classifier",
    "descriptiveness": "a count of sensory words",
    "imagery": "a list of concrete nouns",
    "length": "a preference for length",
    "copying": "a preference for copying",
    "accuracy_in_a_hurry": "a hurried check of accuracy",
}
"""What a reader knew a judge as, which earlier files do not say."""

ROWS = {"policy_samples": "model_samples", "reference_samples": "baseline_samples"}


def read_evaluation(text: str, place: str) -> EvaluationFigures:
    """Return an evaluation file's figures; InputError naming `place` if they are damaged."""
    content = read_object(text, place)
    if "policy" not in content or "model" in content:
        return from_object(EvaluationFigures, content, place)
    return with_verdict(from_object(EvaluationFigures, _of_round(content), place))


def read_trust(text: str, place: str) -> TrustFigures:
    """Return a trust file's figures; InputError naming `place` if they are damaged."""
    content = read_object(text, place)
    return from_object(TrustFigures, _with_clusters(content), place)


def _of_round(content: dict[str, Any]) -> dict[str, Any]:
    """Return an earlier run's evaluation as one is written now."""
    win_rate = content.get("win_rate")
    renamed = {
        "model": content["policy"],
        "baseline": "reference",
        "win_rates": [] if win_rate is None else [_of_judge(win_rate)],
    }
    for part in ("copying", "fluency", "rouge"):
        if content.get(part):
            renamed[part] = _renamed(content[part], ROLES)
    renamed["copying"] = dict.fromkeys(("model", "baseline", "human", "change")) | renamed.get(
        "copying", {}
    )
    if content.get("frontier"):
        renamed["frontier"] = _renamed(content["frontier"], ROLES)
    if "rows" in content:
        renamed["rows"] = _renamed(content["rows"], ROWS)
    if isinstance(content.get("missing"), dict):
        renamed["missing"] = _renamed(content["missing"], {"win_rate": "win_rates"})
    kept = {key: value for key, value in content.items() if key not in ("policy", "win_rate")}
    return kept | renamed


def _of_judge(win_rate: Any) -> Any:
    if not isinstance(win_rate, dict):
        return win_rate
    judge = str(win_rate.get("judge"))
    return {"description": JUDGES.get(judge, f"“{judge}”")} | _renamed(win_rate, SCORES)


def _renamed(content: Any, names: dict[str, str]) -> Any:
    if not isinstance(content, dict):
        return content
    return {names.get(key, key): value for key, value in content.items()}


def _with_clusters(content: Any) -> Any:
    """Return figures whose shares say their clusters: earlier ones rest on comparisons alone."""
    if isinstance(content, list):
        return [_with_clusters(part) for part in content]
    if not isinstance(content, dict):
        return content
    parts = {key: _with_clusters(part) for key, part in content.items()}
    is_share = {"value", "low", "high", "n", "how"} <= parts.keys()
    return {"n_clusters": parts["n"]} | parts if is_share else parts


def read_best_of_n(folder: Path) -> BestOfNPolicy | None:
    """Return how the policy in a folder chooses among responses of its base; None if it has
    weights of its own."""
    path = folder / BEST_OF_N_FILE
    if not path.is_file():
        return None
    content = read_object(path.read_bytes(), str(path))
    return from_object(BestOfNPolicy, content, str(path))
