"""The page about figures files, from the JSON schemas of their records."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from docs.markdown import markdown_table
from prefloop.figures.canary import CanaryFigures
from prefloop.figures.compared_runs import RunsComparedFigures
from prefloop.figures.cost import UpdateCostFigures
from prefloop.figures.environment import EnvironmentFigures
from prefloop.figures.evaluation import EvaluationFigures
from prefloop.figures.experiment import ExperimentFigures
from prefloop.figures.label_audit import LabelAuditFigures
from prefloop.figures.live import LiveFigures
from prefloop.figures.news import NewsFigures
from prefloop.figures.prompts import PromptFigures
from prefloop.figures.provenance import Provenance
from prefloop.figures.reward_audit import RewardAuditFigures
from prefloop.figures.trust import TrustFigures
from prefloop.figures.usage import UsageFigures

FILES: dict[str, type[BaseModel]] = {
    "prompt_figures.json": PromptFigures,
    "audits/labels.json": LabelAuditFigures,
    "audits/rewards-round-<N>.json": RewardAuditFigures,
    "audits/canaries.json": CanaryFigures,
    "audits/live.json": LiveFigures,
    "news.provenance.json": NewsFigures,
    "evaluation/<model>.json": EvaluationFigures,
    "rewards/round-<N>/trust.json": TrustFigures,
    "provenance.json": Provenance,
    "usage.jsonl": UsageFigures,
    "costs.jsonl": UpdateCostFigures,
    "results.json": ExperimentFigures,
    "prefloop compare --json": RunsComparedFigures,
    "prefloop env --json": EnvironmentFigures,
}
"""Where each kind of figures lies in a run folder; a line each in a `.jsonl` file.

`news.provenance.json` lies beside the prompt file that it is about, `results.json` in the folder of
an experiment, which holds runs. `prefloop compare` and `prefloop env` print theirs."""

NAMES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "`true` or `false`",
    "null": "`null`",
}


def figures_page() -> str:
    """Return every figures file with its records and their fields."""
    lines = [
        "# Figures",
        "",
        "What a run measured, as files in its folder. `prefloop/run_folder.py:read_run_folder`",
        "reads them all as typed records; `model_json_schema()` of a record is its JSON schema.",
        "Numbers are finite, unknown names are refused, and files of version 0.1 are read too.",
    ]
    shown: set[str] = set()
    for file, kind in FILES.items():
        schema = kind.model_json_schema()
        lines += ["", f"## `{file}`: {kind.__name__}", "", schema["description"], ""]
        lines += _table(schema)
        for name, part in schema.get("$defs", {}).items():
            if name not in shown:
                lines += ["", f"### {name}", "", _flat(part["description"]), "", *_table(part)]
        shown |= set(schema.get("$defs", {}))
    return "\n".join(lines)


def records() -> Iterator[tuple[str, list[str]]]:
    """Yield the name of every record on the page, with its fields."""
    for kind in FILES.values():
        schema = kind.model_json_schema()
        yield kind.__name__, list(schema["properties"])
        for name, part in schema.get("$defs", {}).items():
            yield name, list(part["properties"])


def _table(schema: dict[str, Any]) -> list[str]:
    rows = [
        [f"`{name}`", _type(field), _flat(field.get("description", ""))]
        for name, field in schema["properties"].items()
    ]
    return markdown_table(["Field", "Type", "Meaning"], rows)


def _type(field: dict[str, Any]) -> str:
    """Return a field's type in words."""
    if "$ref" in field:
        return str(field["$ref"].rsplit("/", 1)[-1])
    if "enum" in field:
        return " or ".join(f"`{value}`" for value in field["enum"])
    if "anyOf" in field:
        return " or ".join(map(_type, field["anyOf"]))
    if "prefixItems" in field:
        return f"list of {len(field['prefixItems'])}: {_type(field['prefixItems'][0])}"
    if field.get("type") == "array":
        return f"list of {_type(field['items'])}"
    if field.get("type") == "object":
        values = field["additionalProperties"]
        return "object" if values is True else f"text to {_type(values)}"
    return NAMES[field["type"]]


def _flat(text: str) -> str:
    """Return the first paragraph as one line: a worked example is not for a table."""
    return " ".join(text.split("\n\n")[0].split())
