"""The memory profile of one training step: a dry run with tensors that have a shape and no memory.

The model is built from its config alone, in PyTorch's ``FakeTensorMode``: every operation of the forward and backward
pass is dispatched as on the CPU, but nothing is allocated or computed. A ledger notes each tensor when it is made and
when it is freed, so gradients that replace activations, 16-bit copies of weights, masks, recomputed layers and the
chunks of the head are counted where they really overlap. Layers are alike, so a deep model is profiled with few of them
and extrapolated along a straight line, each part of the step by itself.
"""

import weakref
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import torch
from torch import nn

from finetune import compat
from finetune.adapters import Adapter
from finetune.adapters.targets import decoder_of, freeze_towers, kept_whole
from finetune.fit.stand_ins import CHUNK_VOCABULARY, QuantizedLinear, TritonHead
from finetune.machine.attention import SHORT_IN_FP32, use
from finetune.machine.libraries import load
from finetune.machine.malloc import LARGEST_BYTES
from finetune.models.skeleton import config_of, skeleton

FEW, MORE = 4, 8
"""Layers of the two dry runs that the straight line goes through."""
PARTS = ("forward", "reference", "head", "upper layers", "lower layers", "held-out")
"""The parts of a step whose peaks grow by a constant with every layer."""


@dataclass(frozen=True)
class Step:
    """What decides the memory of a step, beside the model and the adapter."""

    sequences: int
    length: int
    """Tokens of the longest sequence; the others are padded to it."""
    mixed_precision: bool
    """Computed in 16 bits (autocast)."""
    base_dtype: str
    """What the base's weights are held in: ``float32``, ``bfloat16`` or ``float16``."""
    trained_share: float = 1.0
    """Share of the batch's positions, padding among them, with trained tokens: logits are computed for those only."""
    masked: bool = True
    """Sequences are padded or packed, so attention gets a mask."""
    activation_checkpointing: bool = False
    optimizer_in_8_bits: bool = False
    """AdamW's two moments take a byte each and a scale per 256 (Dettmers et al. 2022); small weights keep 32 bits."""
    accumulates: bool = False
    """Gradients of earlier micro-batches are there already."""
    reference: bool = False
    """A second pass through the untouched base, by a copy of it where the base itself is trained (DPO)."""
    evaluated_sequences: int = 1
    """Sequences that are evaluated at once."""
    triton: bool = False
    """The head runs in Triton kernels, as on an NVIDIA GPU, and needs no more than a chunk (read in TRL's source)."""


@dataclass(frozen=True)
class MemoryProfile:
    """What a step would have needed."""

    weights_bytes: int
    """Base, adapter and reference."""
    state_bytes: int
    """The same with AdamW's two moments for each trained parameter."""
    peak_bytes: int
    small_bytes: int
    """What of the peak was in blocks below ``heap.LARGEST_BYTES``, weights and moments aside."""


class AllocationLedger(compat.dispatch_mode()):
    """Adds up the memory of all tensors that are alive, and remembers the most."""

    def __init__(self):
        super().__init__()
        self.now = self.small = 0
        self._most = (0, 0)
        self._known: dict[int, int] = {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = _as_on_a_cpu(func, args, kwargs or {})
        for tensor in compat.leaves(made):
            if isinstance(tensor, torch.Tensor):
                self._add(tensor.untyped_storage())
        return made

    def _add(self, storage) -> None:
        key, size = compat.storage_key(storage), storage.nbytes()
        if key not in self._known:
            self._known[key] = size
            self.now += size
            self.small += size if size < LARGEST_BYTES else 0
            self._most = max(self._most, (self.now, self.small))
            weakref.finalize(storage, self._drop, key)

    def _drop(self, key: int) -> None:
        size = self._known.pop(key)
        self.now -= size
        self.small -= size if size < LARGEST_BYTES else 0

    def mark(self) -> tuple[int, int]:
        """The most bytes since the last mark, and how many of them in small blocks."""
        most, self._most = self._most, (self.now, self.small)
        return most


def _as_on_a_cpu(func, args: tuple, kwargs: dict):
    """``func`` of these arguments; experts' grouped products also in fp32, of which PyTorch knows no shapes."""
    if func.name() != "aten::_grouped_mm" or args[0].dtype != torch.float32:
        return func(*args, **kwargs)
    first, second, *others = args
    return func(first.bfloat16(), second.bfloat16(), *others, **kwargs).float()


@cache
def profile_step(folder: Path, adapter: Adapter, step: Step) -> MemoryProfile:
    """The memory of ``step`` with the model whose config is in ``folder``.

    Raises whatever a model's own code does without values, such as one whose shapes depend on them.
    """
    load()  # a library that is imported among fake tensors keeps fake tables
    layers = config_of(folder).num_hidden_layers
    if layers <= MORE:
        return _extrapolated(_with_a_mask(folder, adapter, step, layers))
    few, more = _with_a_mask(folder, adapter, step, FEW), _with_a_mask(folder, adapter, step, MORE)
    steps = (layers - MORE) / (MORE - FEW)
    return _extrapolated(
        [(a + (a - b) * steps, small + (small - other) * steps) for (a, small), (b, other) in zip(more, few)]
    )


def _extrapolated(amounts: list[tuple[float, float]]) -> MemoryProfile:
    (weights, _), (state, small_state), *peaks = amounts
    peak, small = max(peaks)
    return MemoryProfile(int(weights), int(state), int(peak), int(max(0, small - small_state)))


def _with_a_mask(folder: Path, adapter: Adapter, step: Step, layers: int) -> list[tuple[int, int]]:
    """``_profiled`` with the mask that Transformers would build, whose values are asked for otherwise.

    Models with biases by distance build one of their own, from a row of ones for each sequence. Mamba would too, but
    its loop over tokens takes minutes here.
    """
    try:
        return _profiled(folder, adapter, step, layers)
    except ValueError:
        if not step.masked:
            raise
    return _profiled(folder, adapter, step, layers, built=False)


def _profiled(folder: Path, adapter: Adapter, step: Step, layers: int, built: bool = True) -> list[tuple[int, int]]:
    """Bytes (all, in small blocks) of the weights, of weights and moments, and of the peak of each of ``PARTS``."""
    dtype = getattr(torch, step.base_dtype)
    has_copy = step.reference and adapter.trains_base()
    # Built outside: what a model makes of a number (``torch.tensor``) would be no fake tensor on the meta device.
    empties = [empty(folder, adapter, dtype, layers) for _ in range(1 + has_copy)]
    with compat.fake_tensors(), AllocationLedger() as ledger:
        model, *copies = [_model(each, adapter, step) for each in empties]
        reference = copies[0].eval() if has_copy else None
        weights = ledger.now, ledger.small
        trained = [weight for weight in model.parameters() if weight.requires_grad]
        moments = [_moment(weight, step.optimizer_in_8_bits) for weight in trained for _ in range(2)]
        state = ledger.now, ledger.small
        for _ in range(2 if step.accumulates else 1):
            peaks = _pass(model, reference, step, ledger, built)
        for weight in trained:
            weight.grad = None
        ledger.mark()
        with torch.no_grad(), _autocast(step):
            _score(model.eval(), replace(step, sequences=step.evaluated_sequences), built)
        peaks.append(ledger.mark())
        del moments
    return [weights, state, *peaks]


def _pass(model, reference, step: Step, ledger: AllocationLedger, built: bool) -> list[int]:
    """The peak of each of ``PARTS`` of a forward and backward pass."""
    peaks = []

    def mark(*_) -> None:
        peaks.append(ledger.mark())

    layers = _layers(model)
    with _at_gradient_of(layers[len(layers) // 2], mark):
        ledger.mark()
        with _autocast(step):
            loss = _score(model, step, built, mark)
        mark()
        if step.reference:
            without = model.disable_adapter() if reference is None else nullcontext()
            with torch.no_grad(), without, _autocast(step):
                _score(reference or model, step, built)
        mark()
        loss.backward()
        mark()
    return peaks


@contextmanager
def _at_gradient_of(layer, mark):
    """Call ``mark`` once the backward pass has come down to the output of ``layer``."""

    def attach(_, __, output) -> None:
        hidden = output[0] if isinstance(output, tuple) else output
        if hidden.requires_grad:
            hidden.register_hook(mark)

    hook = layer.register_forward_hook(attach)
    try:
        yield
    finally:
        hook.remove()


def _score(model, step: Step, built: bool, mark=None):
    """The loss of a batch as TRL's fused head computes it, in chunks; ``mark`` is called when its gradient is there.

    The mask is ``built`` already, of all pairs of tokens, or a row of ones for each sequence.
    Of all positions, as many are picked for the head as have trained tokens. TRL reserves whole chunks also for a
    smaller vocabulary; what is never touched takes no main memory.
    """
    from trl.kernels import ChunkedLogProbFunction

    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    shape = (step.sequences, step.length)
    ids, labels = (torch.zeros(shape, dtype=torch.long) for _ in range(2))
    # Positions without a mask would be taken for packed rows, which get one.
    shared = {}
    if step.masked:
        pairs = torch.zeros(step.sequences, 1, step.length, step.length, dtype=torch.bool)
        shared["attention_mask"] = pairs if built else torch.zeros(shape, dtype=torch.long)
        shared["position_ids"] = torch.zeros(shape, dtype=torch.long)
    hidden = _decoder(base)(input_ids=ids, use_cache=False, **shared).last_hidden_state[:, :-1]
    if mark is not None:
        hidden.register_hook(mark)
    head, config = base.get_output_embeddings(), base.config.get_text_config()
    positions = hidden.size(0) * hidden.size(1)
    picked = torch.arange(max(1, round(step.trained_share * positions)))
    scored, labels = hidden.reshape(-1, hidden.size(-1))[picked], labels[:, 1:].reshape(-1)[picked]
    if step.triton:
        return TritonHead.apply(scored, head.weight, step.mixed_precision)
    log_probs, *_ = ChunkedLogProbFunction.apply(
        scored, head.weight, head.bias, labels, 1.0,
        min(CHUNK_VOCABULARY, head.weight.size(0)), getattr(config, "final_logit_softcapping", None), 1.0,
        ("log_probs", "entropy", "is_top1"),
    )  # fmt: skip
    return -log_probs.sum()


def _autocast(step: Step):
    return torch.autocast("cpu", dtype=torch.bfloat16) if step.mixed_precision else nullcontext()


def _decoder(base):
    """What turns tokens of ``base`` into hidden states: all but its head, and its towers for pictures if it has any."""
    decoder = base.base_model if base.config.get_text_config() is base.config else decoder_of(base)
    while decoder.get_output_embeddings() is not None:
        decoder = next(part for part in decoder.children() if hasattr(part, "get_input_embeddings"))
    return decoder


def _layers(model):
    """The decoder's layers: the first list of modules in it with as many as the config says."""
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    count = base.config.get_text_config().num_hidden_layers
    return next(part for part in _decoder(base).modules() if isinstance(part, nn.ModuleList) and len(part) == count)


def _model(model, adapter: Adapter, step: Step):
    """``model`` (of ``empty``) with its adapter as the trainer has it, on the CPU but without memory."""
    if step.activation_checkpointing:
        if not adapter.trains_base():
            model.enable_input_require_grads()
        model.activation_checkpointing_enable()
    made: dict[int, torch.Tensor] = {}
    if adapter.weight_bits == 4:
        _quantize(model, getattr(adapter, "double_quantization", False))
    for part in list(model.modules()):
        for name, weight in part.named_parameters(recurse=False):
            if id(weight) not in made:
                dtype = torch.bfloat16 if adapter.weight_bits == 4 and weight.requires_grad else weight.dtype
                made[id(weight)] = nn.Parameter(_like(weight, dtype), weight.requires_grad)
            setattr(part, name, made[id(weight)])
        plain = [(name, value) for name, value in vars(part).items() if isinstance(value, torch.Tensor)]
        for name, tensor in [*part.named_buffers(recurse=False), *plain]:
            setattr(part, name, _like(tensor, tensor.dtype))
    if step.mixed_precision:
        compat.cast_once(model)
        if not step.triton and compat.attention_of(model) == "sdpa":
            use(model, SHORT_IN_FP32)
    return model.train()


def _quantize(model, double: bool) -> None:
    """Put a stand-in in 4 bits for each frozen linear layer of ``model`` but its head and those that stay whole."""
    from transformers.pytorch_utils import Conv1D

    head = model.get_output_embeddings()
    for part in list(model.modules()):
        for name, layer in list(part.named_children()):
            is_kept = layer is head or getattr(layer, "is_kept_whole", False)
            if isinstance(layer, (nn.Linear, Conv1D)) and not is_kept and not layer.weight.requires_grad:
                setattr(part, name, QuantizedLinear(layer, double))


def empty(folder: Path, adapter: Adapter, dtype=None, layers: int | None = None, device: str = "meta"):
    """``skeleton`` of the model in ``folder`` with its adapter; on another ``device`` its weights are any numbers."""
    load()  # nor on the meta device
    model = skeleton(folder, dtype, layers)
    for name in kept_whole(model):
        model.get_submodule(name).is_kept_whole = True
    lora = adapter.peft_config(model)
    if lora is None:
        freeze_towers(model)
    adapter.choose_weights(model)
    if lora is None:
        return model
    from peft import get_peft_model

    with torch.device(device):
        return get_peft_model(model if device == "meta" else model.to_empty(device=device), lora)


def _like(tensor, dtype):
    return torch.empty(tensor.shape, dtype=dtype, device="cpu")


def _moment(weight, in_8_bits: bool):
    if in_8_bits and weight.numel() >= 4096:
        return torch.empty(weight.numel() + 4 * (weight.numel() // 256), dtype=torch.uint8)
    return torch.empty_like(weight, dtype=torch.float32 if in_8_bits else None)
