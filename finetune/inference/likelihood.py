"""How likely a model finds given texts: the log-probabilities of their trained tokens."""

from collections.abc import Sequence
from typing import NamedTuple

from finetune.data.tokens import TokenSequence
from finetune.inference.decoding import cache_argument
from finetune.inference.generation import Generation

LOGITS_BYTES = 2**28
"""Memory of the logits of a batch in float32, unless a single row has more."""
AT_ONCE = 16


class Likelihood(NamedTuple):
    """Of one sequence."""

    total: float
    """The sum of the natural log-probabilities of its trained tokens."""
    tokens: int
    """How many these are; the first token of a sequence is never one."""

    @property
    def mean(self) -> float:
        """The mean log-probability per token; 0 without any."""
        return self.total / self.tokens if self.tokens else 0.0


def likelihoods(generation: Generation, sequences: Sequence[TokenSequence]) -> list[Likelihood]:
    """The likelihood of each of ``sequences``, in their order; sequences of similar length share a batch.

    Padding stands at the end, where no token before it sees it.
    """
    vocabulary = generation.variant.model.config.get_text_config().vocab_size
    order = sorted(range(len(sequences)), key=lambda n: len(sequences[n].ids))
    found: dict[int, Likelihood] = {}
    while order:
        longest = max(len(sequences[n].ids) for n in order[:AT_ONCE])
        size = 1 if generation.way == "one by one" else max(1, LOGITS_BYTES // (4 * vocabulary * longest))
        batch, order = order[: min(size, AT_ONCE)], order[min(size, AT_ONCE) :]
        found |= zip(batch, _of_batch(generation, [sequences[n] for n in batch]))
    return [found[n] for n in range(len(sequences))]


def _of_batch(generation: Generation, sequences: list[TokenSequence]) -> list[Likelihood]:
    import torch

    variant, longest = generation.variant, max(len(each.ids) for each in sequences)
    device, behind = variant.model.device, variant.first_positions
    pads = [longest - len(each.ids) for each in sequences]
    ids = torch.tensor([[*each.ids, *[0] * pad] for each, pad in zip(sequences, pads)], device=device)
    given = {}
    if any(pads):
        mask = [[1] * (behind + len(each.ids)) + [0] * pad for each, pad in zip(sequences, pads)]
        given["attention_mask"] = torch.tensor(mask, device=device)
    if behind:
        cache = variant.cache()
        if len(sequences) > 1:
            cache.batch_repeat_interleave(len(sequences))
        given |= {cache_argument(variant.model): cache, "use_cache": True}
    if behind and "position_ids" in generation.takes:
        given["position_ids"] = torch.arange(behind, behind + longest, device=device).expand(len(ids), -1)
    with torch.inference_mode(), variant.ready():
        logits = variant.model(input_ids=ids, **given).logits[:, -longest:]
        found = []
        for row, each in zip(logits, sequences):
            places = [n for n in range(1, len(each.ids)) if each.trained[n]]
            before = torch.tensor([n - 1 for n in places], device=device, dtype=torch.long)
            told = torch.tensor([each.ids[n] for n in places], device=device, dtype=torch.long)
            logs = row[before].float().log_softmax(-1).gather(-1, told.unsqueeze(-1)).sum()
            found.append(Likelihood(float(logs), len(places)))
        return found
