"""Questions made from a template with `{prompt}`, `{response}` and other fields."""

import difflib
import re
from collections.abc import Collection, Mapping

FIELD = re.compile(r"\{([a-z_]+)\}")


def check_template(template: str, *, required: Collection[str], optional: Collection[str]) -> str:
    """Return the template; ValueError if a field is missing in it, or unknown.

    >>> check_template("Rate {response}", required=["response"], optional=["prompt"])
    'Rate {response}'
    """
    found = set(FIELD.findall(template))
    known = [*required, *optional]
    for name in sorted(found - set(known)):
        close = difflib.get_close_matches(name, known, n=1)
        guess = f"Did you mean {{{close[0]}}}?" if close else f"There are {_listed(known)}."
        raise ValueError(f"the template has a field {{{name}}}, which is not known. {guess}")
    if missing := [name for name in required if name not in found]:
        raise ValueError(f"the template lacks {_listed(missing)}")
    return template


def fill(template: str, fields: Mapping[str, str]) -> str:
    """Return the template with its fields filled in, in one pass: fields in values stay as text.

    >>> fill("{prompt} -> {response}", {"prompt": "say {response}", "response": "yes"})
    'say {response} -> yes'
    """
    return FIELD.sub(lambda match: fields[match[1]], template)


def _listed(names: Collection[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)
