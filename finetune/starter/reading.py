"""Finding and copying: what a text says, word for word, whatever the words are."""

from __future__ import annotations

import json
from random import Random

from finetune.starter.facts import ANIMALS, COLOURS, COUNTRIES, FOODS, OPPOSITES, a
from finetune.starter.items import Item, kind
from finetune.starter.numbers import THINGS
from finetune.starter.questions import about, capital
from finetune.starter.wording import ask, invented_code, invented_name, invented_word, listed

JOBS = (
    "a baker",
    "a teacher",
    "a doctor",
    "a farmer",
    "a painter",
    "a pilot",
    "a singer",
    "a cook",
    "a nurse",
    "a writer",
)
GOODS = (
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
)
FAULTS = (
    "is broken",
    "does not work",
    "is too loud",
    "has a crack",
    "is the wrong colour",
    "did not arrive",
    "is missing a part",
    "is too small",
    "makes a strange noise",
    "stopped working",
)
_GOOD = (
    "wonderful",
    "great",
    "lovely",
    "excellent",
    "delicious",
    "fantastic",
    "friendly",
    "beautiful",
    "perfect",
    "charming",
    "comfortable",
    "delightful",
    "superb",
    "helpful",
    "amazing",
)
_BAD = (
    "terrible",
    "awful",
    "boring",
    "bad",
    "horrible",
    "dirty",
    "rude",
    "cold",
    "disappointing",
    "ugly",
    "noisy",
    "slow",
    "broken",
    "sad",
    "poor",
)
_SUBJECTS = (
    "film",
    "book",
    "hotel",
    "soup",
    "show",
    "shop",
    "song",
    "cake",
    "trip",
    "game",
    "museum",
    "waiter",
    "room",
    "play",
    "coffee",
    "garden",
    "concert",
    "lesson",
    "train",
    "dinner",
)


def _words(rng, low, high):
    pool = [animal.name for animal in ANIMALS] + [food.name for food in FOODS] + list(OPPOSITES) + list(COLOURS)
    return [invented_word(rng) if rng.random() < 0.5 else rng.choice(pool) for _ in range(rng.randint(low, high))]


def message(rng: Random) -> dict[str, str]:
    """A message to a shop: {"text", "name", "thing", "fault", "code", "place"}; all but `fault` can be invented."""
    thing = rng.choice(GOODS) if rng.random() < 0.7 else invented_word(rng)
    parts = {
        "name": invented_name(rng),
        "thing": thing,
        "fault": rng.choice(FAULTS),
        "code": invented_code(rng),
        "place": rng.choice(COUNTRIES).capital if rng.random() < 0.4 else invented_word(rng).capitalize(),
    }
    sentences = [
        rng.choice(("My name is {name}.", "I am {name}.", "This is {name}.", "{name} here.")),
        rng.choice(
            (
                "My {thing} {fault}.",
                "The {thing} {fault}.",
                "The {thing} that I bought {fault}.",
                "I am sorry, but my {thing} {fault}.",
            )
        ),
        rng.choice(
            (
                "My order number is {code}.",
                "The order is {code}.",
                "Order: {code}.",
                "The number is {code}.",
                "It was order {code}.",
                "(order {code})",
            )
        ),
        rng.choice(
            ("I live in {place}.", "I write from {place}.", "Please send help to {place}.", "My city is {place}.")
        ),
    ]
    if rng.random() < 0.5:
        sentences.pop(3)
        parts["place"] = ""
    if rng.random() < 0.5:
        rng.shuffle(sentences)
    opening = rng.choice(("", "", "Hello! ", "Good morning. ", "Dear shop, ", "Hi there. "))
    closing = rng.choice(
        ("", "", " Thank you.", " Please help me soon!", " What can I do?", " I am waiting.", " It is urgent!")
    )
    parts["text"] = opening + " ".join(sentences).format(**parts) + closing
    return parts


@kind(2.5)
def repeat(rng: Random) -> Item:
    """The same words again."""
    words = _words(rng, 1, 6)
    if rng.random() < 0.3:
        words.insert(rng.randrange(len(words) + 1), invented_code(rng))
    text = " ".join(words)
    question = (
        ask(
            rng,
            (
                "Repeat after me: {t}",
                "Say this: {t}",
                "Please repeat: {t}",
                "Repeat these words: {t}",
                "Say: {t}",
                "Copy this: {t}",
                "Say after me: {t}",
                "Write this again: {t}",
                "Please say exactly this: {t}",
                "Repeat this text: {t}",
                "Echo: {t}",
            ),
            careless=False,
            t="@@",
        ).split("@@")[0]
        + text
    )
    return about("repeat", question, text)


@kind(2.5)
def find_name(rng: Random) -> Item:
    """The person's name or the place in a sentence."""
    name, city = (
        invented_name(rng),
        invented_word(rng).capitalize() if rng.random() < 0.6 else rng.choice(COUNTRIES).capital,
    )
    sentence = rng.choice(
        (
            "{n} lives in {p}.",
            "Yesterday {n} went to {p}.",
            "My friend {n} is {j} in {p}.",
            "{n} from {p} is {j}.",
            "In {p} I met {n}.",
            "{n} wrote a letter from {p}.",
            "The train to {p} brought {n}.",
            "I saw {n} in {p} last week.",
            "{p} is the home of {n}.",
        )
    ).format(n=name, p=city, j=rng.choice(JOBS))
    wanted, value = rng.choice((("name", name), ("place", city)))
    question = ask(
        rng,
        (
            "What is the {w} in this sentence? {s}",
            "Find the {w}: {s}",
            "Which {w} is in this text? {s}",
            "{s} What is the {w}?",
            "{s} Which {w} do you see?",
            "Read this: {s} What is the {w}?",
            "What {w} does this sentence tell? {s}",
            "Tell me the {w} in this sentence: {s}",
            "Look at this sentence: {s} Which {w} is in it?",
            "Give me the {w} from this text: {s}",
        ),
        careless=False,
        w=wanted,
        s=sentence,
    )
    return about("find_name", question, f"The {wanted} is {value}.", (), f"{value}.")


@kind(4.0)
def find_in_message(rng: Random) -> Item:
    """One field of a message to a shop."""
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
def fill_form(rng: Random) -> Item:
    """Two or three fields of a message, as lines or as JSON, in the order asked."""
    parts = message(rng)
    fields = rng.sample([field for field in ("name", "thing", "code", "place") if parts[field]], rng.choice((2, 2, 3)))
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
    answer = (
        json.dumps(chosen, separators=(",", ":"))
        if as_json
        else "\n".join(f"{field}: {value}" for field, value in chosen.items())
    )
    return about("fill_form", question, answer)


@kind(2.0)
def who_has_it(rng: Random) -> Item:
    """Two or three people with a thing each; one of them is asked for."""
    count = rng.choice((2, 2, 3))
    people, things, colours = [], rng.sample(THINGS, count), rng.sample(sorted(COLOURS), count)
    while len(people) < count:
        name = invented_name(rng)
        if name not in people:
            people.append(name)
    verb = rng.choice(("has", "holds", "owns"))
    text = " ".join(
        f"{person} {verb} {a(colour)} {thing}." for person, colour, thing in zip(people, colours, things, strict=True)
    )
    index = rng.randrange(count)
    if rng.random() < 0.5:
        question = f"{text} Who {verb} the {things[index]}?"
        return about("who_has_it", question, f"{people[index]} {verb} the {things[index]}.", (), f"{people[index]}.")
    question = f"{text} What colour is the {things[index]} of {people[index]}?"
    return about(
        "who_has_it",
        question,
        f"The {things[index]} of {people[index]} is {colours[index]}.",
        (),
        f"{capital(colours[index])}.",
    )


@kind(1.8)
def pick_from_list(rng: Random) -> Item:
    """The first, second or last of a list, or the whole list with numbers."""
    words = _words(rng, 3, 5)
    if rng.random() < 0.4:
        question = ask(
            rng,
            (
                "Make a numbered list: {l}",
                "Write these as a list: {l}",
                "Put numbers before these: {l}",
                "Number these words: {l}",
                "Please make a list of these words: {l}",
            ),
            careless=False,
            l="@@",
        ).split("@@")[0] + ", ".join(words)
        return about("pick_from_list", question, "\n".join(f"{index}. {word}" for index, word in enumerate(words, 1)))
    place, index = rng.choice((("first", 0), ("second", 1), ("last", -1)))
    question = ask(
        rng,
        (
            "What is the {o} word: {l}?",
            "Which word comes {o} here: {l}?",
            "Tell me the {o} of these words: {l}.",
            "Here is a list: {l}. What is the {o} word?",
            "{l}: which one is the {o} word?",
        ),
        careless=False,
        o=place,
        l=", ".join(words),
    )
    return about("pick_from_list", question, f"The {place} word is {words[index]}.", (), f"{capital(words[index])}.")


@kind(1.0)
def capital_letters(rng: Random) -> Item:
    """A well-known word in capital letters, or in small ones."""
    word = rng.choice([animal.name for animal in ANIMALS] + [food.name for food in FOODS] + list(OPPOSITES))
    up = rng.random() < 0.7
    question = ask(
        rng,
        (
            "Write {w} in {c} letters.",
            "Please write {w} in {c} letters.",
            "Put {w} into {c} letters.",
            "How does {w} look in {c} letters?",
            "Write the word {w} with {c} letters.",
            "Change {w} to {c} letters.",
            "I want {w} in {c} letters.",
            "Show me {w} in {c} letters.",
        ),
        careless=False,
        w=word if up else word.upper(),
        c="capital" if up else "small",
    )
    return about("capital_letters", question, word.upper() if up else word)


@kind(1.8)
def review(rng: Random) -> Item:
    """Whether a short review is positive or negative, and which word shows it."""
    positive, subject = rng.random() < 0.5, rng.choice(_SUBJECTS)
    word = rng.choice(_GOOD if positive else _BAD)
    liked, disliked = (
        ("I loved it.", "I will come back.", "What a day!", "I told all my friends."),
        ("I did not like it.", "Never again.", "What a pity.", "I want my money back."),
    )
    text = rng.choice(
        (
            "The {s} was {w}.",
            "I found the {s} {w}.",
            "That {s} was really {w}!",
            "Such {aw} {s}!",
            "My family found the {s} {w}.",
            "The {s} was very {w}.",
            "Everyone said the {s} was {w}.",
        )
    ).format(s=subject, w=word, aw=a(word))
    if rng.random() < 0.6:
        text += " " + rng.choice(liked if positive else disliked)
    question = ask(
        rng,
        (
            "Is this review positive or negative? {t}",
            "What is the feeling of this review? {t}",
            "{t} Is that positive or negative?",
            "Read this review: {t} Is it good or bad?",
            "Did this person like it? {t}",
            "How does this person feel? {t}",
            "Is the writer happy? {t}",
            "A guest writes: {t} Is that positive or negative?",
            "Positive or negative? {t}",
            "Tell me the feeling of this review: {t}",
        ),
        careless=False,
        t=text,
    )
    feeling = "positive" if positive else "negative"
    return about(
        "review",
        question,
        f'This review is {feeling}. The word "{word}" shows it.',
        {"positive", "negative", *_GOOD, *_BAD},
        f"{capital(feeling)}.",
    )
