"""The skeleton of a model: its layers by its config alone, on a device without memory."""

import copy
from functools import cache
from pathlib import Path

from finetune.compat import build_models_per_thread
from finetune.models.architecture import architecture
from finetune.models.files import read_config


def config_of(folder: Path):
    """The text model's ``PretrainedConfig`` in ``folder``."""
    return _whole_config(folder).get_text_config()


def skeleton(folder: Path, dtype=None, layers: int | None = None):
    """The model of the config in ``folder``, on the meta device; with ``layers`` layers if given.

    Towers for pictures are there in full, whatever the layers of its decoder.
    """
    import torch
    import transformers

    build_models_per_thread()
    found = architecture(read_config(folder, folder.name), folder.name)
    config = copy.deepcopy(_whole_config(folder))
    if not found.reads_pictures:
        config = config.get_text_config()
    if layers is not None:
        _shorten(config.get_text_config(), layers)
    with torch.device("meta"):
        return getattr(transformers, found.auto_class).from_config(config, dtype=dtype, trust_remote_code=False)


@cache
def _whole_config(folder: Path):
    from transformers import AutoConfig

    return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)


def _shorten(config, layers: int) -> None:
    """Give the text model's ``config`` so many layers, and as many entries to its lists of one for each layer."""
    count = config.num_hidden_layers
    for name, value in vars(config).items():
        if isinstance(value, list) and len(value) == count:
            setattr(config, name, value[:layers])
    config.num_hidden_layers = layers
