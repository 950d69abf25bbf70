"""Whether the loss is that of the model: TRL's chunked head against the model's own logits, tried before training.

The chunked head multiplies the decoder's last hidden states by the output embeddings. What else a model computes
between the two (ModernBERT's decoder has a layer and a norm there) is passed by, and another model would be trained. No
list of architectures says which do, so a row is scored both ways.
"""

from collections.abc import Sequence

from finetune import compat
from finetune.errors import ModelError, first_sentence
from finetune.machine.attention import SHORT
from finetune.machine.device_errors import is_out_of_memory

FEW = 32
"""Rows of which the longest is scored."""
FAR = 0.2
"""How far the log-probabilities of a row's tokens may be from the model's own: root mean square of the difference, in
standard deviations of the logits. Rounding in 16 bits stays below 0.05, and a layer left out gives 1 or more."""


def require_own_loss(model, row: list[int]) -> None:
    """``ModelError`` unless TRL's chunked head scores ``row`` (tokens) as ``model``, a ``PeftModel`` or none, does."""
    base = model.get_base_model() if hasattr(model, "peft_config") else model
    try:
        far = _difference(base, row[:SHORT]) if len(row) > 1 else 0.0
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise
        raise ModelError(
            f"This model ({base.config.model_type}) cannot be run in {base.dtype}: {first_sentence(error)}",
            "Choose the precision fp32, or a model of another architecture.",
        ) from error
    if not far <= FAR:  # nor is what is no number
        raise ModelError(
            f"The loss of this model ({base.config.model_type}) cannot be computed here: TRL's chunked cross-entropy "
            f"leaves out a part of its head, and is {far:.2g} standard deviations away from the model's own.",
            "Choose a model of another architecture.",
        )


def longest_of(rows: Sequence[dict]) -> list[int]:
    """The tokens of the longest of the first ``FEW`` rows: enough for the trial, whatever the size of the data."""
    return max((_tokens(rows[place]) for place in range(min(FEW, len(rows)))), key=len)


def _tokens(row: dict) -> list[int]:
    """The tokens of a row as a trainer gets it: all of it, or a prompt and an answer to it if there is one."""
    if "input_ids" in row:
        return list(row["input_ids"])
    answers = (row[name] for name in ("chosen_ids", "completion_ids") if name in row)
    return [*row["prompt_ids"], *next(answers, ())]


def _difference(base, row: list[int]) -> float:
    import torch
    from trl.trainer.utils import add_fused_lm_head

    ids, was_training = torch.tensor([row], device=base.device), base.training
    mixed = torch.autocast(base.device.type, dtype=torch.bfloat16, enabled=base.dtype.itemsize < 4)
    base.eval()
    try:
        with torch.no_grad(), mixed:  # as training computes it
            logits = base(input_ids=ids, use_cache=False).logits[0, :-1].float()
            add_fused_lm_head(base)
            scored = base(input_ids=ids, labels=ids, fused_lm_head=True).log_probs[0].float()
    finally:
        compat.remove_chunked_loss(base)
        base.train(was_training)
    own = logits.log_softmax(-1).gather(-1, ids[0, 1:, None])[:, 0]
    return ((scored - own).square().mean().sqrt() / logits.std()).item()
