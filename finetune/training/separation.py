"""Whether a model keeps rows apart that share a sequence: tried on the model itself, before rows are packed.

Positions that restart separate rows only where the model builds its attention mask from them. State that runs along the
sequence (Mamba, linear attention, convolutions) and biases by distance (ALiBi) know nothing of them, so the row before
leaks into the row after. No list of architectures says which do: two rows are packed, and the second is compared with
itself behind another row, and alone.
"""

from finetune.machine.device_errors import is_out_of_memory
from finetune.machine.hardware import Choice

LONGEST = 32
"""Tokens of a row in the trial."""
VOCABULARY = 4096
"""Entries of the vocabulary whose logits are compared, at most."""
NEIGHBOR, ALONE = (1e-5, 1e-3), (1e-3, 0.2)
"""How far the logits of a row may move (fp32, 16 bits) behind another row, and against itself alone: root mean square
of the difference, in standard deviations of the logits.

Behind another row of equal length each kernel does the same work: 100 architectures moved by 1e-7 at most, in 16 bits
too, and 37 that leak by 3e-4 to 1.2. Alone, rounding shows, and experts that are chosen by a hair."""


def packing_of(model, rows: list[list[int]]) -> Choice | None:
    """``off`` with the reason, if ``model`` does not keep ``rows`` (of tokens) apart in a sequence; None if it does.

    Nothing is changed: the model's mode stays, and no random numbers are drawn.
    """
    try:
        neighbor, alone = moved(model, *sorted(rows, key=len)[-2:])
    except Exception as error:
        if is_out_of_memory(error):
            raise
        return Choice("off", f"this model does not read rows that share a sequence ({type(error).__name__})")
    in_16_bits = model.dtype.itemsize < 4
    if neighbor <= NEIGHBOR[in_16_bits] and alone <= ALONE[in_16_bits]:  # neither is true of what is no number
        return None
    far = f"{max(neighbor, alone):.2g} standard deviations"
    return Choice("off", f"this model does not keep rows apart that share a sequence: their logits move by {far}")


def moved(model, first: list[int], second: list[int]) -> tuple[float, float]:
    """How far the logits of ``second`` in a sequence after ``first`` are from those after another row, and alone."""
    import torch

    first, second = first[:LONGEST], second[:LONGEST]
    positions = [*range(len(first)), *range(len(second))]
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            packed = _logits(model, [[*first, *second], [*reversed(first), *second]], position_ids=[positions] * 2)
            alone = _logits(model, [second])[0]
    finally:
        model.train(was_training)
    after, after_another = packed[:, len(first) :]
    return tuple(((after - other).square().mean().sqrt() / alone.std()).item() for other in (after_another, alone))


def _logits(model, ids: list[list[int]], **positions: list[list[int]]):
    """Logits (B, T, V) in fp32 of ``ids`` (B, T), as a packed row is read: positions and no mask."""
    import torch

    given = {name: torch.tensor(values, device=model.device) for name, values in positions.items()}
    logits = model(input_ids=torch.tensor(ids, device=model.device), use_cache=False, **given).logits
    return logits[..., :VOCABULARY].float()
