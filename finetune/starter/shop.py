"""Messages to a shop: who writes, about what, what is wrong, how urgent it is; and questions about them."""

from __future__ import annotations

import json
from random import Random

from finetune.starter.facts import COUNTRIES
from finetune.starter.items import Item, kind
from finetune.starter.questions import about, capital
from finetune.starter.wording import ask, invented_code, invented_name, invented_word, listed

GOODS = (
    *(
        "lamp",
        "kettle",
        "chair",
        "phone",
        "radio",
        "clock",
        "toaster",
        "camera",
        "bicycle",
        "fridge",
        "table",
        "printer",
    ),
    *(
        "jacket",
        "watch",
        "heater",
        "mixer",
        "keyboard",
        "backpack",
        "blanket",
        "mirror",
        "tent",
        "drill",
        "vase",
        "fan",
    ),
)
TROUBLES = {
    "damaged": (
        "arrived broken",
        "came with a crack",
        "is damaged",
        "has a big scratch",
        "has a dent",
        "fell apart",
        "is cracked",
        "came in pieces",
    ),
    "late": (
        "has not arrived yet",
        "is still not here",
        "is a week late",
        "was never delivered",
        "did not arrive",
        "has not come",
        "is late",
        "is still on its way",
    ),
    "wrong item": (
        "is the wrong colour",
        "is not the one I ordered",
        "is the wrong size",
        "is not what I asked for",
        "is a different model",
        "is not mine",
        "is too small for me",
        "is the wrong one",
    ),
    "refund": (
        "was charged twice",
        "should be refunded",
        "is going back, please return my money",
        "was not worth it and I want my money back",
        "was too expensive, I want a refund",
        "cost me twice as much as you said",
        "is not for me, please refund it",
    ),
    "not working": (
        "does not work",
        "stopped working",
        "makes a strange noise",
        "will not turn on",
        "is too loud",
        "gets too hot",
        "works only sometimes",
    ),
}
URGENCIES = {
    "high": (
        "I need this solved today!",
        "This is urgent!",
        "Please hurry, it cannot wait.",
        "I need help right now.",
        "Answer at once, please!",
        "It is very urgent.",
    ),
    "medium": (
        "Please answer this week.",
        "I hope to hear from you soon.",
        "A reply in a few days would be good.",
        "Please look into it soon.",
        "I would like an answer in a few days.",
    ),
    "low": (
        "There is no hurry.",
        "Take your time.",
        "It is not urgent.",
        "Answer whenever you can.",
        "It can wait.",
        "I can wait for your answer.",
    ),
}
_TROUBLE_ANSWERS = {
    "damaged": "The {t} is damaged.",
    "late": "The {t} is late.",
    "wrong item": "The {t} is the wrong item.",
    "refund": "The customer wants a refund for the {t}.",
    "not working": "The {t} is not working.",
}
_NAMES = ("My name is {name}.", "I am {name}.", "This is {name}.", "{name} here.")
_COMPLAINTS = (
    "My {thing} {fault}.",
    "The {thing} {fault}.",
    "The {thing} I bought {fault}.",
    "I am sorry, but my {thing} {fault}.",
    "My new {thing} {fault}.",
    "Sadly my {thing} {fault}.",
    "Unfortunately the {thing} {fault}.",
)
_ORDERS = (
    "My order number is {code}.",
    "The order is {code}.",
    "Order: {code}.",
    "Order {code}.",
    "The order number is {code}.",
    "It was order {code}.",
    "(order {code})",
)
_PLACES = ("I live in {place}.", "I write from {place}.", "Please send help to {place}.", "My city is {place}.")
_OPENINGS = ("", "", "Hello! ", "Good morning. ", "Dear shop, ", "Hi there. ", "Dear team, ", "Hello, ")
_CLOSINGS = ("", "", "", " Thank you.", " What can I do?", " I am waiting.")


def message(rng: Random) -> dict[str, str]:
    """A message's "text" and what it says: thing, trouble, code, maybe name, place, urgency ("" where it does not)."""
    trouble, urgency = rng.choice(tuple(TROUBLES)), rng.choice(("", *URGENCIES))
    parts = {
        "thing": rng.choice(GOODS) if rng.random() < 0.7 else invented_word(rng),
        "trouble": trouble,
        "fault": rng.choice(TROUBLES[trouble]),
        "code": invented_code(rng),
        "urgency": urgency,
        "name": invented_name(rng) if rng.random() < 0.6 else "",
        "place": "",
    }
    sentences = [rng.choice(_COMPLAINTS), rng.choice(_ORDERS)]
    if parts["name"]:
        sentences.insert(0, rng.choice(_NAMES))
    if urgency:
        sentences.append(rng.choice(URGENCIES[urgency]))
    if rng.random() < 0.4:
        parts["place"] = rng.choice(COUNTRIES).capital if rng.random() < 0.4 else invented_word(rng).capitalize()
        sentences.append(rng.choice(_PLACES))
    if rng.random() < 0.5:
        rng.shuffle(sentences)
    text = rng.choice(_OPENINGS) + " ".join(sentences).format(**parts) + rng.choice(_CLOSINGS)
    parts["text"] = text
    return parts


@kind(4.0)
def find_in_message(rng: Random) -> Item:
    """One thing that a message says, word for word."""
    parts = message(rng)
    asked = {"name": "name", "thing": "thing", "code": "order number", "place": "place"}
    field = rng.choice([field for field in asked if parts[field]] + ["code"])
    question = ask(
        rng,
        (
            "What is the {w} in this message? {s}",
            "Find the {w} in this message: {s}",
            "{s}\nWhat is the {w} here?",
            "Read this message: {s}\nWhat is the {w}?",
            "Which {w} is in this message? {s}",
            "A customer writes: {s}\nWhat is the {w}?",
            "Give me the {w} from this message: {s}",
            "{s}\nTell me the {w}.",
            "Look for the {w}: {s}",
            "I need the {w} from this message. {s}",
        ),
        careless=False,
        w=asked[field],
        s=parts["text"],
    )
    return about("find_in_message", question, f"The {asked[field]} is {parts[field]}.", (), f"{parts[field]}.")


@kind(3.0)
def trouble(rng: Random) -> Item:
    """What is wrong, said with one of five words."""
    parts = message(rng)
    question = ask(
        rng,
        (
            "What is the trouble in this message? {s}",
            "What is wrong here? {s}",
            "{s}\nWhat is the trouble?",
            "A customer writes: {s}\nWhat went wrong?",
            "What does this customer complain about? {s}",
            "Read this message: {s}\nWhat is the problem?",
            "What is the problem in this message? {s}",
            "{s}\nWhat is the matter?",
            "Tell me what is wrong: {s}",
            "Why does this customer write? {s}",
        ),
        careless=False,
        s=parts["text"],
    )
    answer = _TROUBLE_ANSWERS[parts["trouble"]].format(t=parts["thing"])
    return about("trouble", question, answer, (), f"{capital(parts['trouble'])}.")


@kind(2.5)
def urgency(rng: Random) -> Item:
    """How urgent a message is: high, medium or low."""
    parts = message(rng)
    while not parts["urgency"]:
        parts = message(rng)
    question = ask(
        rng,
        (
            "How urgent is this message? {s}",
            "What is the urgency of this message? {s}",
            "{s}\nHow urgent is that?",
            "Is this urgent? {s}",
            "A customer writes: {s}\nHow urgent is it?",
            "Can this message wait? {s}",
            "Read this message: {s}\nHow soon must we answer?",
            "{s}\nWhat is the urgency?",
            "Tell me the urgency: {s}",
            "Do we have to hurry? {s}",
        ),
        careless=False,
        s=parts["text"],
    )
    return about("urgency", question, f"The urgency is {parts['urgency']}.", (), f"{capital(parts['urgency'])}.")


@kind(4.0)
def fill_form(rng: Random) -> Item:
    """Two to four things that a message says, as lines or as JSON, in the order asked."""
    parts = message(rng)
    known = [field for field in ("name", "thing", "code", "place", "trouble", "urgency") if parts[field]]
    fields = rng.sample(known, min(len(known), rng.choice((2, 2, 3))))
    as_json = rng.random() < 0.6
    question = ask(
        rng,
        (
            "Write the {w} of this message as {f}: {s}",
            "Put the {w} into {f}: {s}",
            "{s}\nWrite the {w} as {f}.",
            "I need {f} with the {w}. {s}",
            "Make {f} with the {w} from this message: {s}",
            "Take the {w} and write {f}: {s}",
        ),
        careless=False,
        w=listed(fields),
        f="JSON" if as_json else "a list",
        s=parts["text"],
    )
    chosen = {field: parts[field] for field in fields}
    lines = "\n".join(f"{field}: {value}" for field, value in chosen.items())
    return about("fill_form", question, json.dumps(chosen, separators=(",", ":")) if as_json else lines)


@kind(1.5)
def complaint(rng: Random) -> Item:
    """A message with no question in it: the model is sorry, in plain words."""
    parts = message(rng)
    text = parts["text"]
    if rng.random() < 0.4:
        text = ask(
            rng,
            (
                "My {t} {f}.",
                "Help, my {t} {f}!",
                "The {t} {f}.",
                "My problem: my {t} {f}.",
                "My new {t} {f}, what now?",
            ),
            careless=False,
            t=parts["thing"],
            f=parts["fault"],
        )
    answer = f"I am sorry to hear about your {parts['thing']}. I hope that we can find a good answer soon."
    return about("complaint", text, answer)
