"""S4: a reward model read at the wrong token, because of padding on the other side."""

from pathlib import Path

import torch

from prefloop.models.scoring import pad_right
from tests.silent_bugs.parts import reward_model
from tests.tolerances import MODEL

TEXTS = [
    "Call me Ishmael.",
    "The sun was warm and the garden was full of happy people.",
    "He fell.",
]


def test_a_row_scores_the_same_alone_and_beside_longer_ones(model_folder: Path) -> None:
    model, coder = reward_model(model_folder)
    rows = [coder.encode(text) for text in TEXTS]
    alone = torch.cat([model.score([row]) for row in rows])
    torch.testing.assert_close(model.score(rows), alone, **MODEL)


def test_twin_that_reads_the_last_column_scores_padding(model_folder: Path) -> None:
    model, coder = reward_model(model_folder)
    rows = [coder.encode(text) for text in TEXTS]
    ids, mask = pad_right(rows, coder.pad_id)
    with torch.no_grad():
        twin = model.head.scores(model.trunk.hidden(ids, mask)[:, -1])
    away = (twin - model.score(rows)).abs()
    assert away[1] < 1e-3, "the longest row has no padding"
    assert (away[[0, 2]] > 1e-2).all()


def test_the_query_is_read_too(model_folder: Path) -> None:
    """Detail 1: the same response to another query is another thing."""
    model, coder = reward_model(model_folder)
    response = coder.encode(" nobody came to the door.")
    one, two = model.score([coder.encode(query) + response for query in TEXTS[:2]])
    assert abs(one - two) > 1e-2
