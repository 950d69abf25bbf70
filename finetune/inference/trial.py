"""Trials of decoding: what a pair computes for two short prompts, against what it should."""

from collections.abc import Iterator
from contextlib import contextmanager

from finetune.inference.decoding import Variant

FIRST, STEPS = 40, 3
"""The first token of the trial prompts, and the tokens decoded after them."""
LENGTHS = (5, 12)
"""Tokens of the trial prompts of base and tuned."""
STRENGTH = 0.3
"""The share of a layer's output that a strengthened adapter adds to it."""
ROUNDING = 1e-3
"""In standard deviations of the logits: no more than another kernel for the same product may add."""
REPEATED = 4
"""By how many times the difference of two passes that should be equal another one may differ."""
LEAST_DIFFERENCE = 0.05
"""In standard deviations of the logits: rounding stays far below it, and another state far above."""


def walked(decoding) -> Iterator:
    """Logits (2, V) after the trial prompts, and after each token that follows."""
    prompts, following = _trial(decoding)
    logits, position = decoding.prefill(prompts)
    yield logits
    for tokens in following:
        logits = decoding.step(tokens, position)
        yield logits


def equals(decoding, expected: list) -> bool:
    """True if ``decoding`` gives the ``expected`` logits to the last bit; one that refuses the model does not."""
    import torch

    try:
        return all(map(torch.equal, walked(decoding), expected))
    except (TypeError, ValueError):  # the model takes no position or rows of its own, or its cache cannot be joined
        return False


def is_untouched(base: Variant, alone: list) -> bool:
    """True if the variant ``base`` gives the logits that its model gave ``alone``, before it had an adapter, twice.

    They may differ as two passes do that should be equal (kernels that are not deterministic), or by as little.
    """
    first, second = alone
    logits, _ = base.step(_tokens(base.model)[: LENGTHS[1]], base.cache(), 0)
    return bool((logits - first).abs().max() <= leeway(first, second))


def leeway(first, second) -> float:
    """By how much logits may differ from ``first``, which came out as ``second`` when they were computed again."""
    return float(max(REPEATED * (second - first).abs().max(), ROUNDING * first.std()))


def probe(decoding, rows: int) -> list:
    """Logits (rows, V) of ``decoding`` after a probe prompt that every row reads, and after one more token."""
    tokens = _tokens(decoding.model)
    prefilled, position = decoding.prefill([tokens[: LENGTHS[1]]] * rows)
    return [prefilled, decoding.step([tokens[LENGTHS[1]]] * rows, position)]


def are_apart(sequential) -> bool:
    """True if base and tuned answer in turn as each does without the other: no state of one reaches the other."""
    prompts, following = _trial(sequential)
    alone = []
    for i, (variant, prompt) in enumerate(zip(sequential.variants, prompts)):
        logits, cache = variant.step(prompt, variant.cache(), 0)
        steps = [logits]
        for read, tokens in enumerate(following, len(prompt)):
            logits, cache = variant.step([tokens[i]], cache, read)
            steps.append(logits)
        alone.append(steps)
    return all(
        not (together - single).abs().max() > LEAST_DIFFERENCE * single.std()
        for logits, singles in zip(walked(sequential), zip(*alone))
        for together, single in zip(logits, singles)
    )


@contextmanager
def strengthened(model) -> Iterator[None]:
    """The LoRA layers of ``model`` with random matrices in place of B, as strong as a share of each layer's output.

    An adapter of few steps changes logits by less than their last bit, and would hide a token that it does not reach.
    """
    from peft.tuners.lora import LoraLayer

    former = []
    for layer in model.modules():
        if isinstance(layer, LoraLayer):
            (name,) = layer.active_adapters
            weight = layer.lora_B[name].weight
            former.append((weight, weight.data))
            weight.data = _strong(layer, name, model.dtype)
    try:
        yield
    finally:
        for weight, data in former:
            weight.data = data


def _strong(layer, name: str, dtype):
    """A random B (out, r) by which the adapter adds ``STRENGTH`` of the norm of the layer's output."""
    import torch
    from torch.nn.functional import linear

    down, up = layer.lora_A[name].weight, layer.lora_B[name].weight
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, down.shape[1], generator=generator).to(down.device)
    b = torch.randn(up.shape, generator=generator).to(up.device, up.dtype)
    with torch.inference_mode():
        output = layer.base_layer(x.to(dtype)).float().norm()
        added = (linear(linear(x.to(down.dtype), down), b) * layer.scaling[name]).float().norm()
    return (b * (STRENGTH * output / added.clamp(min=1e-6))).to(up.dtype)


def _trial(decoding) -> tuple[tuple[list[int], list[int]], list[list[int]]]:
    """The prompts of base and tuned, of different length, and the tokens of both that follow."""
    tokens = _tokens(decoding.model)
    return (tokens[: LENGTHS[0]], tokens[: LENGTHS[1]]), [tokens[i : i + 2] for i in range(STEPS)]


def _tokens(model) -> list[int]:
    vocabulary = model.config.get_text_config().vocab_size
    return [i % vocabulary for i in range(FIRST, FIRST + max(LENGTHS) + STEPS + 1)]
