"""Datasets from rows, for the tests of what is made of them."""

import json

import pytest

from finetune.data.loading import read
from finetune.data.settings import DataSettings


@pytest.fixture
def make(tmp_path):
    """Writes rows and reads them back as a dataset."""

    def make(rows, name="data.jsonl", **values):
        path = tmp_path / name
        lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
        path.write_text("\n".join(lines), encoding="utf-8")
        return read(path, DataSettings(path=name, **values))

    return make
