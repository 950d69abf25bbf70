"""Sampling: the settings of an answer, and the next token of base and tuned by the same random numbers."""

from pydantic import Field

from finetune.settings import Settings

TOP_FIRST = 1024
"""Most likely tokens tried first for ``top_p``: sorting a whole vocabulary takes 10 ms."""


class Sampling(Settings):
    """How answers are sampled: the same for base and tuned."""

    seed: int = Field(7, ge=0, le=2**31 - 1)
    """Decides the random numbers. Equal seeds give equal answers."""
    temperature: float = Field(0.3, ge=0, le=2)
    """Randomness of the sampling. 0: the most likely token; 1: the model's own probabilities; above 1: more random."""
    top_p: float = Field(0.95, gt=0, le=1)
    """Nucleus sampling: sample only from the most likely tokens that together have this probability."""
    max_tokens: int = Field(256, ge=1, le=4096)
    """Longest answer, in tokens."""
    greedy: bool = False
    """Greedy decoding: always take the most likely token, without random numbers."""
    top_k: int = Field(0, ge=0, le=1000)
    """Top-k sampling: sample only from this many most likely tokens. 0: from all."""
    repetition_penalty: float = Field(1.0, ge=1, le=2)
    """Lowers the scores of tokens that the conversation already has. 1: no penalty."""
    stop: tuple[str, ...] = Field((), max_length=8)
    """Stop texts, one a line: an answer ends before the first of them."""


class TokenSampler:
    """Samples the next token of each row of logits, with the same random numbers for all rows."""

    def __init__(self, sampling: Sampling):
        import torch

        self.temperature = 0.0 if sampling.greedy else sampling.temperature
        self.top_p = sampling.top_p
        self.top_k = sampling.top_k
        self.penalty = sampling.repetition_penalty
        self.generator = torch.Generator().manual_seed(sampling.seed)

    @property
    def settings(self) -> dict[str, float]:
        """What decides its tokens: equal settings, in equal random states, sample alike."""
        found = {"temperature": self.temperature, "top_p": self.top_p, "top_k": self.top_k}
        return {"seed": self.generator.initial_seed(), **found, "repetition_penalty": self.penalty}

    def __call__(self, logits, seen: list[list[int]] | None = None) -> list[int]:
        """Token ids, one for each row of ``logits`` (B, V); ``seen`` are the tokens of each conversation so far.

        Exponential race (the Gumbel-max trick): argmax(p / e) with e ~ Exp(1) is token i with probability p_i. All
        rows share e, so rows with equal p get equal tokens.
        """
        import torch

        if self.penalty != 1 and seen:
            logits = torch.stack([self._penalized(row, ids) for row, ids in zip(logits, seen)])
        if self.temperature == 0:
            return [int(row.argmax()) for row in logits]
        noise = torch.empty(logits.shape[-1]).exponential_(generator=self.generator).to(logits.device)
        probabilities = (self._nucleus(self._top(row)) for row in torch.softmax(logits / self.temperature, dim=-1))
        return [int((probability / noise).argmax()) for probability in probabilities]

    def _penalized(self, scores, ids: list[int]):
        """``scores`` (V,) those of ``ids`` divided by the penalty, negative ones multiplied (Keskar et al. 2019)."""
        import torch

        scores, seen = scores.clone(), torch.tensor(sorted(set(ids)), device=scores.device)
        scores[seen] = torch.where(scores[seen] < 0, scores[seen] * self.penalty, scores[seen] / self.penalty)
        return scores

    def _top(self, probability):
        """``probability`` (V,) of the ``top_k`` most likely tokens and those equal to the last, summing to 1 again."""
        import torch

        if not 0 < self.top_k < len(probability):
            return probability
        least = probability.topk(self.top_k).values[-1]
        kept = torch.where(probability >= least, probability, 0)
        return kept / kept.sum()

    def _nucleus(self, probability):
        """``probability`` (V,) with all tokens outside the nucleus set to 0 (Holtzman et al. 2020, eq. 2)."""
        import torch

        if self.top_p == 1:
            return probability
        highest = probability.topk(min(TOP_FIRST, len(probability))).values
        if highest.sum() < self.top_p:
            highest = probability.sort(descending=True).values
        before = highest.cumsum(0) - highest
        least = highest[before < self.top_p][-1]
        return torch.where(probability >= least, probability, 0)
