"""Settings under the names that earlier versions gave them, so that old run files still work."""

from collections.abc import Callable, Mapping
from typing import Any

Raw = dict[str, Any]
Change = Callable[[Any], Any]


def _same(value: Any) -> Any:
    return value


def _as_list(value: Any) -> Any:
    """Return what one judge, or none, is as a list of them."""
    if value is None:
        return []
    names = value if isinstance(value, list) else [value]
    return ["sentiment" if name == "classifier" else name for name in names]


RENAMED: Mapping[str, tuple[str, Change]] = {
    "comparisons.synthetic.taste": ("comparisons.synthetic.scorers", _same),
    "comparisons.people.repeat_share": ("comparisons.people.retest_share", _same),
    "comparisons.people.repeat_after_minutes": (
        "comparisons.people.retest_after_minutes",
        _same,
    ),
    "comparisons.people.confidence": ("comparisons.people.strength", _same),
    "evaluation.judge": ("evaluation.judges", _as_list),
    **{
        f"policy.{name}": (f"policy.options.{name}", _same)
        for name in ("gamma", "lam", "clip_range", "clip_range_value", "vf_coef", "whiten_rewards")
    },
}
"""Old dotted name -> the new one, and what becomes of the value."""


def with_todays_names(raw: Mapping[str, Any]) -> Raw:
    """Return the settings under their present names; a present name wins over an old one."""
    result = _copy(raw)
    for old, (new, change) in RENAMED.items():
        *path, last = old.split(".")
        section = _at(result, path)
        if section is None or last not in section:
            continue
        value = change(section.pop(last))
        *path, last = new.split(".")
        place: Any = result
        for step in path:
            place = place.setdefault(step, {}) if isinstance(place, dict) else place
        if isinstance(place, dict):  # Else no section is there, and the checks say so.
            place.setdefault(last, value)
    return result


def _at(raw: Any, path: list[str]) -> Raw | None:
    """Return the section that the path leads to, if it is one."""
    for step in path:
        raw = raw.get(step) if isinstance(raw, dict) else None
    return raw if isinstance(raw, dict) else None


def _copy(raw: Mapping[str, Any]) -> Raw:
    return {k: _copy(v) if isinstance(v, dict) else v for k, v in raw.items()}
