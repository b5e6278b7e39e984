"""What every record of figures is made of, and how one becomes a file and is read again.

A record is frozen, refuses unknown names and values of another type, and holds finite numbers only.
`Kind.model_json_schema()` is its JSON schema; docs/reference/figures.md lists the fields.
"""

import json
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from prefloop.errors import InputError

Record = TypeVar("Record", bound=BaseModel)

RECORD = ConfigDict(
    frozen=True,
    extra="forbid",
    strict=True,
    allow_inf_nan=False,
    use_attribute_docstrings=True,
)
"""The settings of every record's class."""

SHOWN_PROBLEMS = 5


def to_json(record: BaseModel) -> str:
    """Return a record as the text of its file."""
    return record.model_dump_json(indent=1)


def to_line(record: BaseModel) -> str:
    """Return a record as one line of JSON, in ASCII: so it is JSON on every terminal."""
    return json.dumps(record.model_dump(mode="json"))


def read_object(text: str | bytes, place: str) -> dict[str, Any]:
    """Return the JSON object that a file holds; InputError naming `place` if it holds none."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{place} is not JSON ({error}). {_again(place)}") from error
    if not isinstance(content, dict):
        raise InputError(f"{place} holds a {type(content).__name__}, not figures. {_again(place)}")
    return content


def from_object(kind: type[Record], content: dict[str, Any], place: str) -> Record:
    """Return the record that a JSON object means; InputError with every problem and `place`."""
    try:
        # As JSON: there a list is what a tuple is written as.
        return kind.model_validate_json(json.dumps(content))
    except ValidationError as error:
        problems = [_problem(problem) for problem in error.errors()]
        more = len(problems) - SHOWN_PROBLEMS
        shown = "; ".join(problems[:SHOWN_PROBLEMS]) + (f"; and {more} more" if more > 0 else "")
        raise InputError(f"{place} does not hold {kind.__name__}: {shown}. {_again(place)}") from (
            error
        )


def _problem(problem: Any) -> str:
    field = ".".join(map(str, problem["loc"])) or "the file"
    if problem["type"] == "extra_forbidden":
        return f"{field} is not known"
    if problem["type"] == "missing":
        return f"{field} is missing"
    return f"{field}: {problem['msg']}; got {problem['input']!r}"


def _again(place: str) -> str:
    """Return the next action: figures are made from rows that the store still has."""
    folder, _, name = place.rpartition("/")
    if name in ("provenance.json", "best_of_n.json") and "/policy/round-" in place:
        return f"Delete the folder {folder} and run again: it is exported from the checkpoint."
    if name in ("trust.json", "provenance.json"):
        return (
            f"Delete the folder {folder}: `prefloop run` trains that reward model again where it "
            "still needs it, and the report leaves it out otherwise; labels are safe in the store."
        )
    if place.endswith("prompt_figures.json"):
        return "Delete the file and run `prefloop prompts` again, which writes it again."
    if name == "costs.jsonl":
        return "Delete the file: what updates took is not known then, and nothing else is lost."
    if "audits/rewards-round-" in place:
        return "Run `prefloop audit rewards`, which writes it again."
    if place.endswith("audits/overoptimization.json"):
        return "Run `prefloop audit overoptimization`, which writes it again."
    if place.endswith("audits/labels.json"):
        return "Run `prefloop audit labels`, which writes it again."
    if place.endswith("audits/canaries.json"):
        return "Delete the file; it is written again when the run goes on."
    return (
        "Delete the file and run `prefloop evaluation` again; labels and samples are safe in the "
        "store."
    )
