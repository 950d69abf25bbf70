"""The heavy libraries: loaded late, quietly, and without telling anyone.

Importing them costs 6 to 7 seconds, so the page is up first and ``load`` runs in the background.
"""

import importlib
import logging
import os
import sys
import threading
import warnings
from contextlib import nullcontext
from importlib.metadata import version

from finetune.compat import compile_templates_per_thread
from finetune.machine.limits import cores

NAMES = ("torch", "transformers", "peft", "trl", "datasets", "accelerate", "bitsandbytes")
"""The libraries whose versions decide a run's result."""
ASKED_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Where a person, or ``torchrun``, says how many threads one operation may use."""

SWITCH_S = 0.0005
"""Seconds that a thread which computes in Python keeps the interpreter while another one waits for it. A step of
training asks for it thousands of times, and by Python's own 5 ms it stood still for as long as a look at the page
took."""

_LOADING = threading.Lock()
"""Two threads that import these libraries at once can see them half made ("cannot import name AutoTokenizer")."""
_tokenizers_loaded = threading.Event()


def load() -> None:
    """Import what training and chatting need; the second call is free."""
    load_tokenizers()
    with _LOADING:
        for module in ("peft", "trl", "datasets"):
            importlib.import_module(module)
        from peft import PeftModel  # noqa: F401
        from transformers import AutoModelForCausalLM, Trainer  # noqa: F401
        from trl import DPOTrainer, SFTTrainer  # noqa: F401

        quieten_loaded()


def load_tokenizers() -> None:
    """Import what counting tokens needs, which is the smaller part; it does not wait for the rest to load."""
    with _LOADING if not _tokenizers_loaded.is_set() else nullcontext():
        quieten()
        limit_threads()
        sys.setswitchinterval(SWITCH_S)
        from transformers import AutoTokenizer  # noqa: F401

        if not _tokenizers_loaded.is_set():
            compile_templates_per_thread()
        _tokenizers_loaded.set()


def limit_threads() -> None:
    """Let one operation of PyTorch use no more threads than there are cores to use, unless a person said how many.

    PyTorch counts the cores it sees. With a container's quota of 2 of 64 the other threads would be halted most of the
    time, and those that work wait for them. Threads that are begun later do likewise.
    """
    import torch

    if not any(name in os.environ for name in ASKED_THREADS) and torch.get_num_threads() > cores():
        torch.set_num_threads(cores())


def quieten() -> None:
    """Turn off usage telemetry and noise; must run before the libraries are imported."""
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # Threads that wait for each other by spinning take the cores from whoever they wait for: beside one other busy
    # process training ran ten times slower. So they spin briefly, then sleep. Read once, when torch loads libgomp.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    # bitsandbytes looks for hub kernels when imported and logs each int8 call; both are noise here.
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing.*")
    warnings.filterwarnings("ignore", message=".*pin_memory.*no accelerator.*")


def quieten_loaded() -> None:
    """Turn off progress bars, which would be drawn into a log nobody reads."""
    import datasets
    import transformers

    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    datasets.disable_progress_bars()


def versions() -> dict[str, str]:
    """The installed version of each of ``NAMES``."""
    return {name: version(name) for name in NAMES}
