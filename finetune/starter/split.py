"""Which combinations of question and wording the model never sees in training."""

from __future__ import annotations

import hashlib

HELD_OUT_SHARE = 0.08


def is_held_out(key: str) -> bool:
    """True for a fixed 8 % of keys, the same on every machine and in every run."""
    digest = hashlib.blake2b(key.encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") / 2**32 < HELD_OUT_SHARE
