"""Whether training has changed anything."""

UNCHANGED = (
    "Training changed nothing: every trained weight is as it was at the start. "
    "Raise the learning rate, or train for more steps."
)


def moments(model, dtype=None) -> list[tuple[float, float]]:
    """Sum and norm (in fp64) of each trained weight of ``model`` as it is saved, in ``dtype``; equal if none moved.

    One tensor is copied at a time. A change that is lost when the weights are rounded to ``dtype`` is none.
    """
    import torch

    found = []
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                saved = weight.to(dtype or weight.dtype).to(torch.float64)
                found.append((saved.sum().item(), saved.norm().item()))
    return found
