import pytest

from finetune.machine import hardware, peak


@pytest.mark.parametrize("can_reset", [True, False])
def test_the_peak_is_the_most_memory_in_use_since_the_start(monkeypatch, can_reset):
    if not can_reset:
        monkeypatch.setattr(peak, "_reset_resident_peak", lambda: False)
    meter = peak.Peak(hardware.Machine("cpu", "CPU", 1, 2**30))
    block = bytearray(b"x" * (64 * 2**20))
    if not can_reset:
        assert meter.bytes() > 60 * 2**20
    del block
    if can_reset:
        assert 60 * 2**20 < meter.bytes() < 200 * 2**20
