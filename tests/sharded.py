"""The command line, in one of several processes that each hold a part of the model (FSDP2), on CPUs.

    torchrun --nproc_per_node 2 -m tests.sharded resume RUN

Accelerate takes whole copies (DDP) on CPUs whatever it was told, without a word; so here it takes them for cards. All
else is what ``accelerate launch`` with TRL's ``fsdp2.yaml`` does, whose settings are in ``ENVIRONMENT``.
"""

import sys

from accelerate import state
from accelerate.utils import DistributedType

from finetune.__main__ import main

ENVIRONMENT = {
    "ACCELERATE_USE_FSDP": "true",
    "ACCELERATE_MIXED_PRECISION": "bf16",
    "FSDP_VERSION": "2",
    "FSDP_AUTO_WRAP_POLICY": "TRANSFORMER_BASED_WRAP",
    "FSDP_CPU_RAM_EFFICIENT_LOADING": "true",
    "FSDP_OFFLOAD_PARAMS": "false",
    "FSDP_RESHARD_AFTER_FORWARD": "true",
    "FSDP_STATE_DICT_TYPE": "FULL_STATE_DICT",
}
"""What ``accelerate launch`` makes of TRL's ``fsdp2.yaml``."""


def take_for_cards() -> None:
    """Have accelerate shard the model on CPUs too."""
    begin = state.PartialState.__init__

    def begun(self, *given, **named) -> None:
        begin(self, *given, **named)
        if self._shared_state["distributed_type"] == DistributedType.MULTI_CPU:
            self.distributed_type = DistributedType.MULTI_GPU

    state.PartialState.__init__ = begun


if __name__ == "__main__":
    take_for_cards()
    sys.exit(main(sys.argv[1:]))
