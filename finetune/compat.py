"""The private names of libraries that this program reads, overrides or replaces, each with its reason.

A private name begins with an underscore or is documented nowhere, and any release of its library may change it. So the
rest of the program calls the functions below. Two kinds of name cannot be wrapped: methods that a subclass overrides,
and names in source that an exported script repeats. They stay where they are, and ``finetune.in_place`` declares them,
or the method or adapter that overrides them (``overrides``).

All three lists together are the checklist of an upgrade: ``tests/test_compat.py`` looks each name up in the installed
libraries, with its parameters.
"""

import functools
import inspect
import logging
import threading
from collections.abc import Callable
from contextlib import contextmanager

from finetune.private import PrivateName

WRAPPED: list[PrivateName] = []
"""The names that functions of this module use, in their order here."""

Function = Callable[..., object]


def uses(*signatures: str) -> Callable[[Function], Function]:
    """A decorator: the function below it uses these private names, for the reason in its docstring."""

    def declare(function: Function) -> Function:
        used_in = f"{function.__module__}.{function.__qualname__}"
        WRAPPED.extend(PrivateName.declared(each, used_in, function.__doc__) for each in signatures)
        return function

    return declare


@uses("torch._subclasses.fake_tensor.FakeTensorMode")
def fake_tensors():
    """A context in which tensors have a shape and a dtype, and no memory.

    The memory profile runs a training step in it. Without it ``fit`` has no estimate: the meta device, which is public,
    does not dispatch operations as the CPU does.
    """
    from torch._subclasses.fake_tensor import FakeTensorMode

    # It logs the whole stack of each error before it is raised.
    logging.getLogger(FakeTensorMode.__module__).setLevel(logging.CRITICAL)
    return FakeTensorMode()


@uses("torch.utils._python_dispatch.TorchDispatchMode.__torch_dispatch__(self, func, types, args, kwargs)")
def dispatch_mode() -> type:
    """The base class of a context that sees every operation: its ``__torch_dispatch__`` is called in place of each.

    The memory profile counts tensors in it. Without it those of the backward pass are missed: hooks of modules see the
    forward pass alone.
    """
    from torch.utils._python_dispatch import TorchDispatchMode

    return TorchDispatchMode


@uses("torch.utils._pytree.tree_leaves(tree, is_leaf)")
def leaves(tree) -> list:
    """What an operation returned, as a flat list: a tensor, or a nest of tuples, lists and dicts of them.

    Without it the memory profile misses the tensors of operations with several results, such as attention.
    """
    from torch.utils._pytree import tree_leaves

    return tree_leaves(tree)


@uses("torch.UntypedStorage._cdata")
def storage_key(storage) -> int:
    """A number that only this live storage has, whichever of its Python wrappers is asked.

    Two views share a storage but not its wrapper, and fake storages have no address: without the number the memory
    profile counts a view as memory of its own.
    """
    return storage._cdata


@uses(
    "transformers.utils.chat_template_utils._compile_jinja_template(chat_template)",
    "transformers.utils.chat_template_utils._cached_compile_jinja_template(chat_template)",
)
def compile_templates_by(compile_apart: Callable[[str, str], object | None]) -> None:
    """Have chat templates compiled by ``compile_apart(template, source)``; where it returns None, per thread.

    Everything that renders a template asks this function of Transformers: without it a template that loops for ever, or
    fills the memory, would do so in this process (``finetune.machine.rendering``). ``source`` is that of the function.

    A compiled template of Transformers 5.23 keeps the place of the answers while it renders a conversation, and without
    a copy for each thread all threads share it: of two that render at the same time one is refused ("AssistantTracker
    should not be reused before closed"), and the other's answers get a wrong loss mask or none.
    """
    from transformers.utils import chat_template_utils

    own, compiled = threading.local(), chat_template_utils._cached_compile_jinja_template
    source = inspect.getsource(compiled)

    def compile_here(chat_template: str):
        if apart := compile_apart(chat_template, source):
            return apart
        if not hasattr(own, "compiled"):
            own.compiled = functools.lru_cache(compiled)
        return own.compiled(chat_template)

    chat_template_utils._compile_jinja_template = compile_here


@uses(
    "transformers.modeling_utils.local_torch_dtype(dtype, model_class_name)",
    "transformers.initialization.no_tie_weights()",
)
def build_models_per_thread() -> None:
    """Let threads build models without a trace in each other's; the second call does nothing.

    While Transformers builds a model it sets torch's default dtype and takes the tying of weights out of its base
    class, both for the whole process, and puts back what it found. Without this two models that are built at the same
    time (one inspected, one estimated) leave the process without tied weights for good: from then on the head of each
    tied model is "missing in its files".
    """
    from transformers import PreTrainedModel, initialization, modeling_utils

    if hasattr(modeling_utils.local_torch_dtype, "lock"):
        return
    building, untied = threading.RLock(), threading.local()
    with_dtype, tie = modeling_utils.local_torch_dtype, PreTrainedModel.tie_weights

    @functools.wraps(with_dtype)
    @contextmanager
    def one_at_a_time(*given, **named):
        with building, with_dtype(*given, **named):
            yield

    @functools.wraps(initialization.no_tie_weights)
    @contextmanager
    def untied_here():
        before, untied.here = getattr(untied, "here", False), True
        try:
            yield
        finally:
            untied.here = before

    @functools.wraps(tie)
    def tie_weights(self, *given, **named):
        return None if getattr(untied, "here", False) else tie(self, *given, **named)

    one_at_a_time.lock = building
    modeling_utils.local_torch_dtype, initialization.no_tie_weights = one_at_a_time, untied_here
    PreTrainedModel.tie_weights = tie_weights


@uses("transformers.PreTrainedModel._supports_sdpa")
def supports_sdpa(model) -> bool:
    """True if ``model``, or the models of a class, can compute attention with PyTorch's fused kernels (SDPA).

    Without the question a model that cannot, such as Gemma 2, is refused by Transformers instead of trained with eager
    attention.
    """
    return model._supports_sdpa


@uses("transformers.PreTrainedModel.all_tied_weights_keys")
def tied_weights(model) -> dict[str, str]:
    """The weights of ``model`` that are another one under a second name -> that other one.

    A model sharded with FSDP is saved from a state dict in which both names stand. Without this the saved model holds
    tied embeddings twice.
    """
    return model.all_tied_weights_keys


@uses("transformers.Trainer._save_checkpoint(self, model, trial)")
def save_checkpoint(trainer) -> None:
    """Save a checkpoint of ``trainer`` at the step it is at.

    The trainer heeds the public way, ``should_save``, only after a step. Without this a run that is stopped during an
    evaluation loses the steps since its last checkpoint.
    """
    trainer._save_checkpoint(trainer.model, None)


@uses("transformers.Trainer._load_from_checkpoint(self, resume_from_checkpoint, model)")
def load_weights(trainer, folder) -> None:
    """Put the weights of the checkpoint in ``folder`` into the trainer's model, an adapter or a sharded one included.

    Transformers has it for ``load_best_model_at_end``, which must save and evaluate at the same steps. Without it a run
    cannot end with its best evaluation.
    """
    trainer._load_from_checkpoint(str(folder))


@uses("trl.kernels.chunked_logprob._use_triton(device)")
def has_triton(device) -> bool:
    """True if TRL computes its chunked cross-entropy on the ``torch.device`` in Triton kernels.

    There it scores the trained tokens alone. Without it the estimate of ``fit`` counts all tokens on a GPU too.
    """
    from trl.kernels.chunked_logprob import _use_triton

    return _use_triton(device)


@uses("trl.trainer.utils._use_triton(device)")
def scores_trained_tokens_only(device) -> bool:
    """True if the loss of a trainer on the ``torch.device`` scores trained tokens alone, as TRL is set now.

    Without it a run would report what was intended, not what its trainer does.
    """
    from trl.trainer import utils

    return utils._use_triton(device)


@uses("trl.trainer.utils._use_triton(device)")
def score_trained_tokens_only(where: Callable) -> None:
    """Have the trainer's loss score trained tokens alone on each device for which ``where(device)`` is true.

    TRL does so only beside Triton. Elsewhere it scores all tokens, for compilers that need equal shapes, and masks the
    rest out of the sum. Without this a CPU computes the logits of all prompt tokens too; the loss is the same.
    """
    from trl.trainer import utils

    utils._use_triton = where


@uses("trl.trainer.utils.add_fused_lm_head(model, temperature, cast_lm_head_to_fp32, outputs)")
def has_chunked_loss(model) -> bool:
    """True if TRL has put its chunked cross-entropy into ``model``, which it does by a ``forward`` on the instance.

    No argument or attribute of a trainer says so. Without it a run cannot report how its loss is computed.
    """
    return "forward" in vars(model)


@uses("trl.trainer.utils.add_fused_lm_head(model, temperature, cast_lm_head_to_fp32, outputs)")
def remove_chunked_loss(model) -> None:
    """Undo what ``has_chunked_loss`` finds; nothing to do for any other model.

    Without this the model is never freed, and after an attempt that ran out of memory the next one does too.
    """
    vars(model).pop("forward", None)


@uses("peft.tuners.lora.LoraLayer.cast_input_dtype_enabled")
def cast_once(model) -> None:
    """Leave the casts of PEFT's layers to autocast; ``model`` must then be called under autocast.

    Without this PEFT casts their input to fp32, the dtype of the adapter's weights, and autocast back to 16 bits: the
    same numbers, for 7 % of a small model's step.
    """
    from peft.tuners.tuners_utils import BaseTunerLayer

    for layer in model.modules():
        if isinstance(layer, BaseTunerLayer):
            layer.cast_input_dtype_enabled = False


@uses("peft.utils.transformers_weight_conversion.convert_peft_config_for_transformers(peft_config, model, conversions)")
def linear_names(model) -> set[str] | None:
    """The last names of linear layers that PEFT leaves as they are where it rewrites a LoRA for ``model``; else None.

    It rewrites that of many mixtures of experts, from the layers that they had in Transformers 4. Without the question
    their routers would be trained and their dense layers would not.
    """
    from peft import LoraConfig
    from peft.utils import transformers_weight_conversion as conversion

    config = LoraConfig(target_modules="all-linear")
    conversion.convert_peft_config_for_transformers(config, model, None)
    return None if config.target_modules == "all-linear" else set(config.target_modules)


@uses("peft.tuners.lora.LoraLayer.lora_variant", "peft.tuners.lora.LoraLayer.lora_bias")
def is_plain_lora_layer(layer) -> bool:
    """True if ``layer``, a ``LoraLayer``, adds ``scaling · B A x`` and nothing else: no variant such as DoRA, no bias.

    Batched decoding computes that formula itself. Without the question it would decode other adapters wrongly.
    """
    return not layer.lora_variant and not any(layer.lora_bias.values())


@uses("transformers.PreTrainedConfig._attn_implementation")
def attention_of(model) -> str:
    """The attention that ``model`` computes with, as ``set_attn_implementation`` takes it.

    Batched decoding replaces it while it is tried, and the memory profile its own stand-in. Without it a model that
    cannot be batched would keep the replacement, and one that computes eagerly be profiled as if it were fused.
    """
    return model.config._attn_implementation


@uses("transformers.GenerationMixin._supports_default_dynamic_cache()")
def takes_default_cache(model) -> bool:
    """True if ``generate`` gives ``model`` a ``DynamicCache``; the others make a cache of their own kind.

    Without it Compare gives MiniMax or xLSTM a cache that they refuse.
    """
    return model._supports_default_dynamic_cache()


@uses("transformers.Qwen2VLModel.rope_deltas")
def forget_positions(model) -> None:
    """Have ``model`` forget where pictures stood in what it has just generated, if it is one that keeps that.

    Qwen-VL and its kin keep it on the module, one row per answer. Without this the next step behind a prefix takes it
    for its own, and fails or begins at other positions.
    """
    for part in model.modules():
        if hasattr(part, "rope_deltas"):
            part.rope_deltas = None


@uses("accelerate.state.AcceleratorState.fsdp_plugin")
def fsdp_plugin(accelerator):
    """The settings by which ``accelerator`` shards a model (FSDP), a ``FullyShardedDataParallelPlugin``; else None.

    ``accelerate launch`` makes them from its own file, so a trainer's arguments cannot. Without it gradients are summed
    in 16 bits.
    """
    return getattr(accelerator.state, "fsdp_plugin", None)
