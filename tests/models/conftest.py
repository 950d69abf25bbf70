import shutil

import pytest


@pytest.fixture
def broken(with_tiny, tiny_model):
    """A copy of the tiny model to be damaged, called ``broken``."""
    folder = with_tiny.models_dir / "broken"
    shutil.copytree(tiny_model, folder)
    return folder
