"""Whether columns fit in free memory, beside a training too."""

from dataclasses import replace

import pytest

from finetune.errors import BusyError, ModelError
from finetune.inference import memory
from finetune.inference.column import Column
from finetune.inference.memory import ANSWER_BYTES, base_bytes, holder_of, needed_bytes, require_room
from finetune.inference.untouched import Bases
from finetune.machine import hardware
from finetune.models.locate import STARTER
from tests.inference.tuned import tuned_run

GB = 2**30


@pytest.fixture
def runs(with_tiny):
    return {kind: tuned_run(with_tiny, {"type": kind}, steps=(4,)) for kind in ("lora", "full", "qlora")}


@pytest.fixture
def free(monkeypatch):
    """Sets how many bytes are free of 16 GB on a GPU, and how much the columns need."""

    def set_to(free_bytes, needed):
        machine = replace(hardware.machine(), device="cuda", gpu_memory_bytes=16 * GB)
        monkeypatch.setattr(memory.hardware, "machine", lambda: machine)
        monkeypatch.setattr(memory.hardware, "free_bytes", lambda machine, beside=False: free_bytes)
        monkeypatch.setattr(memory, "needed_bytes", lambda columns, bases: needed)

    return set_to


def test_beside_a_training_columns_need_room_and_a_margin(with_tiny, write_run, free, monkeypatch):
    holder = write_run("pirate voice", state="")
    monkeypatch.setattr(memory, "holder_of", lambda workspace: holder)
    bases = Bases(with_tiny)
    free(3 * GB, 2 * GB)
    assert require_room([], bases) is None
    free(int(1.2 * GB), int(2.4 * GB))
    with pytest.raises(BusyError) as busy:
        require_room([], bases)
    assert busy.value.message == (
        "Run 1 pirate voice is training and holds the GPU: 1.2 of 16 GB are free, and this needs about 2.4 GB."
    )
    assert busy.value.hint == "Wait, pause it, or ask later."
    free(int(2.1 * GB), 2 * GB)
    with pytest.raises(BusyError):
        require_room([], bases)


def test_without_a_training_what_fits_at_all_is_loaded(with_tiny, free):
    free(int(2.1 * GB), 2 * GB)
    assert require_room([], Bases(with_tiny)) is None
    free(GB, 2 * GB)
    with pytest.raises(ModelError, match="not enough memory to ask these models: 1.0 of 16 GB are free") as refused:
        require_room([], Bases(with_tiny))
    assert "close other programs" in refused.value.hint


def test_the_holder_is_the_run_that_trains(write_run, workspace):
    write_run("done")
    killed = write_run("killed", state="")
    assert holder_of(workspace) is None
    with killed.held():
        assert holder_of(workspace).id == killed.id


def test_what_is_in_memory_is_not_counted_again(runs, with_tiny):
    bases = Bases(with_tiny)
    columns = [Column(runs["lora"].id, is_base=True), Column(runs["lora"].id), Column(runs["lora"].id, 4)]
    before = needed_bytes(columns, bases)
    base = bases.get(runs["lora"].recipe)
    weights = sum(weight.numel() * weight.element_size() for weight in base.model.parameters())
    assert before - needed_bytes(columns, bases) == pytest.approx(weights, rel=0.01)
    assert needed_bytes([], bases) == 0 and needed_bytes(columns[:1], bases) > ANSWER_BYTES


def test_a_whole_model_counts_once_more_for_each_column(runs, with_tiny):
    bases = Bases(with_tiny)
    base, tuned, earlier = Column(runs["full"].id, is_base=True), Column(runs["full"].id), Column(runs["full"].id, 4)
    alone, both, all_three = (
        needed_bytes(columns, bases) for columns in ([base], [base, tuned], [base, tuned, earlier])
    )
    whole = base_bytes(runs["full"].recipe, with_tiny.models_dir / "tiny")
    assert both - alone >= whole and all_three - both == both - alone


def test_a_quantized_base_needs_less_once_its_files_are_closed(runs, monkeypatch):
    plain, quantized = (base_bytes(runs[kind].recipe, STARTER) for kind in ("lora", "qlora"))
    assert quantized > plain, "on a CPU its files are in memory beside it"
    machine = replace(hardware.machine(), device="cuda")
    monkeypatch.setattr(memory.hardware, "machine", lambda: machine)
    monkeypatch.setattr(memory, "dtype_of", lambda recipe, found=memory.dtype_of(runs["lora"].recipe): found)
    assert base_bytes(runs["qlora"].recipe, STARTER) < plain
