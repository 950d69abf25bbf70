"""Fits, tight or won't fit: what a need of memory comes to on this machine and on the usual cards."""

GIB = 2**30
MARGIN = 1.15
"""What is asked to be free per byte estimated, before it is said to fit: estimates were up to 20 % low once."""
CARDS_GB = (8, 12, 16, 24, 48, 80, 141)
"""Memory of the cards people have, as they are sold."""
USABLE = 0.97
"""Share of a card's nominal memory that programs get (an H100 of 80 GB reports 79.6 GiB; others a little less)."""

FITS, TIGHT, TOO_BIG = "fits", "tight", "won't fit"


def verdict(needed_bytes: float, free_bytes: float) -> str:
    """``FITS``, ``TIGHT`` (it may, but the estimate's error could undo it) or ``TOO_BIG``."""
    if needed_bytes * MARGIN <= free_bytes:
        return FITS
    return TIGHT if needed_bytes <= free_bytes else TOO_BIG


def usual_cards(needed_bytes: float) -> dict[str, str]:
    """The verdict for an otherwise unused card of each usual size, smallest first: ``{"8 GB": "won't fit", …}``."""
    return {f"{size} GB": verdict(needed_bytes, size * GIB * USABLE) for size in CARDS_GB}
