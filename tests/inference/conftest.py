"""What these tests compare must not depend on the processor: bf16 everywhere, also without instructions for it."""

import pytest
import torch


@pytest.fixture(scope="module", autouse=True)
def with_bf16():
    """This machine, as if its processor had bf16 instructions; without them PyTorch computes the same, slowly."""
    found = {**torch.cpu.get_capabilities(), "avx512_bf16": True}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.cpu, "get_capabilities", lambda: found)
        yield
