"""A chat template that names today's date would ask every day with another query: it gets one day.

The day is that of Llama 3.1's template, which falls back to it. The template is changed in the
tokenizer that is loaded, so that a model which is saved with it asks as the run did.
"""

from typing import Any

DAY = {
    "%Y": "2024",
    "%y": "24",
    "%m": "07",
    "%d": "26",
    "%-d": "26",
    "%-m": "7",
    "%B": "July",
    "%b": "Jul",
    "%A": "Friday",
    "%a": "Fri",
    "%j": "208",
    "%H": "00",
    "%I": "12",
    "%M": "00",
    "%S": "00",
    "%p": "AM",
}
"""What a template may ask of the day, in the words of `strftime`."""

CALL = "strftime_now"
"""The function with which a template asks for it."""


def _macro() -> str:
    steps = "".join(f" | replace('{asked}', '{answer}')" for asked, answer in DAY.items())
    return f"{{%- macro {CALL}(format) -%}}{{{{ format{steps} }}}}{{%- endmacro -%}}"


FIXED = _macro()
"""The function of that name which a template then has of its own."""


def fix_date(hf_tokenizer: Any) -> None:
    """Let the tokenizer's chat templates say one fixed date for today's."""
    found = hf_tokenizer.chat_template
    if isinstance(found, dict):
        hf_tokenizer.chat_template = {name: _fixed(text) for name, text in found.items()}
    elif found:
        hf_tokenizer.chat_template = _fixed(found)


def _fixed(template: str) -> str:
    """Return the template with its own function; one that has it, or asks for no date, as it is."""
    return template if CALL not in template or FIXED in template else FIXED + template
