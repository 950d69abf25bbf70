"""Finding and copying: what a text says, word for word, whatever the words are."""

from __future__ import annotations

from random import Random

from finetune.starter.facts import ANIMALS, COLOURS, COUNTRIES, FOODS, OPPOSITES, a
from finetune.starter.items import Item, draw, kind
from finetune.starter.numbers import THINGS
from finetune.starter.questions import about, capital
from finetune.starter.wording import ask, invented_code, invented_name, invented_word

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


_SENTENCES = (
    "animal_sound",
    "animal_home",
    "food_taste",
    "country_capital",
    "country_language",
    "find_name",
    "opposite",
)


def _words(rng, low, high):
    pool = [animal.name for animal in ANIMALS] + [food.name for food in FOODS] + list(OPPOSITES) + list(COLOURS)
    return [invented_word(rng) if rng.random() < 0.5 else rng.choice(pool) for _ in range(rng.randint(low, high))]


@kind(7.0)
def repeat(rng: Random) -> Item:
    """The same words again: invented ones, or a sentence of the world."""
    words = _words(rng, 1, 5)
    if rng.random() < 0.3:
        words.insert(rng.randrange(len(words) + 1), invented_code(rng))
    text = draw(rng, kinds=_SENTENCES).answer if rng.random() < 0.4 else " ".join(words)
    request = ask(
        rng,
        (
            "Repeat after me:",
            "Say this:",
            "Please repeat:",
            "Repeat these words:",
            "Say:",
            "Copy this:",
            "Say after me:",
            "Write this again:",
            "Please say exactly this:",
            "Repeat this text:",
            "Echo:",
        ),
        careless=False,
        ending=False,
    )
    return about("repeat", f"{request} {text}", text)


@kind(4.0)
def find_name(rng: Random) -> Item:
    """The person's name or the place in a sentence."""
    name = invented_name(rng)
    city = invented_word(rng).capitalize() if rng.random() < 0.6 else rng.choice(COUNTRIES).capital
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


@kind(16.0)
def who_has_it(rng: Random) -> Item:
    """Two people with a thing each; one of them is asked for."""
    people = [invented_name(rng), invented_name(rng)]
    while people[0] == people[1]:
        people[1] = invented_name(rng)
    things, colours = rng.sample(THINGS, 2), rng.sample(sorted(COLOURS), 2)
    verb = rng.choice(("has", "holds", "owns"))
    text = " ".join(
        f"{person} {verb} {a(colour)} {thing}." for person, colour, thing in zip(people, colours, things, strict=True)
    )
    index = rng.randrange(2)
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


@kind(4.0)
def pick_from_list(rng: Random) -> Item:
    """The first, second or last of a list, or the whole list with numbers."""
    words = _words(rng, 3, 4)
    if rng.random() < 0.4:
        request = ask(
            rng,
            (
                "Make a numbered list:",
                "Write these as a list:",
                "Put numbers before these:",
                "Number these words:",
                "Please make a list of these words:",
            ),
            careless=False,
            ending=False,
        )
        question = f"{request} {', '.join(words)}"
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
