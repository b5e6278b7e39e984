"""S8: a normalization that does nothing."""

from pathlib import Path

import pytest
import torch

from tests.models_for_tests import TEXT
from tests.silent_bugs.parts import reward_model
from tests.tolerances import MODEL


def test_scores_of_the_reference_get_mean_0_and_variance_1(model_folder: Path) -> None:
    model, coder = reward_model(model_folder)
    rows = [coder.encode(sentence) for text in TEXT[:4] for sentence in text.split(".") if sentence]
    before = model.score(rows)
    assert before.std(correction=0).item() != pytest.approx(1.0, abs=0.05), (
        "it must have work to do"
    )
    gain, shift = model.normalize(rows)
    after = model.score(rows)
    torch.testing.assert_close(after, gain * before + shift, **MODEL)
    assert after.mean().item() == pytest.approx(0.0, abs=1e-4)
    assert after.std(correction=0).item() == pytest.approx(1.0, abs=1e-4)


def test_doing_it_again_changes_nothing(model_folder: Path) -> None:
    model, coder = reward_model(model_folder)
    rows = [coder.encode(text) for text in TEXT[:4]]
    model.normalize(rows)
    gain, shift = model.normalize(rows)
    assert gain == pytest.approx(1.0, abs=1e-4)
    assert shift == pytest.approx(0.0, abs=1e-4)
