"""llama.cpp's own converter and quantizer, where this machine has them."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from finetune.errors import RunError
from finetune.redaction import redacted_by_form

FOLDER = "LLAMA_CPP"
"""The environment variable that names the folder of llama.cpp."""
CONVERTER, QUANTIZER = "convert_hf_to_gguf.py", "llama-quantize"
BY_LIBRARY = """
import sys, llama_cpp
params = llama_cpp.llama_model_quantize_default_params()
params.ftype = getattr(llama_cpp, "LLAMA_FTYPE_MOSTLY_" + sys.argv[3])
sys.exit(llama_cpp.llama_model_quantize(sys.argv[1].encode(), sys.argv[2].encode(), params))
"""
"""The quantizer of llama-cpp-python, in a process of its own: it ends its process at an error."""
SHOWN = 300
"""Characters of the end of what a program said."""


def converter() -> Path | None:
    """llama.cpp's converter; None if it is neither in the folder ``LLAMA_CPP`` nor on ``PATH``."""
    return _found(CONVERTER)


def quantizer() -> list[str]:
    """The words that start a quantizer; empty if there is none."""
    if program := _found(QUANTIZER):
        return [str(program)]
    return [sys.executable, "-c", BY_LIBRARY] if has_library() else []


def has_library() -> bool:
    """True if llama-cpp-python is installed."""
    return importlib.util.find_spec("llama_cpp") is not None


def require_quantizer() -> None:
    """``RunError`` if this machine cannot quantize to 4 bits."""
    if not quantizer():
        raise RunError(
            "q4_k_m needs llama.cpp's quantizer, which is not installed.",
            "Install llama.cpp so that llama-quantize is on PATH, or `pip install llama-cpp-python`. Or choose q8_0.",
        )


def convert(folder: Path, to: Path, quantization: str) -> None:
    """Write the model in ``folder`` to the file ``to`` with llama.cpp's converter; ``RunError`` with what it said."""
    _run([sys.executable, str(converter()), str(folder), "--outfile", str(to), "--outtype", quantization], to)


def quantize(source: Path, to: Path, quantization: str) -> None:
    """Quantize the file ``source`` to ``to``; ``RunError`` with what the quantizer said."""
    _run([*quantizer(), str(source), str(to), quantization.upper()], to)


def _found(name: str) -> Path | None:
    folder = os.environ.get(FOLDER)
    places = [Path(folder) / name, Path(folder) / "build" / "bin" / name] if folder else []
    on_path = shutil.which(name)
    return next((place for place in [*places, *([Path(on_path)] if on_path else [])] if place.is_file()), None)


def _run(words: list[str], to: Path) -> None:
    done = subprocess.run(words, capture_output=True, text=True, errors="replace")
    if done.returncode or not to.is_file():
        said = redacted_by_form((done.stderr.strip() or done.stdout.strip())[-SHOWN:])
        raise RunError(f"llama.cpp could not write this model: {said}", "Export the merged model instead.")
