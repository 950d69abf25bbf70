"""The heavy libraries: loaded late and quietly, with telemetry off.

Importing them costs 6 to 7 seconds, so the page is up first and ``load`` runs in the background.
"""

import importlib
import logging
import os
import sys
import threading
import warnings
from contextlib import AbstractContextManager, nullcontext, redirect_stdout
from importlib.metadata import version

from finetune.compat import build_models_per_thread, compile_templates_by
from finetune.machine.limits import cores
from finetune.machine.rendering import apart

NAMES = ("torch", "transformers", "peft", "trl", "datasets", "accelerate", "bitsandbytes")
"""The libraries whose versions decide a run's result."""
ASKED_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Environment variables in which a person, or ``torchrun``, limits the threads of one operation."""

SWITCH_S = 0.0005
"""Switch interval of the interpreter (GIL): how long one thread keeps it while another waits. A training step asks for
it thousands of times; with Python's default of 5 ms, training stood still for as long as the page was being drawn."""

_LOADING = threading.Lock()
"""Two threads that import these libraries at once can see them half imported ("cannot import name AutoTokenizer")."""
_tokenizers_loaded = threading.Event()


def load() -> None:
    """Import what training and inference need; the second call is free."""
    load_tokenizers()
    with _LOADING, _quiet():
        for module in ("peft", "trl", "datasets"):
            importlib.import_module(module)
        from datasets import disable_progress_bars
        from peft import PeftModel  # noqa: F401
        from transformers import AutoModelForCausalLM, Trainer  # noqa: F401
        from trl import DPOTrainer, SFTTrainer  # noqa: F401

        disable_progress_bars()
        build_models_per_thread()


def load_tokenizers() -> None:
    """Import what tokenization needs, without waiting for the rest to load."""
    with _LOADING if not _tokenizers_loaded.is_set() else nullcontext(), _quiet():
        quieten()
        limit_threads()
        sys.setswitchinterval(SWITCH_S)
        from transformers import AutoTokenizer  # noqa: F401
        from transformers import logging as log

        log.disable_progress_bar()  # it would only fill the log
        log.set_verbosity_error()
        if not _tokenizers_loaded.is_set():
            compile_templates_by(apart)
        _tokenizers_loaded.set()


def _quiet() -> AbstractContextManager:
    """Inside, what Transformers prints when it finds ``WANDB_MODE=offline`` does not go to stdout, where answers go."""
    return redirect_stdout(sys.stderr) if os.environ.get("WANDB_MODE") == "offline" else nullcontext()


def limit_threads() -> None:
    """Limit one operation of PyTorch to as many threads as this process has cores, unless a person set the number.

    PyTorch counts the visible cores. With a container's quota of 2 of 64 cores, most threads would be halted most of
    the time while the working ones wait for them. Threads started later inherit the limit.
    """
    import torch

    if not any(name in os.environ for name in ASKED_THREADS) and torch.get_num_threads() > cores():
        torch.set_num_threads(cores())


def quieten() -> None:
    """Turn off usage telemetry and noise; must run before the libraries are imported."""
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # Threads that spin while they wait take the cores from the threads they wait for: beside one other busy process,
    # training ran ten times slower. So they spin briefly, then sleep. libgomp reads this once, when torch loads it.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    # bitsandbytes looks for hub kernels when imported and logs each int8 call; both are noise here.
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing.*")
    warnings.filterwarnings("ignore", message=".*pin_memory.*no accelerator.*")


def versions() -> dict[str, str]:
    """The installed version of each of ``NAMES``."""
    return {name: version(name) for name in NAMES}
