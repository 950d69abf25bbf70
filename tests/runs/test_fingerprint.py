"""Fingerprints tell whether rows and weights are the same, and what is not the same is refused."""

import json

import pytest

from finetune.errors import RunError
from finetune.runs import events, fingerprint
from finetune.runs.fingerprint import (
    require_same_base,
    require_same_rows,
    require_same_start,
    rows_fingerprint,
    weights_fingerprint,
)
from finetune.runs.view import fold

ROW = {"input_ids": [1, 2, 3], "labels": [-100, 2, 3]}
OTHERS = [
    ([ROW, ROW], []),
    ([], [ROW]),
    ([ROW | {"labels": [-100, -100, 3]}], []),
    ([ROW | {"input_ids": [1, 23], "labels": [2, 3]}], []),
    ([ROW], [ROW]),
]


def test_other_rows_another_order_another_mask_or_another_split_give_another_fingerprint():
    found = [rows_fingerprint(*rows) for rows in [([ROW], []), *OTHERS]]
    assert len(set(found)) == len(found)
    one, two = ROW, ROW | {"label": True}
    assert rows_fingerprint([one, two], []) != rows_fingerprint([two, one], [])
    assert rows_fingerprint(iter([one]), ()) == rows_fingerprint([dict(reversed(one.items()))], [])


def weights(folder, content: bytes, header=None):
    folder.mkdir(exist_ok=True)
    written = json.dumps(header or {}).encode()
    (folder / "model.safetensors").write_bytes(len(written).to_bytes(8, "little") + written + content)
    return weights_fingerprint(folder)


@pytest.mark.parametrize("whole", [True, False])
def test_other_weights_give_another_fingerprint_also_where_only_samples_are_read(whole, tmp_path, monkeypatch):
    if not whole:
        monkeypatch.setattr(fingerprint, "WHOLE_BYTES", 1000)
        monkeypatch.setattr(fingerprint, "BLOCK_BYTES", 64)
        monkeypatch.setattr(fingerprint, "EVERY_BYTES", 512)
    content = bytes(range(256)) * 16
    first = weights(tmp_path / "a", content)
    assert weights(tmp_path / "b", content) == first
    (tmp_path / "b" / "config.json").write_text("{}")
    assert weights_fingerprint(tmp_path / "b") == first
    changed = bytes(1 + byte % 255 for byte in content)
    others = [changed, content[:-1] + b"x", content + b"x", content[1:]]
    found = [weights(tmp_path / "c", other) for other in others] + [weights(tmp_path / "c", content, {"a": 1})]
    assert len({first, *found}) == 6


def test_of_a_large_file_little_is_read(tmp_path):
    import time

    (tmp_path / "m").mkdir()
    with (tmp_path / "m" / "model.safetensors").open("wb") as file:
        file.truncate(8 * 2**30)
    began = time.monotonic()
    weights_fingerprint(tmp_path / "m")
    assert time.monotonic() - began < 5


def test_what_has_changed_is_refused_and_an_older_run_is_not_checked(run, tmp_path):
    base = weights(tmp_path / "base", b"1")
    run.model_dir.mkdir()
    assert not require_same_base(run, tmp_path / "base")
    require_same_rows(run, run.view(), "rows")
    require_same_start(run, run)
    run.emit(events.Fingerprinted(rows="rows", base=base, start=weights_fingerprint(run.model_dir)))
    assert require_same_base(run, tmp_path / "base")
    require_same_rows(run, run.view(), "rows")
    require_same_start(run, run)
    weights(tmp_path / "base", b"2")
    weights(run.model_dir, b"2")
    for call in (
        lambda: require_same_base(run, tmp_path / "base"),
        lambda: require_same_rows(run, run.view(), "other"),
        lambda: require_same_start(run, run),
    ):
        with pytest.raises(RunError) as refused:
            call()
        assert run.id in refused.value.message and "tart a new run" in refused.value.hint


def test_a_fallback_may_have_truncated_the_rows():
    seen = [events.Fingerprinted(rows="r", base="b"), events.FellBack(settings={"training.length": 128}, reason="x")]
    assert (fold(seen).fingerprint.rows, fold(seen).fingerprint.base) == ("", "b")


@pytest.fixture
def run(workspace):
    from finetune.recipe import Recipe

    return workspace.create(Recipe.from_dict({"data": {"path": "x.jsonl"}}))
