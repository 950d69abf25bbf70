from finetune.machine.gauges import GAUGES, Gauge, figures, measured
from finetune.machine.hardware import Machine

MACHINE = Machine("cpu", "CPU", 2, 2**33)


def test_the_memory_of_this_process_is_measured():
    before = measured(MACHINE)["memory_bytes"]
    kept = bytearray(b"x" * 64 * 2**20)
    assert 32 * 2**20 < measured(MACHINE)["memory_bytes"] - before < 256 * 2**20 and kept


def test_a_gauge_that_cannot_be_read_is_left_out(monkeypatch):
    monkeypatch.setattr("finetune.machine.gauges.GAUGES", (Gauge("celsius", lambda machine: None, str), *GAUGES))
    assert list(measured(MACHINE)) == ["memory_bytes"]


def test_figures_are_in_the_order_of_the_gauges(monkeypatch):
    hot = Gauge("celsius", lambda machine: 71.0, lambda value: f"{value:.0f} °C")
    monkeypatch.setattr("finetune.machine.gauges.GAUGES", (hot, *GAUGES))
    assert figures({"memory_bytes": 2**30, "celsius": 71.0}) == ["71 °C", "1.0 GB of memory in use"]
    assert figures({"of a later version": 1.0}) == []
