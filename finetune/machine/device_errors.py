"""Which errors of PyTorch mean that the device is out of memory, and which that this process lost its CUDA context."""

from finetune.errors import ModelError

OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "CUDNN_STATUS_NOT_SUPPORTED")
"""Texts of torch's out-of-memory errors: of CUDA and MPS, of the CPU's allocator, of cuDNN."""

CONTEXT_LOST = ("device-side assert", "illegal memory access", "unspecified launch failure", "uncorrectable ECC error")
"""Texts of the errors after which a CUDA context is lost (CUDA's sticky errors 710, 700, 719 and 214)."""


def is_out_of_memory(error: BaseException) -> bool:
    """True if the GPU or the machine had no memory left."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in OUT_OF_MEMORY)


def is_context_lost(error: BaseException) -> bool:
    """True if this process lost its CUDA context: every further call to the GPU would fail too."""
    return isinstance(error, RuntimeError) and any(words in str(error) for words in CONTEXT_LOST)


def explained(error: BaseException) -> ModelError | None:
    """``error`` as a ``ModelError`` for the person who asked for an answer: GPU lost, or out of memory; else None."""
    if is_context_lost(error):
        return ModelError(
            "The GPU stopped working for this program (CUDA context lost).", "Restart the program, then ask again."
        )
    if is_out_of_memory(error):
        return ModelError(
            "The machine ran out of memory.",
            "Stop what else uses memory, such as a training run, then try again.",
        )
    return None
