import pytest

from finetune.errors import ModelError
from finetune.machine.device_errors import explained, is_context_lost, is_out_of_memory


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")])
def test_out_of_memory_is_recognized_by_type_or_by_text(error):
    assert is_out_of_memory(error) and not is_context_lost(error)
    assert isinstance(explained(error), ModelError) and "memory" in explained(error).message


def test_a_lost_context_is_recognized_by_its_text():
    error = RuntimeError("CUDA error: device-side assert triggered")
    assert is_context_lost(error) and not is_out_of_memory(error)
    assert isinstance(explained(error), ModelError)


@pytest.mark.parametrize("error", [ValueError("out of memory"), RuntimeError("shape mismatch")])
def test_any_other_error_says_nothing_about_the_device(error):
    assert not is_out_of_memory(error) and not is_context_lost(error) and explained(error) is None
