"""The page of the interface for programs, written from what the server says of itself."""

from typing import Any

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
        'Every refusal is `{"error": {"code": ..., "told": ...}}`: a word for programs and a',
        "sentence for people. Beside what each route lists, any route may answer:",
        "",
    ]
    usual = _usual(schema)
    lines += _table(["Code", "When"], [[f"`{code}`", text] for code, text in usual.items()])
    for path, route in schema["paths"].items():
        for method in METHODS:
            if method in route:
                lines += _route(f"{method.upper()} {path}", route[method], usual)
    lines += ["", "## What travels", ""]
    for name, model in sorted(schema["components"]["schemas"].items()):
        lines += _model(name, model)
    return "\n".join(lines)


def _usual(schema: dict[str, Any]) -> dict[str, str]:
    """Return the refusals that every route lists."""
    operations = [
        route[method] for route in schema["paths"].values() for method in METHODS if method in route
    ]
    codes = set.intersection(*(set(operation["responses"]) for operation in operations))
    first = operations[0]["responses"]
    return {code: first[code]["description"] for code in sorted(codes) if code >= "400"}


def _route(title: str, operation: dict[str, Any], usual: dict[str, str]) -> list[str]:
    lines = ["", f"## {title}", "", *operation.get("description", "").splitlines(), ""]
    places = [
        f"`{p['name']}` (in the {p['in']}): {_type(p['schema'])}"
        for p in operation.get("parameters", [])
    ]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    takes = [*places, *([_type(body["schema"])] if body else [])]
    rows = [["takes", "; ".join(takes)]] if takes else []
    for code, answer in operation["responses"].items():
        if code not in usual:
            content = answer.get("content", {}).get("application/json", {}).get("schema")
            is_good = code < "400"
            text = _type(content) if is_good and content else answer["description"]
            rows.append([f"`{code}`", text])
    return lines + _table(["", "What"], rows)


def _model(name: str, model: dict[str, Any]) -> list[str]:
    if "properties" not in model:
        return []
    required = model.get("required", [])
    rows = [
        [
            f"`{field}`" + ("" if field in required else " (may be left out)"),
            _type(schema),
            " ".join(schema.get("description", "").split()),
        ]
        for field, schema in model["properties"].items()
    ]
    about = model.get("description", "")
    return [f"### {name}", "", about, "", *_table(["Field", "Type", "What it is"], rows), ""]


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].split("/")[-1]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_type(part) for part in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}{_limits(schema, 'Items')}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"mapping to {_type(schema['additionalProperties'])}"
    words = {"string": "text", "integer": "whole number", "boolean": "`true` or `false`"}
    return words.get(kind, kind) + _limits(schema, "Length") + _range(schema)


def _limits(schema: dict[str, Any], of: str) -> str:
    low, high = schema.get(f"min{of}"), schema.get(f"max{of}")
    if low is not None and high is not None:
        return f", {low} to {high}"
    return f", up to {high}" if high is not None else ""


def _range(schema: dict[str, Any]) -> str:
    words = {"minimum": "from", "maximum": "to"}
    return "".join(f" {word} {schema[key]:g}" for key, word in words.items() if key in schema)


def _table(heads: list[str], rows: list[list[str]]) -> list[str]:
    if not rows:
        return []
    lines = [heads, ["---"] * len(heads), *rows]
    return ["| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines]
