"""Fixtures that several rooms share."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def gpt2_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GPT-2 folder of random weights whose tokenizer has no pad token, like GPT-2's."""
    from tests.models_for_tests import save_gpt2

    return save_gpt2(tmp_path_factory.mktemp("gpt2"))


@pytest.fixture(scope="session")
def llama_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama folder of random weights."""
    from tests.models_for_tests import save_llama

    return save_llama(tmp_path_factory.mktemp("llama"))


@pytest.fixture(scope="session", params=["gpt2", "llama"])
def model_folder(request: pytest.FixtureRequest) -> Path:
    """Both architectures in turn."""
    folder: Path = request.getfixturevalue(f"{request.param}_folder")
    return folder
