"""A studio on an empty workspace."""

import pytest


@pytest.fixture
def studio(workspace):
    """A studio whose queue is empty."""
    from finetune.ui.studio import Studio

    return Studio(workspace)


@pytest.fixture
def desk(studio):
    """The data desk of the studio."""
    return studio.data


@pytest.fixture
def still(studio):
    """The studio, whose worker starts no run: what is queued stays queued."""
    studio.queue.close(0)
    return studio


@pytest.fixture
def table(desk, with_tiny, tmp_path):
    """A function that uploads a table and returns the tab with it."""

    from finetune.ui.data import tab as data
    from finetune.ui.data.counting import Counting
    from tests.tab import named

    def show(text, name="tickets.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        file, *values = data.take_files(desk, Counting.of("tiny", "512", "own"), [str(path)])
        assert file is None
        return named(values)

    return show
