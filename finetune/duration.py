"""How long a run takes: the amounts of its work times what each amount takes on this machine.

A CPU spends more on the small operations around the matrix products (casts, norms, masks, the add-on, scoring words)
than on the products themselves, so these are counted too. The constants were fitted to measured steps and runs and hold
for the machine they were measured on; another one is taken to be slower or faster in all of it as in a matrix product.
"""

import time
from dataclasses import dataclass
from functools import lru_cache

from finetune.checkpoints import SAVE_S

START_S = 2
"""Reading the data, building the trainer, the end; the libraries are there already (measured: 0.5 to 1.5 s)."""
LAYER_S = {"cpu": 0.00094, "mps": 0.0012, "cuda": 0.0008}
"""What one pass of a batch through a layer costs however small the batch is: dispatching its operations."""
ELEMENT_S = {"cpu": 41e-9, "mps": 0.0, "cuda": 0.0}
"""What one number of a hidden state costs in a pass through a layer beside the matrix products (fitted to whole runs of
the starter on the three samples)."""
WORD_S = {"cpu": 10e-9, "mps": 0.0, "cuda": 0.0}
"""What scoring one word of the vocabulary for one token costs in a pass beside the matrix product."""
EFFICIENCY = {"cpu": 1.0, "mps": 0.2, "cuda": 0.2}
"""Share of the speed of a large matrix product that training reaches in its own; on cards with all that is around them
(not measured here)."""
COMPRESS_S = {"cpu": 20e-9, "mps": 0.0, "cuda": 0.0}
"""Compressing a weight to 4 bits while loading."""
SAVE_BYTES_PER_S = 300e6
"""A checkpoint on its way to the disk, with its sums."""
REFERENCE_FLOPS = {"bf16": 970e9, "fp32": 120e9}
"""What a large matrix product reached on the CPU on which the constants were measured (2 cores)."""

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
    speed, slow = flops(device, precision), slowness(device, precision)

    def through(batches: float, tokens: float, passes: int, products: int) -> float:
        dispatched = batches * work.layers * LAYER_S[device]
        words = work.scored * work.words
        around = tokens * (work.layers * work.hidden * ELEMENT_S[device] + words * WORD_S[device])
        # The head is a linear map too, whether or not it shares its weights with the embedding.
        weights = work.linear + work.hidden * words
        multiplied = 2 * tokens * products * weights / (EFFICIENCY[device] * speed)
        return slow * passes * (dispatched + around) + multiplied

    loaded = START_S + slow * work.compressed * COMPRESS_S[device]
    trained = through(work.batches, work.tokens, work.passes, work.products)
    checked = through(work.checked_batches, work.checked_tokens, work.checked_passes, work.checked_passes)
    answered = through(work.answer_tokens, 0, 1, 0)
    saved = (_saves(work, trained) * work.saved_bytes + work.model_bytes) / SAVE_BYTES_PER_S
    return loaded + trained + work.looks * (checked + answered) + saved


def _saves(work: Work, trained_s: float) -> int:
    """Checkpoints of a run that trains for so long."""
    stretches = max(1, work.saves)
    between = int(trained_s / stretches / SAVE_S) if work.saves_by_time else 0
    return work.saves + stretches * between


def slowness(device: str, precision: str) -> float:
    """How many times as long this machine takes as the one measured on: in the kind of product that suits it less."""
    if device != "cpu":
        return 1.0
    return max(REFERENCE_FLOPS[kind] / flops(device, kind) for kind in {precision, "fp32"})


def flops(device: str, precision: str) -> float:
    """Multiplications and additions per second of a large matrix product, the best seen in this process.

    It is looked at again every minute: the first look may fall into a busy moment, such as the libraries' loading.
    """
    now = _flops(device, precision, int(time.monotonic() / AGAIN_S))
    _best[device, precision] = max(now, _best.get((device, precision), 0.0))
    return _best[device, precision]


_best: dict[tuple[str, str], float] = {}


@lru_cache(maxsize=8)
def _flops(device: str, precision: str, minute: int) -> float:
    """The best of 0.2 s; ``minute`` tells one look from the next."""
    import torch

    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[precision]
    size = 1024 if device == "cpu" else 4096
    a, b = (torch.ones(size, size, dtype=dtype, device=device) for _ in range(2))
    best, until = float("inf"), time.perf_counter() + 0.2
    while time.perf_counter() < until:
        began = time.perf_counter()
        float((a @ b)[0, 0])
        best = min(best, time.perf_counter() - began)
    return 2 * size**3 / best
