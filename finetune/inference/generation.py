"""Greedy answers to many prompts at once, by one model: for evaluations, where nobody watches them grow.

Prompts of similar length share a batch, padded at the start, and an answer that has ended leaves it. Not every model
gives a row the same logits beside others: whether this one does, padded or at equal lengths alone, is tried first, and
otherwise it answers one prompt after the other. In a batch the last bits of a sum may differ, which can turn a near-tie
between two tokens; nothing larger is let through.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

from finetune.inference.decoding import Variant, arguments, cache_argument
from finetune.inference.trial import LEAST_DIFFERENCE
from finetune.machine.device_errors import is_out_of_memory
from finetune.machine.hardware import release_memory

AT_ONCE = 32
"""Answers that are written side by side, at most: more hardly pay on a GPU, and a CPU has long had enough."""
TOKENS_AT_ONCE = 32_768
"""Positions of a batch, at most: the cache of 8 billion parameters then takes about 4 GB."""
TRIED = (7, 4, 9)
"""Tokens of the trial's prompts; the second one leaves the batch after ``TRIED_STEPS[0]`` tokens."""
TRIED_STEPS = (2, 4)

Way = Literal["padded", "equal lengths", "one by one"]


class Written(NamedTuple):
    """One answer."""

    ids: list[int]
    """Its tokens without the one that ended it."""
    is_truncated: bool
    """True if it was ended by the longest answer."""


class Generation:
    """One model, ready to answer many prompts greedily."""

    def __init__(self, variant: Variant, ends: set[int]):
        self.variant = variant
        self.ends = ends
        self.takes = arguments(variant.model)
        self.cache_name = cache_argument(variant.model)
        self.leaves_rows_out = True
        """False if the cache cannot leave out the rows that have ended."""
        self.way: Way = self._choose_way()

    def answers(
        self,
        prompts: Sequence[list[int]],
        most: int,
        stopped: Callable[[], bool] = lambda: False,
    ) -> list[Written]:
        """The answer to each of ``prompts``, of at most ``most`` tokens, in their order; fewer once ``stopped``."""
        found: dict[int, Written] = {}
        for batch in self._batches(prompts, most):
            if stopped():
                break
            found |= zip(batch, self._fitting([prompts[n] for n in batch], most))
        return [found[n] for n in range(len(prompts)) if n in found] if len(found) == len(prompts) else []

    def _batches(self, prompts: Sequence[list[int]], most: int) -> Iterator[list[int]]:
        """The places of the prompts of each batch, by length."""
        batch: list[int] = []
        for n in sorted(range(len(prompts)), key=lambda n: len(prompts[n])):
            size, length = len(batch) + 1, len(prompts[n])
            is_full = size > AT_ONCE or size * (length + most) > TOKENS_AT_ONCE
            is_odd = self.way != "padded" and batch and length != len(prompts[batch[0]])
            if batch and (is_full or is_odd or self.way == "one by one"):
                yield batch
                batch = []
            batch.append(n)
        if batch:
            yield batch

    def _fitting(self, prompts: list[list[int]], most: int) -> list[Written]:
        """The answers to one batch; in two halves where memory does not suffice."""
        try:
            return self._written(prompts, most)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error) or len(prompts) == 1:
                raise
        release_memory()
        half = len(prompts) // 2
        return self._fitting(prompts[:half], most) + self._fitting(prompts[half:], most)

    def _written(self, prompts: list[list[int]], most: int) -> list[Written]:
        answers: list[list[int]] = [[] for _ in prompts]
        ended = [False] * len(prompts)
        rows = Rows(self, prompts)
        for step in range(most):
            tokens = rows.logits.argmax(-1).tolist()
            for n, token in zip(rows.places, tokens):
                ended[n] |= token in self.ends
                if not ended[n]:
                    answers[n].append(token)
            going = [row for row, n in enumerate(rows.places) if not ended[n]]
            if not going or step + 1 == most:
                break
            tokens = rows.keep(going, tokens)
            rows.step(tokens)
        return [Written(ids, not is_ended) for ids, is_ended in zip(answers, ended)]

    def _choose_way(self) -> Way:
        """How prompts may share a batch so that each answer is as it is alone, tried on prompts of random tokens."""
        vocabulary = self.variant.model.config.get_text_config().vocab_size
        prompts = [[(31 * n + 7 * k) % min(vocabulary, 5000) for k in range(size)] for n, size in enumerate(TRIED, 1)]
        if self._suits(prompts):
            return "padded"
        equal = [prompt[: min(TRIED)] for prompt in prompts]
        if self._suits(equal):
            return "equal lengths"
        self.leaves_rows_out = False
        return "equal lengths" if self._suits(equal) else "one by one"

    def _suits(self, prompts: list[list[int]]) -> bool:
        """True if each of ``prompts`` has the logits in a batch that it has alone, also once another has left it."""
        try:
            together = self._tried(prompts)
        except (TypeError, ValueError, RuntimeError, IndexError, AttributeError) as error:
            if is_out_of_memory(error):
                raise
            return False
        for n, prompt in enumerate(prompts):
            for step, logits in enumerate(self._tried([prompt])[0]):
                if step < len(together[n]) and not _is_near(together[n][step], logits):
                    return False
        return True

    def _tried(self, prompts: list[list[int]]) -> list[list[Any]]:
        """The logits (V,) of each prompt after it and after each of some tokens; the second one leaves early."""
        found: list[list[Any]] = [[] for _ in prompts]
        rows = Rows(self, prompts)
        for step in range(sum(TRIED_STEPS)):
            for n, logits in zip(rows.places, rows.logits):
                found[n].append(logits)
            tokens = [5 + step] * len(rows.places)
            if step == TRIED_STEPS[0] and len(prompts) > 1:
                tokens = rows.keep([row for row, n in enumerate(rows.places) if n != 1], tokens)
            rows.step(tokens)
        return found


class Rows:
    """A batch while it is decoded: its cache, and what each row has read."""

    def __init__(self, generation: Generation, prompts: list[list[int]]):
        import torch

        self.of = generation
        self.variant = generation.variant
        self.device = self.variant.model.device
        self.places = list(range(len(prompts)))
        """The prompt of each row that is still in the batch."""
        longest, behind = max(map(len, prompts)), self.variant.first_positions
        pads = [longest - len(prompt) for prompt in prompts]
        ids = torch.tensor([[0] * pad + prompt for pad, prompt in zip(pads, prompts)], device=self.device)
        mask = torch.tensor(
            [[1] * behind + [0] * pad + [1] * len(prompt) for pad, prompt in zip(pads, prompts)], device=self.device
        )
        self.mask = mask if any(pads) else None
        self.read = torch.tensor([behind + len(prompt) for prompt in prompts], device=self.device)
        """Positions that each row has read, virtual tokens among them."""
        positions = torch.arange(longest, device=self.device) - torch.tensor(pads, device=self.device).unsqueeze(1)
        self.cache = self.variant.cache()
        if behind and len(prompts) > 1:
            self.cache.batch_repeat_interleave(len(prompts))
        self.logits = self._forward(ids, positions.clamp(min=0) + behind)

    def step(self, tokens: list[int]) -> None:
        """One token more of each row."""
        import torch

        if self.mask is not None:
            self.mask = torch.cat([self.mask, self.mask.new_ones(len(self.mask), 1)], dim=1)
        ids = torch.tensor(tokens, device=self.device).unsqueeze(1)
        self.logits = self._forward(ids, self.read.unsqueeze(1))
        self.read = self.read + 1

    def keep(self, rows: list[int], tokens: list[int]) -> list[int]:
        """Leave the other rows out of the batch, and return the ``tokens`` of those that stay.

        Not every cache of states can leave rows out: then all stay, and those that have ended are decoded on.
        """
        import torch

        if len(rows) == len(self.places) or not self.of.leaves_rows_out:
            return tokens
        chosen = torch.tensor(rows, device=self.device)
        self.cache.batch_select_indices(chosen)
        self.read = self.read[chosen]
        self.mask = None if self.mask is None else self.mask[chosen]
        self.places = [self.places[row] for row in rows]
        return [tokens[row] for row in rows]

    def _forward(self, ids, positions):
        """Logits (B, V) in float32 after ``ids`` (B, T), which stand at ``positions`` (B, T)."""
        import torch

        given: dict[str, Any] = {self.of.cache_name: self.cache}
        if self.mask is not None:
            given["attention_mask"] = self.mask
        if "position_ids" in self.of.takes:
            given["position_ids"] = positions
        with torch.inference_mode(), self.variant.ready():
            output = self.variant.model(input_ids=ids, use_cache=True, logits_to_keep=1, **given)
        self.cache = output.get(self.of.cache_name, self.cache)
        return output.logits[:, -1].float()


def _is_near(one, other) -> bool:
    """True if two rows of logits differ by no more than rounding does."""
    return not (one - other).abs().max() > LEAST_DIFFERENCE * other.std()
