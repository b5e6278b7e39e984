"""The reward model in use."""

from pathlib import Path

from tests.silent_bugs.parts import reward_model


def test_the_query_is_read_too(model_folder: Path) -> None:
    """Detail 1: the same response to another query is another thing."""
    model, tokenizer = reward_model(model_folder)
    response = tokenizer.encode(" nobody came to the door.")
    queries = [tokenizer.encode("Call me Ishmael."), tokenizer.encode("The sun was warm.")]
    one, two = model.score([query + response for query in queries])
    assert abs(one - two) > 1e-2
