"""Support tickets and the strict JSON that says what they are about; each field follows from the text by rule."""

from __future__ import annotations

import json
from random import Random

from finetune.starter.shop import GOODS, TROUBLES, URGENCIES

ISSUES = ("damaged", "late", "wrong item", "refund")
_OPENINGS = ("Hello, ", "Hi, ", "Good morning, ", "Dear team, ", "Hello there, ", "")
_ORDERS = ("My order is {o}.", "Order {o}.", "The order number is {o}.", "It was order {o}.", "My order number is {o}.")
_SHAPES = (
    "{g}my {p} {i}. {o} {u}",
    "{g}the {p} I bought {i}. {o} {u}",
    "{o} {G}my {p} {i}. {u}",
    "{u} {G}my {p} {i}. {o}",
    "{g}my new {p} {i}. {u} {o}",
)
FIELDS = ("product", "issue", "urgency", "order")


def ticket(rng: Random) -> tuple[str, str]:
    """A ticket's text and its JSON: compact, the keys always product, issue, urgency, order."""
    product, issue, urgency = rng.choice(GOODS), rng.choice(ISSUES), rng.choice(tuple(URGENCIES))
    order = rng.choice("ABCDEFGH") + "".join(rng.choice("0123456789") for _ in range(4))
    opening = rng.choice(_OPENINGS)
    text = rng.choice(_SHAPES).format(
        g=opening,
        G=rng.choice(("Unfortunately ", "Sadly ", "You see, ")),
        p=product,
        i=rng.choice(TROUBLES[issue]),
        o=rng.choice(_ORDERS).format(o=order),
        u=rng.choice(URGENCIES[urgency]),
    )
    fields = dict(zip(FIELDS, (product, issue, urgency, order), strict=True))
    return text[0].upper() + text[1:], json.dumps(fields, separators=(",", ":"))
