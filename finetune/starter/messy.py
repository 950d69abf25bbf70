"""A table as people have them: a support desk's export with every fault that the Data tab can fix.

Its good rows all answer in one form, which the starter learns quickly; equal seeds give equal bytes. Nothing in it is
real: names and numbers are invented, the card number is the one that banks give for tests, and the key opens nothing.
"""

from __future__ import annotations

import csv
import io
import string
from collections.abc import Iterator
from random import Random

from finetune.starter.shop import GOODS, TROUBLES, URGENCIES
from finetune.starter.wording import FIRST_NAMES, invented_code

SEED = 23
GOOD_ROWS = 200
COLUMNS = ("ticket", "when", "agent", "subject", "body", "reply")
GREETING, CLOSING = "Dear customer, ", " Kind regards, Team Blue"
_DEEDS = {
    "damaged": "We will send you a new one",
    "late": "It will be with you in two days",
    "wrong item": "We will send you the right one",
    "refund": "You will get your money back",
    "not working": "We will repair it for you",
}
_OPENINGS = ("Hello, ", "Hi, ", "Good morning, ", "Dear team, ", "Sadly ", "Unfortunately ", "")
_SHAPES = ("{o}my {t} {f}. My order number is {c}. {u}", "{o}the {t} I bought {f}. {u} It was order {c}.")
_STORY = (
    "I bought it in your shop in {m} as a present for my {w}, and we were all very happy with it until last {d}, "
    "when we took it out of its box again and saw what had happened to it."
)
_MONTHS, _DAYS = ("March", "April", "June", "October"), ("Monday", "Friday", "Sunday")
_PEOPLE = ("mother", "brother", "old teacher", "neighbour", "sister")
_BOILERPLATE = "As an AI language model, I cannot look at orders. I hope this helps!"
_FOREIGN = (
    ("Mein Wasserkocher ist leider gestern kaputt gegangen, und ich möchte bitte das Geld zurück haben.",
     "Sehr geehrter Kunde, vielen Dank für Ihre Nachricht, wir schicken Ihnen das Geld noch in dieser Woche zurück."),
    ("Здравствуйте, мой чайник не работает, помогите мне, пожалуйста, как можно скорее.",
     "Здравствуйте, спасибо за ваше письмо, мы пришлём вам новый чайник на этой неделе."),
)  # fmt: skip


def is_in_form(reply: str) -> bool:
    """True for a reply as the good rows have it: greeting, thanks for the message, one deed, closing."""
    inside = reply.removeprefix(GREETING).removesuffix(CLOSING)
    is_whole = len(inside) == len(reply) - len(GREETING) - len(CLOSING)
    return is_whole and inside.startswith("thank you for your message about the ") and inside.count(".") == 2


def messy() -> str:
    """The table as CSV, separated by semicolons."""
    rng = Random(f"messy support {SEED}")
    good, seen = [], set()
    while len(good) < GOOD_ROWS:
        row = _good(rng)
        if row["body"] not in seen:
            seen.add(row["body"])
            good.append(row)
    rows = good + list(_faulty(rng, good))
    rng.shuffle(rows)
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, delimiter=";", lineterminator="\n")
    writer.writeheader()
    for number, row in enumerate(rows, 417):
        day, hour, minute = 1 + number // 24 % 28, 8 + number % 11, number * 7 % 60
        when = f"2024-{3 + number // 336:02d}-{day:02d} {hour:02d}:{minute:02d}"
        writer.writerow({"ticket": f"{number:05d}", "when": when, "agent": rng.choice(FIRST_NAMES[:5]), **row})
    return out.getvalue()


def _good(rng: Random) -> dict:
    thing, trouble = rng.choice(GOODS), rng.choice(tuple(_DEEDS))
    urgency = rng.choice(URGENCIES[rng.choice(tuple(URGENCIES))])
    shape = rng.choice(_SHAPES)
    body = shape.format(
        o=rng.choice(_OPENINGS), t=thing, f=rng.choice(TROUBLES[trouble]), c=invented_code(rng), u=urgency
    )
    reply = f"thank you for your message about the {thing}. {_DEEDS[trouble]}."
    return {
        "subject": f"{thing}: {trouble}",
        "body": body[0].upper() + body[1:],
        "reply": f"{GREETING}{reply}{CLOSING}",
    }


def _faulty(rng: Random, good: list[dict]) -> Iterator[dict]:
    """The rows that something is wrong with, each fault several times."""
    yield from rng.sample(good, 10)
    for row in rng.sample(good, 6):
        story = _STORY.format(m=rng.choice(_MONTHS), w=rng.choice(_PEOPLE), d=rng.choice(_DAYS))
        yield {**row, "body": f"{row['body']} {story}"}
        yield {**row, "body": f"{row['body']} {story} Thank you!"}
    for reply in (*[""] * 6, "OK", "Done.", "Refunded", "Sent", "N/A", *[_BOILERPLATE] * 4):
        yield {**_good(rng), "reply": reply}
    for secret in _secrets(rng):
        row = _good(rng)
        yield {**row, "body": f"{row['body']} {secret}"}
    for _ in range(3):
        row, thread = _good(rng), "\n".join(f"> {_good(rng)['body']}" for _ in range(110))
        yield {**row, "body": f"{row['body']} This is what we wrote before:\n{thread}"}
    for body, reply in _FOREIGN:
        yield {"subject": "", "body": body, "reply": reply}
    for name in ("Zoë", "José", "Jürgen"):
        row = _good(rng)
        yield {**row, "body": f"{row['body']} My name is {name}.".encode().decode("cp1252")}
    for _ in range(3):
        row = _good(rng)
        yield {**row, "body": f"<div><p>{row['body']}</p><br/>&nbsp;</div>"}


def _secrets(rng: Random) -> list[str]:
    """What people write into messages although nobody should learn it."""
    key = "hf" + "_" + "".join(rng.choices(string.ascii_letters, k=34))
    return [
        "You can write to me at anna.berg@example.com.",
        "My other address is ben_1980@example.org.",
        "Please call me at +44 20 7946 0958.",
        "My number is (212) 555-0147.",
        "I paid with my card 4111 1111 1111 1111.",
        f"Our shop uses the key {key} to reach you.",
    ]
