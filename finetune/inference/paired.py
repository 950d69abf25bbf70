"""Base and tuned from one copy of the weights where that is exact, decided by trial when they are loaded.

Both ways of decoding are tried against PEFT's own forward with the adapter switched on and off, and with an adapter
strong enough that a token without it shows. What differs is decoded sequentially by PEFT itself. A model that keeps
state outside the cache cannot answer for two, and gets a second copy.
"""

from collections.abc import Callable

from finetune.adapters import Adapter
from finetune.compat import is_plain_lora_layer
from finetune.errors import ModelError
from finetune.inference.batched import BatchedDecoding
from finetune.inference.decoding import SequentialDecoding, Variant
from finetune.inference.trial import are_apart, equals, is_untouched, strengthened, walked
from finetune.machine.hardware import Choice

SHARED = "base and tuned share one copy of the weights"


def decoding_of_adapter(model, adapter: Adapter, load_base: Callable | None = None, untouched: list | None = None):
    """The decoding of a ``PeftModel`` beside its base: ``(BatchedDecoding | SequentialDecoding, Choice)``.

    ``load_base`` gives a second copy of the base, for a model that keeps state outside the cache. ``untouched`` are the
    logits (V,) of its base alone, recorded twice: ``ModelError`` if it answers otherwise with the adapter off.
    """
    plain = _plain(model, adapter)
    if untouched and not is_untouched(plain.variants[0], untouched):
        raise ModelError(
            "With the adapter switched off this model does not answer as its base does, so they cannot be compared.",
            "Export the run, and ask base and tuned model apart.",
        )
    if not are_apart(plain):
        apart = SequentialDecoding(Variant(load_base()), plain.variants[1]) if load_base else plain
        if not are_apart(apart):
            raise ModelError(
                "This model keeps state between two answers, so base and tuned cannot be compared here.",
                "Export the run, and ask the exported model.",
            )
        return apart, Choice("sequential", "this model keeps state of its own, so base and tuned are two copies of it")
    if adapter.attaches_to == "prompt":
        return plain, Choice("sequential", f"{SHARED}; only the tuned model has the trained virtual tokens")
    if not _is_plain_lora(model):
        return plain, Choice("sequential", f"{SHARED}; this kind of adapter cannot be batched")
    if batched := _batched(model, plain):
        return batched, Choice("batched", f"{SHARED}, bit for bit as each alone")
    return plain, Choice("sequential", f"{SHARED}; batched decoding would differ here")


def decoding_of_models(base, tuned):
    """The decoding of two full models: ``(SequentialDecoding, Choice)``."""
    return SequentialDecoding(Variant(base), Variant(tuned)), Choice(
        "sequential", "every weight was trained, so base and tuned are two full models"
    )


def tuned_variant(model, adapter: Adapter) -> Variant:
    """The tuned model that the ``PeftModel`` is with its adapter on, computed by PEFT and Transformers alone."""
    if adapter.attaches_to == "prompt":
        behind = {"first_cache": lambda: adapter.first_cache(model), "first_positions": adapter.own_positions()}
        return Variant(model.get_base_model(), **behind)
    return Variant(model)


def _plain(model, adapter: Adapter) -> SequentialDecoding:
    """Base and tuned one after the other, computed by PEFT and Transformers alone."""
    is_prompt = adapter.attaches_to == "prompt"
    base = Variant(model.get_base_model()) if is_prompt else Variant(model, model.disable_adapter)
    return SequentialDecoding(base, tuned_variant(model, adapter))


def _batched(model, plain: SequentialDecoding) -> BatchedDecoding | None:
    """Batched decoding if it equals ``plain`` to the last bit; else None, and the model is as it was."""
    with strengthened(model):
        expected = list(walked(plain))
        batched = BatchedDecoding(model.base_model.model)
        if equals(batched, expected):
            return batched
        batched.undo()
    return None


def _is_plain_lora(model) -> bool:
    """True if only LoRA matrices on linear layers were trained, without variants, biases or active dropout."""
    import torch
    from peft.tuners.lora import LoraLayer
    from peft.utils import AuxiliaryTrainingWrapper

    layers = [layer for layer in model.modules() if isinstance(layer, LoraLayer)]
    return (
        bool(layers)
        and not any(isinstance(layer, AuxiliaryTrainingWrapper) for layer in model.modules())
        and all(
            isinstance(layer.base_layer, torch.nn.Linear)
            and isinstance(layer.lora_A, torch.nn.ModuleDict)  # AdaLoRA's layers are LoRA's too, of another formula
            and is_plain_lora_layer(layer)
            and len(layer.active_adapters) == 1
            for layer in layers
        )
    )
