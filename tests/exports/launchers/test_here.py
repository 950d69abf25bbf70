from pathlib import Path

from finetune.exports.launchers.here import Here


def test_it_writes_no_file_and_quotes_the_folder():
    alone, several = Here().steps(Path("/my exports/001-a"))
    assert not Here.file and alone.commands == "uv run '/my exports/001-a/train.py'"
    assert several.commands == "torchrun --nproc-per-node 2 '/my exports/001-a/train.py'"
