"""What the pages say: all of it from one file, which is checked when it is read."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from markupsafe import Markup, escape

from prefloop.errors import SettingsError, listing

SHIPPED = Path(__file__).with_name("strings.yaml")

PLACEHOLDER = re.compile(r"\{(\w+)\}")

OWNERS = "owners"

NUMBER = "n"
"""The placeholder by which a text may have forms."""

FORMS = frozenset({"zero", "one", "two", "few", "many", "other"})
"""Plural categories of Unicode's CLDR, as browsers know them by language."""

TEXTS = ("pages", "scripts", "refusals", "owners.pages", "owners.scripts")
"""The parts with texts. Those of owners are left out together, or not at all."""
PARTS = ("language", "pages", "scripts", "refusals", OWNERS)

FILLED_BY_SERVER = ("pages.", "owners.pages.")
"""Texts of templates: the server fills them in, and knows the forms of English alone."""

LANGUAGE_CODE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?")
"""A language, its script and its region, as browsers take them (BCP 47); another stops the page."""

MOST_LINES = 20
"""Nobody reads more problems at once."""

InterfaceText = str | Mapping[str, str]
"""A text, or one for each form of a number."""


@dataclass(frozen=True, kw_only=True)
class InterfaceStrings:
    """The strings of the pages in one language, by `area.name`."""

    language: str
    """The code that browsers know, such as `en`."""
    pages: Mapping[str, str]
    """What stands in templates."""
    scripts: Mapping[str, InterfaceText]
    """What the JavaScript of a page says."""
    refusals: Mapping[str, InterfaceText]
    """What the server says when it refuses."""
    owners: "InterfaceStrings | None" = None
    """The strings of the owners' pages, which say more, and may do so in another language. None: of
    those themselves."""

    def say(self, key: str, /, **values: object) -> Markup:
        """Return a string of the pages as HTML; what is put in is escaped unless it is HTML."""
        put_in = {name: escape(value) for name, value in values.items()}
        return Markup(filled(str(escape(self.pages[key])), put_in))

    def text(self, key: str, /, **values: object) -> str:
        """Return a string of the pages with its placeholders filled in."""
        return filled(self.pages[key], values)

    def tell(self, refused: "RefusalText") -> str:
        """Return a refusal in this language."""
        return filled(self.refusals[refused.key], refused.values)

    @property
    def for_scripts(self) -> dict[str, InterfaceText]:
        """What comes with a page: scripts say refusals, too, which the server names by key."""
        refused = {f"refusals.{key}": text for key, text in self.refusals.items()}
        return {**self.scripts, **refused}


@dataclass(frozen=True)
class RefusalText:
    """A sentence of the part `refusals` by its key, with what is put into it."""

    key: str
    values: Mapping[str, str]

    @property
    def english(self) -> str:
        """The sentence as programs get it, whatever the language of the pages."""
        return shipped_strings().tell(self)


def refusal(key: str, /, **values: str) -> RefusalText:
    """Return a sentence of the part `refusals`."""
    return RefusalText(key, values)


def filled(text: InterfaceText, values: Mapping[str, object]) -> str:
    """Return a text with its placeholders filled in.

    Of one with forms, `one` for the number 1 and `other` for all else, as English has it; browsers
    know the rules of other languages, and get the text whole.
    """
    if not isinstance(text, str):
        text = text["one" if values[NUMBER] == "1" and "one" in text else "other"]
    return PLACEHOLDER.sub(lambda found: str(values[found[1]]), text)


def english(key: str, /, **values: str) -> str:
    """Return a string of the scripts in English: programs get it in words."""
    return filled(shipped_strings().scripts[key], values)


@cache
def shipped_strings() -> InterfaceStrings:
    """Return the strings that come with prefloop, in English."""
    return _strings(_read(SHIPPED))


def read_strings(path: Path) -> InterfaceStrings:
    """Return the strings of a file that stands for the shipped one.

    Raises a SettingsError that names what is missing, unknown or has other placeholders.
    """
    raw = _read(path)
    known, found = _flat(_read(SHIPPED)), _flat(raw)
    if OWNERS not in raw:
        known = {key: text for key, text in known.items() if not key.startswith(f"{OWNERS}.")}
    lacking = [key for key in known if key not in found]
    problems = [f"{key} is missing; in English: {known[key]!r}" for key in lacking]
    problems += [f"{key} is no string of the pages" for key in found if key not in known]
    for key in (key for key in known if key in found):
        problems += [f"{key} {what}" for what in text_problems(found[key], known[key])]
        if isinstance(found[key], Mapping) and key.startswith(FILLED_BY_SERVER):
            problems.append(f"{key} has forms, and only browsers choose one; write one text")
    problems += [f"{name} is no part of such a file" for name in raw if name not in PARTS]
    language = raw.get("language")
    if not isinstance(language, str) or not LANGUAGE_CODE.fullmatch(language):
        problems.append(f"language must be a code such as `en` or `pt-BR`; got {language!r}")
    if problems:
        raise SettingsError(_short(listing(f"The strings of {path}", problems)))
    return _strings(raw)


def _short(text: str) -> str:
    lines = text.splitlines()
    left_out = len(lines) - MOST_LINES
    return "\n".join([*lines[:MOST_LINES], f"  and {left_out} more"] if left_out > 1 else lines)


def text_problems(text: object, shipped: InterfaceText) -> Iterator[str]:
    """Yield what is wrong with a text that stands for a shipped one."""
    wanted = placeholders(shipped)
    if isinstance(text, Mapping):
        if NUMBER not in wanted:
            yield "has forms, and no number to choose one by"
        if "other" not in text or not set(text) <= FORMS:
            known = ", ".join(sorted(FORMS))
            yield f"needs the form `other`, and knows {known}; it has {', '.join(map(str, text))}"
    for form in text.values() if isinstance(text, Mapping) else [text]:
        if not isinstance(form, str) or not form.strip():
            yield f"must be a text; got {form!r}"
            continue
        # A form may write its number as a word.
        own = placeholders(form)
        if own - wanted or (wanted - own) - ({NUMBER} if isinstance(text, Mapping) else set()):
            names = " ".join(f"{{{name}}}" for name in sorted(wanted)) or "none"
            yield f"must have the placeholders of the English text ({names}): {form!r}"


def placeholders(text: InterfaceText) -> set[str]:
    """Return the names in braces of a text, in all its forms."""
    forms = [text] if isinstance(text, str) else text.values()
    return {name for form in forms for name in PLACEHOLDER.findall(form)}


def _read(path: Path) -> dict[str, Any]:
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be read: {error.strerror or error}. Give comparisons.strings "
            "the path of a file like prefloop's own strings.yaml, or leave it out."
        ) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SettingsError(f"{path} is not YAML: {error}. Correct it there.") from error
    if not isinstance(raw, dict):
        raise SettingsError(f"{path} must hold {', '.join(PARTS)}; got {type(raw).__name__}.")
    return raw


def _strings(raw: Mapping[str, Any]) -> InterfaceStrings:
    flat = _flat(raw)
    pages, scripts, refusals, owners_pages, owners_scripts = (
        {key.removeprefix(part): text for key, text in flat.items() if key.startswith(part)}
        for part in (f"{part}." for part in TEXTS)
    )
    strings = InterfaceStrings(
        language=raw["language"], pages=pages, scripts=scripts, refusals=refusals
    )
    if OWNERS not in raw:
        return replace(strings, owners=shipped_strings().owners)
    own = replace(strings, pages=pages | owners_pages, scripts=scripts | owners_scripts)
    return replace(strings, owners=own)


def _flat(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return the texts of a file by `part.area.name`; what is no such tree lacks its texts."""
    areas = dict.fromkeys(TEXTS, raw)
    for part in TEXTS:
        for name in part.split("."):
            areas[part] = _mapping(areas[part].get(name))
    return {
        f"{part}.{area}.{name}": text
        for part in areas
        for area, texts in areas[part].items()
        for name, text in _mapping(texts).items()
    }


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
