"""The JSON schema of a run file, for editors: names, types, limits and descriptions of settings.

It is what the sections say of themselves. Two settings that do not fit together are found by
`prefloop run --plan`, not by an editor.
"""

import json
from typing import Any

from prefloop.registry import METHODS
from prefloop.settings.run_file import RunFileConfig
from prefloop.settings.task_presets import preset_names

SCHEMA_FILE = "run.schema.json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"

LEFT_OUT = ("title", "default")
"""A default may be another one by the task and the recipe: docs/reference/settings.md has them."""


def run_schema() -> str:
    """Return the schema as the text of its file."""
    schema: dict[str, Any] = _bare(RunFileConfig.model_json_schema())
    schema.pop("required")  # A task that is not named is the default one.
    task = schema["$defs"]["TaskConfig"]
    task.pop("required")  # What a file leaves out is the preset's.
    presets = preset_names()
    _suggest(task["properties"]["name"], presets)
    schema["properties"]["task"] = {
        "description": task["description"],
        "anyOf": [{"enum": presets}, {"$ref": "#/$defs/TaskConfig"}],
    }
    _suggest(schema["$defs"]["PolicyConfig"]["properties"]["method"], METHODS.names())
    whole = {"$schema": DIALECT, "title": "A run file of prefloop", **schema}
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def _suggest(setting: dict[str, Any], names: list[str]) -> None:
    """Let an editor offer the names that are known; others, of installed packages, are taken."""
    setting.pop("type")
    setting["anyOf"] = [{"enum": names}, {"type": "string"}]


def _bare(schema: Any, *, names_settings: bool = False) -> Any:
    """Return a schema without titles and defaults; below `properties` these are settings' names."""
    if isinstance(schema, list):
        return [_bare(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _bare(part, names_settings=key == "properties" and not names_settings)
        for key, part in schema.items()
        if names_settings or key not in LEFT_OUT
    }
