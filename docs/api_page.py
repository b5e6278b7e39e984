"""The page about the interface for programs, from the server's own description of itself."""

from collections.abc import Iterator
from typing import Any

from docs.markdown import markdown_table
from prefloop.web.app import empty_app

METHODS = ("get", "post", "put", "delete")


def api_page() -> str:
    """Return every route with what it takes, what it answers, and how it refuses."""
    schema = empty_app().openapi()
    lines = [
        "# The interface for programs",
        "",
        "Everything a labeler can do in the browser, a program can do over HTTP: see",
        "[how to label through the API](../how-to/label-through-the-api.md). JSON both ways; a",
        "running server describes itself in full at `/api/openapi.json`. A program shows its token",
        "in the header `Authorization: Bearer ...`; a browser its cookie, and `X-CSRF-Token` with",
        "everything that changes something.",
        "",
        'Every refusal is `{"error": {"code": ..., "message": ...}}`: a word for programs and a',
        "sentence for people, in English; with `key` and `values` where a page says it in another",
        "language. Beside what each route lists, any route may answer:",
        "",
    ]
    usual = _usual_refusals(schema)
    lines += markdown_table(["Code", "When"], [[f"`{code}`", text] for code, text in usual.items()])
    for tag in schema["tags"]:
        lines += ["", f"## {tag['name'].capitalize()} routes", "", tag["description"]]
        for title, operation in _operations(schema):
            if tag["name"] in operation["tags"]:
                lines += _route_lines(title, operation, usual)
    lines += ["", "## What travels", ""]
    for name, model in sorted(schema["components"]["schemas"].items()):
        lines += _model_lines(name, model)
    return "\n".join(lines)


def _operations(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, route in schema["paths"].items():
        for method in METHODS:
            if method in route:
                yield f"{method.upper()} {path}", route[method]


def _usual_refusals(schema: dict[str, Any]) -> dict[str, str]:
    """Return the refusals that every route lists."""
    answers = [operation["responses"] for _, operation in _operations(schema)]
    codes, first = set.intersection(*map(set, answers)), answers[0]
    return {code: first[code]["description"] for code in sorted(codes) if code >= "400"}


def _route_lines(title: str, operation: dict[str, Any], usual: dict[str, str]) -> list[str]:
    lines = ["", f"### {title}", "", *operation.get("description", "").splitlines(), ""]
    places = [
        f"`{p['name']}` (in the {p['in']}): {_json_type(p['schema'])}"
        for p in operation.get("parameters", [])
    ]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    takes = [*places, *([_json_type(body["schema"])] if body else [])]
    rows = [["takes", "; ".join(takes)]] if takes else []
    for code, answer in operation["responses"].items():
        if code not in usual:
            content = answer.get("content", {}).get("application/json", {}).get("schema")
            good = _json_type(content) if content else "nothing more"
            rows.append([f"`{code}`", good if code < "400" else answer["description"]])
    return lines + markdown_table(["", "What"], rows)


def _model_lines(name: str, model: dict[str, Any]) -> list[str]:
    if "properties" not in model:
        return []
    required = model.get("required", [])
    rows = [
        [
            f"`{field}`" + ("" if field in required else " (may be left out)"),
            _json_type(schema),
            " ".join(schema.get("description", "").split()),
        ]
        for field, schema in model["properties"].items()
    ]
    about = model.get("description", "")
    return [
        f"### {name}",
        "",
        about,
        "",
        *markdown_table(["Field", "Type", "What it is"], rows),
        "",
    ]


def _json_type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].split("/")[-1]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_json_type(part) for part in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if schema.get("format") == "uuid":
        return "UUID"
    kind: str = schema.get("type", "anything")
    if kind == "array":
        return f"list of {_json_type(schema.get('items', {}))}{_json_limits(schema, 'Items')}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"mapping to {_json_type(schema['additionalProperties'])}"
    words = {"string": "text", "integer": "whole number", "boolean": "`true` or `false`"}
    return words.get(kind, kind) + _json_limits(schema, "Length") + _json_range(schema)


def _json_limits(schema: dict[str, Any], of: str) -> str:
    low, high = schema.get(f"min{of}"), schema.get(f"max{of}")
    if low is not None and high is not None:
        return f", {low} to {high}"
    return f", up to {high}" if high is not None else ""


def _json_range(schema: dict[str, Any]) -> str:
    words = {"minimum": "from", "maximum": "to"}
    return "".join(f" {word} {schema[key]:g}" for key, word in words.items() if key in schema)
