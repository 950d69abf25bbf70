"""How long a run takes: the amounts of its work times what each amount takes on this machine.

A CPU spends more on the small operations around the matrix products (casts, norms, masks, the add-on, scoring words)
than on the products themselves, so these are counted too. The constants were fitted to twelve trainings of 5, 19 and 80
M parameters on the samples; another machine, or the same in a worse hour, is taken to be slower or faster in the
products as in a large one, and in all else as in a small layer of such operations.
"""

import time
from dataclasses import dataclass
from functools import lru_cache
from statistics import median

from finetune.runs.checkpoints import SAVE_S

START_S = 2
"""Reading the data, building the trainer, the end; the libraries are there already (measured: 0.5 to 1.5 s)."""
LAYER_S = {"cpu": 0.0028, "mps": 0.0012, "cuda": 0.0008}
"""What one pass of a batch through a layer costs however small the batch is: dispatching its operations."""
ELEMENT_S = {"cpu": 58e-9, "mps": 0.0, "cuda": 0.0}
"""What one number of a hidden state costs in a pass through a layer beside the matrix products."""
WORD_S = {"cpu": 8.5e-9, "mps": 0.0, "cuda": 0.0}
"""What scoring one word of the vocabulary for one token costs in a pass beside the matrix product."""
UPDATE_S = {"cpu": 8e-9, "mps": 0.0, "cuda": 0.0}
"""What a step costs for each weight that is trained, beside its gradient: AdamW, and its cast for the next step."""
READ_S = {"cpu": 0.4e-9, "mps": 0.0, "cuda": 0.0}
"""What reading one weight costs for each token of an answer, which is written one by one."""
EFFICIENCY = {"cpu": 1.0, "mps": 0.2, "cuda": 0.2}
"""Share of the speed of a large matrix product that training reaches in its own; on cards with all that is around them
(not measured here)."""
COMPRESS_S = {"cpu": 20e-9, "mps": 0.0, "cuda": 0.0}
"""Compressing a weight to 4 bits while loading."""
SAVE_BYTES_PER_S = 300e6
"""A checkpoint on its way to the disk, with its sums."""
SMALL_LAYER_S = 0.005
"""What a small layer took there and back where and when the constants were measured (2 cores)."""

AGAIN_S = 60.0


@dataclass(frozen=True)
class Work:
    """What a run has to do, in amounts."""

    layers: int
    hidden: int
    words: int
    """Of the vocabulary."""
    linear: int
    """Weights of the layers' linear maps."""
    passes: int
    """How often a token goes through a layer for one step, backward counted as two."""
    products: int
    """How many of these multiply with the weights: frozen ones need no gradient."""
    trained: int
    """Weights that move."""
    steps: int
    """How often they do."""
    batches: float
    """Batches that are in memory at once, over all epochs."""
    tokens: float
    """Tokens over all epochs, padding counted."""
    scored: float
    """Share of the tokens for which the words of the vocabulary are scored, in the looks too."""
    looks: int
    """How often it is checked, the one before the first step counted."""
    checked_batches: float
    """Of held-out rows, in each look."""
    checked_tokens: float
    checked_passes: int
    answer_tokens: int
    """Tokens of the longest sample answer, in each look."""
    saves: int
    """Checkpoints after steps that are known beforehand."""
    saves_by_time: bool
    """More are saved between those where training takes long (``checkpoints.SAVE_S``)."""
    saved_bytes: int
    """Of a checkpoint."""
    model_bytes: int
    """Of the model at the end."""
    compressed: int = 0
    """Weights that are compressed to 4 bits while loading."""


def seconds(work: Work, device: str, precision: str) -> float:
    """The time of the whole run, from its turn in the line to its end."""
    speed, slow = flops(device, precision), slowness(device)

    def through(batches: float, tokens: float, passes: int, products: int) -> float:
        dispatched = batches * work.layers * LAYER_S[device]
        words = work.scored * work.words
        around = tokens * (work.layers * work.hidden * ELEMENT_S[device] + words * WORD_S[device])
        # The head is a linear map too, whether or not it shares its weights with the embedding.
        weights = work.linear + work.hidden * words
        multiplied = 2 * tokens * products * weights / (EFFICIENCY[device] * speed)
        return slow * passes * (dispatched + around) + multiplied

    loaded = START_S + slow * work.compressed * COMPRESS_S[device]
    updated = slow * work.steps * work.trained * UPDATE_S[device]
    trained = updated + through(work.batches, work.tokens, work.passes, work.products)
    checked = through(work.checked_batches, work.checked_tokens, work.checked_passes, work.checked_passes)
    read = slow * work.answer_tokens * (work.linear + work.hidden * work.words) * READ_S[device]
    answered = read + through(work.answer_tokens, 0, 1, 0)
    saved = (_saves(work, trained) * work.saved_bytes + work.model_bytes) / SAVE_BYTES_PER_S
    return loaded + trained + work.looks * (checked + answered) + saved


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

    It is looked at again every minute: the first look may fall into a busy moment, such as the libraries' loading.
    """
    return _best_seen(max, _flops, device, precision)


def small_layer_s() -> float:
    """Seconds of a small layer there and back on the CPU, the least seen in this process; looked at like ``flops``."""
    return _best_seen(min, _small_layer_s)


_best: dict[tuple, float] = {}


def _best_seen(best, look, *given: str) -> float:
    now = look(*given, int(time.monotonic() / AGAIN_S))
    _best[look, *given] = best(now, _best.get((look, *given), now))
    return _best[look, *given]


@lru_cache(maxsize=8)
def _flops(device: str, precision: str, minute: int) -> float:
    """The best of 0.2 s; ``minute`` tells one look from the next."""
    import torch

    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[precision]
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
