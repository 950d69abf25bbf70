"""How long a run takes: the amounts of its work times what each amount takes on this machine.

A CPU spends more on the small operations around the matrix products (casts, norms, masks, the adapter, cross-entropy)
than on the products themselves, so these are counted too. The constants were fitted to twelve trainings of 5, 19 and 80
M parameters on the samples; another machine, or the same in a worse hour, is taken to be slower or faster in the
products as in a large one, and in all else as in a small layer of such operations.
"""

import time
from dataclasses import dataclass
from functools import lru_cache
from statistics import median

from finetune.machine import hardware
from finetune.runs.checkpoints import SAVE_S

START_S = 2
"""Reading the data, building the trainer, the end; the libraries are there already (measured: 0.5 to 1.5 s)."""
LAYER_S = {"cpu": 0.0028, "mps": 0.0012, "cuda": 0.0008}
"""What one pass of a batch through a layer costs however small the batch is: dispatching its operations."""
ELEMENT_S = {"cpu": 58e-9, "mps": 0.0, "cuda": 0.0}
"""What one number of a hidden state costs in a pass through a layer beside the matrix products."""
LOGIT_S = {"cpu": 8.5e-9, "mps": 0.0, "cuda": 0.0}
"""What one logit of one token costs in a pass beside the matrix product."""
UPDATE_S = {"cpu": 8e-9, "mps": 0.0, "cuda": 0.0}
"""What a step costs for each trained weight, beside its gradient: AdamW, and its cast for the next step."""
READ_S = {"cpu": 0.4e-9, "mps": 0.0, "cuda": 0.0}
"""What reading one weight costs for each token of an answer, which is decoded one by one."""
EFFICIENCY = {"cpu": 1.0, "mps": 0.2, "cuda": 0.2}
"""Share of the speed of a large matrix product that training reaches in its own; on GPUs with all that is around them
(not measured here)."""
QUANTIZE_S = {"cpu": 20e-9, "mps": 0.0, "cuda": 0.0}
"""Quantizing a weight to 4 bits while loading."""
SAVE_BYTES_PER_S = 300e6
"""A checkpoint on its way to the disk, with its checksums."""
SMALL_LAYER_S = 0.005
"""What a small layer took there and back where and when the constants were measured (2 cores)."""

REPEAT_S = 60.0


@dataclass(frozen=True)
class Work:
    """What a run has to do, in amounts."""

    layers: int
    hidden: int
    vocabulary: int
    """Tokens in it."""
    linear: int
    """Weights of the layers' linear maps."""
    passes: int
    """How often a token passes a layer in one step, backward counted as two."""
    matrix_passes: int
    """How many of these multiply with the weights: frozen ones need no gradient."""
    trainable: int
    """Trained weights."""
    steps: int
    """Optimizer steps."""
    batches: float
    """Micro-batches, over all epochs."""
    tokens: float
    """Tokens over all epochs, padding counted."""
    scored_share: float
    """Share of the tokens whose logits are computed, in evaluations too."""
    evaluations: int
    """Evaluations, the one before the first step counted."""
    evaluated_batches: float
    """Of held-out rows, in each evaluation."""
    evaluated_tokens: float
    evaluated_passes: int
    answer_tokens: int
    """Tokens of the longest sample answer, in each evaluation."""
    saves: int
    """Checkpoints at steps that are known beforehand."""
    saves_by_time: bool
    """More are saved between those where training takes long (``checkpoints.SAVE_S``)."""
    saved_bytes: int
    """Of a checkpoint."""
    model_bytes: int
    """Of the model at the end."""
    quantized: int = 0
    """Weights that are quantized to 4 bits while loading."""


def seconds(work: Work, device: str, precision: str) -> float:
    """Seconds of the whole run, from the start of its work to its end."""
    speed, slow = flops(device, precision), slowness(device)

    def through(batches: float, tokens: float, passes: int, matrix_passes: int) -> float:
        dispatched = batches * work.layers * LAYER_S[device]
        vocabulary = work.scored_share * work.vocabulary
        elementwise = tokens * (work.layers * work.hidden * ELEMENT_S[device] + vocabulary * LOGIT_S[device])
        # The head is a linear map too, whether or not it shares its weights with the embedding.
        weights = work.linear + work.hidden * vocabulary
        multiplying = 2 * tokens * matrix_passes * weights / (EFFICIENCY[device] * speed)
        return slow * passes * (dispatched + elementwise) + multiplying

    loading = START_S + slow * work.quantized * QUANTIZE_S[device]
    updating = slow * work.steps * work.trainable * UPDATE_S[device]
    training = updating + through(work.batches, work.tokens, work.passes, work.matrix_passes)
    evaluating = through(work.evaluated_batches, work.evaluated_tokens, work.evaluated_passes, work.evaluated_passes)
    read = slow * work.answer_tokens * (work.linear + work.hidden * work.vocabulary) * READ_S[device]
    answering = read + through(work.answer_tokens, 0, 1, 0)
    saving = (_saves(work, training) * work.saved_bytes + work.model_bytes) / SAVE_BYTES_PER_S
    return loading + training + work.evaluations * (evaluating + answering) + saving


def _saves(work: Work, learnt_s: float) -> int:
    """Checkpoints of a run that trains for so long."""
    stretches = max(1, work.saves)
    between = int(learnt_s / stretches / SAVE_S) if work.saves_by_time else 0
    return work.saves + stretches * between


def slowness(device: str) -> float:
    """How many times as long small operations take as they did when the constants were measured."""
    return small_layer_s() / SMALL_LAYER_S if device == "cpu" else 1.0


def flops(device: str, precision: str) -> float:
    """Multiplications and additions per second of a large matrix product, the best seen in this process.

    Measured again every minute: the first time may fall into a busy moment, such as the libraries' loading.
    """
    return _best_seen(max, _flops, device, precision)


def small_layer_s() -> float:
    """Seconds of a small layer there and back on the CPU, the least seen in this process; measured like ``flops``."""
    return _best_seen(min, _small_layer_s)


_best: dict[tuple, float] = {}


def _best_seen(best, look, *given: str) -> float:
    now = look(*given, int(time.monotonic() / REPEAT_S))
    _best[look, *given] = best(now, _best.get((look, *given), now))
    return _best[look, *given]


@lru_cache(maxsize=8)
def _flops(device: str, precision: str, minute: int) -> float:
    """The best of 0.2 s; ``minute`` tells one measurement from the next."""
    import torch

    dtype = hardware.dtype_of(precision)
    size = 1024 if device == "cpu" else 4096
    a, b = (torch.ones(size, size, dtype=dtype, device=device) for _ in range(2))
    return 2 * size**3 / min(_times(lambda: float((a @ b)[0, 0])))


@lru_cache(maxsize=1)
def _small_layer_s(minute: int) -> float:
    """The median of 0.2 s: norms, gates and products of 320 tokens of 256 numbers, as the starter has them."""
    import torch
    from torch.nn import functional

    hidden = torch.ones(8, 40, 256, requires_grad=True)
    weights = [torch.full((256, 256), 1 / 256) for _ in range(4)]

    def there_and_back() -> None:
        out = hidden
        for weight in weights:
            gate = functional.linear(functional.rms_norm(out, (256,)), weight)
            out = out + functional.silu(gate) * gate
        torch.autograd.grad(out.sum(), hidden)

    with torch.enable_grad():
        return median(_times(there_and_back))


def _times(work, for_s: float = 0.2) -> list[float]:
    """Seconds of each of as many turns of ``work`` as fit."""
    times, until = [], time.perf_counter() + for_s
    while time.perf_counter() < until:
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return times
