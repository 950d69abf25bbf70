"""Ways to damage the folder of a model, as it happens to people."""

import json
from collections.abc import Callable
from pathlib import Path


def edit_config(folder: Path, **changes) -> None:
    """Set keys of ``config.json``; None removes one."""
    path = folder / "config.json"
    config = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in config.items() if value is not None}))


def edit_tensors(folder: Path, change: Callable[[dict], dict]) -> None:
    """Write the tensors of ``model.safetensors`` anew, as ``change`` returns them."""
    from safetensors.torch import load_file, save_file

    path = folder / "model.safetensors"
    tensors = {name: tensor.contiguous() for name, tensor in change(load_file(path)).items()}
    path.unlink()
    save_file(tensors, path, {"format": "pt"})


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 988097824\n"
