"""Switches of a turn: whether an answer is trained on.

What each tool means by its key, on an assistant's turn:

    weight                       OpenAI, Mistral, Together and Fireworks: 0 or 1
    loss, loss_scale             ms-swift and XTuner: true or false, or a factor of the loss
    train, training, train_detail  Axolotl (``message_field_training``): true or false, or for spans of characters
    loss_weight                  LLaMA-Factory (version 1): a factor of the loss
    trainable                    Tinker cookbook, verl: true or false
    loss_mask                    verl, slime: 1 counts in the loss and 0 does not
    mask, masked                 torchtune (``Message.masked``): the opposite, true is not trained on
"""

import json
from functools import lru_cache

from finetune.data.formats.format import RowError, plain
from finetune.data.formats.tools import parsed

ON = (
    "weight", "loss", "train", "training", "trainable", "trained", "loss_weight", "loss_mask", "loss_scale", "learn",
    "learnable", "compute_loss", "calculate_loss", "use_loss", "train_on", "train_loss", "train_weight",
    "output_with_loss", "with_loss",
)  # fmt: skip
"""Keys under which 0 or false means that the answer is not trained on."""
OFF = ("mask", "masked", "mask_loss", "ignore_loss", "skip_loss", "no_loss", "no_train", "freeze", "frozen")
"""Keys under which 1 or true means it."""
SPANS = ("train_detail", "training_detail")
"""Keys of a list of ``{"begin_offset": …, "end_offset": …, "train": …}``."""
LONGEST = 40
"""Characters of a value in a sentence."""
WORDS = {"true": 1.0, "yes": 1.0, "on": 1.0, "false": 0.0, "no": 0.0, "off": 0.0}


def is_trained(turn: dict, where: str) -> bool:
    """False if a switch of ``turn`` says that it is not trained on.

    ``RowError``, beginning with ``where``, for a switch with another value than a number, true or false.
    """
    return all(_is_on(key, value, where) for key, value in turn.items() if value is not None)


def weight_of(key: str, value: object) -> float | None:
    """The factor of the loss that a switch gives; None if ``key`` names no switch or ``value`` gives none."""
    name = _name(key)
    number = number_of(value)
    if number is None or name not in ON and name not in OFF:
        return None
    return number if name in ON else 1 - min(1.0, number)


def is_switch(key: str) -> bool:
    """True if the key is known to switch the training of a turn."""
    return _name(key) in ON + OFF + SPANS


def number_of(value: object) -> float | None:
    """True, false, a number, or either in a text, as a number; None for anything else."""
    if isinstance(value, (bool, int, float)):
        return float(value)
    written = value.strip().lower() if isinstance(value, str) else ""
    if written in WORDS:
        return WORDS[written]
    try:
        return float(written)
    except ValueError:
        return None


def _is_on(key: str, value: object, where: str) -> bool:
    if not is_switch(key) or value == "":
        return True
    if _name(key) in SPANS:
        return _are_on(key, value, where)
    weight = weight_of(key, value)
    if weight is None:
        written = json.dumps(value, ensure_ascii=False, default=str)[:LONGEST]
        raise RowError(f'{where} has "{key}": {written}, which is neither a number nor true or false.')
    return weight > 0


def _are_on(key: str, spans: object, where: str) -> bool:
    """Whether all spans are trained on, or none."""
    spans = parsed(spans)
    flags = [span.get("train") if isinstance(span, dict) else None for span in spans] if isinstance(spans, list) else []
    numbers = {number_of(flag) for flag in flags}
    if None in numbers or not isinstance(spans, list):
        raise RowError(f'{where} has "{key}", but not as a list of begin_offset, end_offset and train.')
    if len(numbers) > 1:
        raise RowError(f'{where} is trained on in part ("{key}"), but only whole answers can be left out of the loss.')
    return numbers != {0.0}


@lru_cache(1000)
def _name(key: str) -> str:
    return plain(key).removeprefix("is_").removeprefix("do_").removeprefix("should_")
