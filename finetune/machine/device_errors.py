"""What errors of PyTorch say of the device: that it is out of memory, or lost to this process."""

from finetune.errors import ModelError

OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "CUDNN_STATUS_NOT_SUPPORTED")
"""What torch's errors say when there is no memory left: CUDA and MPS, the CPU's allocator, cuDNN."""

POISONED = ("device-side assert", "illegal memory access", "unspecified launch failure", "uncorrectable ECC error")
"""What torch's errors say when a CUDA context is lost (CUDA's errors 710, 700, 719 and 214, called sticky)."""


def is_out_of_memory(error: BaseException) -> bool:
    """True if ``error`` says that the card or the machine had no memory left."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in OUT_OF_MEMORY)


def is_poisoned(error: BaseException) -> bool:
    """True if ``error`` says that this process can no longer use its card: every further call would fail too."""
    return isinstance(error, RuntimeError) and any(words in str(error) for words in POISONED)


def explained(error: BaseException) -> ModelError | None:
    """What ``error`` means for who asked for an answer: the card is lost, or no memory is left; None for any other."""
    if is_poisoned(error):
        return ModelError(
            "The graphics card stopped working for this program.", "The program has to start anew; then ask again."
        )
    if is_out_of_memory(error):
        return ModelError(
            "There was not enough memory.", "End what else uses it, such as a run that trains, then try again."
        )
    return None
