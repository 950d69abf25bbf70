"""Single questions about the facts: animals, foods, colours, countries, days, opposites, and yes or no."""

from __future__ import annotations

from random import Random

from finetune.starter.facts import (
    ANIMALS,
    COLOURED,
    COLOURS,
    COUNTRIES,
    COUNTS,
    DAYS,
    FOODS,
    MIXES,
    MONTH_DAYS,
    MONTHS,
    OPPOSITES,
    PLURALS,
    SEASONS,
    a,
    place,
)
from finetune.starter.items import Item, kind, user
from finetune.starter.wording import ask

CAPITALS = frozenset(country.capital for country in COUNTRIES)
NAMES = frozenset(country.name for country in COUNTRIES)
FLYING = tuple(animal for animal in ANIMALS if animal.flies)
CREATURES = frozenset(animal.name for animal in ANIMALS)
NUMBER_WORDS = {0: "no", 1: "one", 2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 8: "eight"}


def capital(sentence: str) -> str:
    """The sentence with a capital first letter."""
    return sentence[0].upper() + sentence[1:]


def about(name: str, question: str, answer: str, among=(), short: str = "") -> Item:
    """An item of one user turn; `among` may be any collection of words."""
    return Item(name, (user(question),), answer, frozenset(among), short)


@kind(1.2)
def animal_sound(rng: Random) -> Item:
    """What an animal does with its voice."""
    animal = rng.choice(ANIMALS)
    question = ask(
        rng,
        (
            "What sound does {a} make?",
            "What does {a} sound like?",
            "What noise does {a} make?",
            "Which sound do {ps} make?",
            "What noise do {ps} make?",
            "How does {a} sound?",
            "What is the sound of {a}?",
            "What sound comes from {a}?",
            "What do {ps} sound like?",
            "Tell me what sound {a} makes.",
            "What can I hear when {a} calls?",
        ),
        a=a(animal.name),
        ps=animal.plural,
    )
    return about(
        "animal_sound",
        question,
        f"{capital(a(animal.name))} {animal.sound}. Listen closely and you may hear it!",
        {other.sound for other in ANIMALS},
        f"It {animal.sound}.",
    )


@kind(1.0)
def animal_legs(rng: Random) -> Item:
    """How many legs an animal has."""
    animal = rng.choice(ANIMALS)
    question = ask(
        rng,
        (
            "How many legs does {a} have?",
            "How many legs do {ps} have?",
            "What number of legs has {a}?",
            "Count the legs of {a}.",
            "On how many legs does {a} stand?",
            "Tell me how many legs {a} has.",
            "How many legs are there on {a}?",
            "How many legs has {a} got?",
            "What is the number of legs of {a}?",
            "Do you know how many legs {ps} have?",
        ),
        a=a(animal.name),
        ps=animal.plural,
    )
    count = NUMBER_WORDS[animal.legs]
    return about(
        "animal_legs",
        question,
        f"{capital(a(animal.name))} has {count} legs.",
        set(NUMBER_WORDS.values()) - {"one"},
        f"{capital(count if animal.legs else 'none')}.",
    )


@kind(1.2)
def animal_baby(rng: Random) -> Item:
    """What the young of an animal is called."""
    animal = rng.choice(ANIMALS)
    question = ask(
        rng,
        (
            "What is a baby {n} called?",
            "What do you call a baby {n}?",
            "What is the baby of {a} called?",
            "What is a young {n} called?",
            "What is the name for a baby {n}?",
            "What do we call a young {n}?",
            "What do people call the baby of {a}?",
            "Which word is used for a baby {n}?",
            "What are baby {ps} called?",
            "Tell me the word for a baby {n}.",
            "Name the young of {a}.",
        ),
        a=a(animal.name),
        n=animal.name,
        ps=animal.plural,
    )
    return about(
        "animal_baby",
        question,
        f"A baby {animal.name} is called {a(animal.baby)}.",
        {other.baby for other in ANIMALS},
        f"{capital(a(animal.baby))}.",
    )


@kind(1.2)
def animal_home(rng: Random) -> Item:
    """Where an animal lives."""
    animal = rng.choice(ANIMALS)
    question = ask(
        rng,
        (
            "Where does {a} live?",
            "Where do {ps} live?",
            "What is the home of {a}?",
            "Where can I find {a}?",
            "Where is the home of {a}?",
            "In what place does {a} live?",
            "Where would I meet {a}?",
            "Where do we find {ps}?",
            "Tell me where {a} lives.",
            "Where does {a} make its home?",
            "What place do {ps} call home?",
        ),
        a=a(animal.name),
        ps=animal.plural,
    )
    return about(
        "animal_home",
        question,
        f"{capital(a(animal.name))} lives {place(animal.home)}. That is where it feels at home.",
        {other.home for other in ANIMALS},
        f"{capital(place(animal.home))}.",
    )


@kind(1.2)
def animal_food(rng: Random) -> Item:
    """What an animal likes to eat."""
    animal = rng.choice(ANIMALS)
    question = ask(
        rng,
        (
            "What does {a} eat?",
            "What do {ps} eat?",
            "What is the food of {a}?",
            "What does {a} like to eat?",
            "What do {ps} like to eat?",
            "What should I feed {a}?",
            "What do you feed to {a}?",
            "Which food does {a} eat?",
            "Tell me what {a} eats.",
            "What is on the menu of {a}?",
            "What does {a} have for dinner?",
            "What is the favourite food of {a}?",
        ),
        a=a(animal.name),
        ps=animal.plural,
    )
    return about(
        "animal_food",
        question,
        f"{capital(a(animal.name))} likes to eat {animal.food}. It is the food that it enjoys most.",
        {other.food for other in ANIMALS},
        f"{capital(animal.food)}.",
    )


@kind(1.0)
def animal_flies(rng: Random) -> Item:
    """Whether an animal can fly."""
    animal = rng.choice(FLYING if rng.random() < 0.4 else ANIMALS)
    question = ask(
        rng,
        (
            "Can {a} fly?",
            "Can {ps} fly?",
            "Is {a} able to fly?",
            "Are {ps} able to fly?",
            "Does {a} fly?",
            "Do {ps} fly?",
            "Is it true that {a} can fly?",
            "Tell me if {a} can fly.",
            "Do you know if {ps} can fly?",
            "Could {a} fly over my house?",
        ),
        a=a(animal.name),
        ps=animal.plural,
    )
    answer = f"Yes, {a(animal.name)} can fly." if animal.flies else f"No, {a(animal.name)} cannot fly."
    return about("animal_flies", question, answer, {"yes", "no"}, answer.split(",")[0] + ".")


@kind(0.8)
def animal_family(rng: Random) -> Item:
    """Which family of animals one belongs to, asked openly or as yes or no."""
    animal = rng.choice(ANIMALS)
    families = {other.family for other in ANIMALS}
    if rng.random() < 0.5:
        question = ask(
            rng,
            (
                "What kind of animal is {a}?",
                "What type of animal is {a}?",
                "Which family does {a} belong to?",
                "What sort of animal is {a}?",
                "What kind of animals are {ps}?",
                "To which group of animals does {a} belong?",
                "Tell me what kind of animal {a} is.",
            ),
            a=a(animal.name),
            ps=animal.plural,
        )
        answer = f"{capital(a(animal.name))} is {a(animal.family)}."
        return about("animal_family", question, answer, families, f"{capital(a(animal.family))}.")
    guess = rng.choice((animal.family, rng.choice(sorted(families - {"amphibian"}))))
    question = ask(
        rng,
        (
            "Is {a} {b}?",
            "Is it true that {a} is {b}?",
            "Would you say {a} is {b}?",
            "Tell me if {a} is {b}.",
            "Do you think {a} is {b}?",
        ),
        a=a(animal.name),
        b=a(guess),
    )
    answer = f"{'Yes' if guess == animal.family else 'No'}, {a(animal.name)} is {a(animal.family)}."
    return about("animal_family", question, answer, families | {"yes", "no"}, answer.split(",")[0] + ".")


@kind(3.0)
def animal_size(rng: Random) -> Item:
    """Which of two animals is bigger or smaller."""
    first, second = rng.sample(ANIMALS, 2)
    while not (first.weight_kg >= 3 * second.weight_kg or second.weight_kg >= 3 * first.weight_kg):
        first, second = rng.sample(ANIMALS, 2)
    word = rng.choice(("bigger", "smaller"))
    question = ask(
        rng,
        (
            "Which is {w}, {a} or {b}?",
            "What is {w}: {a} or {b}?",
            "Is {a} or {b} {w}?",
            "Which animal is {w}, {a} or {b}?",
            "Who is {w}, {a} or {b}?",
            "Tell me which is {w}, {a} or {b}.",
            "Of {a} and {b}, which one is {w}?",
            "Between {a} and {b}, which is {w}?",
            "What would you say is {w}, {a} or {b}?",
            "Compare {a} and {b}. Which is {w}?",
        ),
        w=word,
        a=a(first.name),
        b=a(second.name),
    )
    big, small = sorted((first, second), key=lambda animal: -animal.weight_kg)
    winner, loser = (big, small) if word == "bigger" else (small, big)
    item = about(
        "animal_size",
        question,
        f"{capital(a(winner.name))} is {word} than {a(loser.name)}.",
        (),
        f"{capital(a(winner.name))}.",
    )
    return item


@kind(1.2)
def food_colour(rng: Random) -> Item:
    """What colour a food is."""
    food = rng.choice(FOODS)
    question = ask(
        rng,
        (
            "What colour is {f}?",
            "What is the colour of {f}?",
            "Which colour is {f}?",
            "What colour does {f} have?",
            "Which colour does {f} have?",
            "Tell me the colour of {f}.",
            "What colour do you think {f} is?",
            "What is the usual colour of {f}?",
            "Name the colour of {f}.",
            "If I draw {f}, which colour do I need?",
        ),
        f=food.phrase,
    )
    return about(
        "food_colour", question, f"{capital(food.phrase)} is {food.colour}.", COLOURS, f"{capital(food.colour)}."
    )


@kind(1.2)
def food_taste(rng: Random) -> Item:
    """How a food tastes."""
    food = rng.choice(FOODS)
    question = ask(
        rng,
        (
            "What does {f} taste like?",
            "How does {f} taste?",
            "What is the taste of {f}?",
            "What taste does {f} have?",
            "Tell me how {f} tastes.",
            "How would you describe the taste of {f}?",
            "What kind of taste does {f} have?",
            "What will I taste if I eat {f}?",
            "Which taste does {f} have?",
            "What flavour does {f} have?",
        ),
        f=food.phrase,
    )
    return about(
        "food_taste",
        question,
        f"{capital(food.phrase)} tastes {food.taste}. Some people like that very much, and some do not.",
        {other.taste for other in FOODS},
        f"{capital(food.taste)}.",
    )


@kind(1.0)
def food_group(rng: Random) -> Item:
    """Whether a food is a fruit or a vegetable."""
    food = rng.choice(FOODS)
    question = ask(
        rng,
        (
            "Is {f} a fruit or a vegetable?",
            "Is {f} a vegetable or a fruit?",
            "Fruit or vegetable: {f}?",
            "What is {f}, a fruit or a vegetable?",
            "Would you call {f} a fruit or a vegetable?",
            "Tell me if {f} is a fruit or a vegetable.",
            "Does {f} count as a fruit or a vegetable?",
            "Do we call {f} a fruit or a vegetable?",
            "Should I put {f} with the fruit or the vegetables?",
            "Is {f} in the fruit or the vegetable group?",
        ),
        f=food.phrase,
    )
    neither = food.group == "neither"
    tail = "neither a fruit nor a vegetable" if neither else f"a {food.group}"
    return about(
        "food_group",
        question,
        f"{capital(food.phrase)} is {tail}.",
        {"fruit", "vegetable", "neither"},
        "Neither." if neither else f"A {food.group}.",
    )


@kind(1.2)
def thing_colour(rng: Random) -> Item:
    """What colour a thing is."""
    thing = rng.choice(tuple(COLOURED))
    question = ask(
        rng,
        (
            "What colour is {t}?",
            "What is the colour of {t}?",
            "Which colour is {t}?",
            "Tell me the colour of {t}.",
            "Which colour does {t} have?",
            "What colour does {t} have?",
            "What is the usual colour of {t}?",
            "Do you know the colour of {t}?",
            "I want to paint {t}. Which colour do I need?",
            "Name the colour of {t}.",
        ),
        t=thing,
    )
    colour = COLOURED[thing]
    return about("thing_colour", question, f"{capital(thing)} is {colour}.", COLOURS, f"{capital(colour)}.")


@kind(0.6)
def colour_mix(rng: Random) -> Item:
    """What two colours make when mixed."""
    (one, two), result = rng.choice(tuple(MIXES.items()))
    one, two = rng.sample((one, two), 2)
    question = ask(
        rng,
        (
            "What do you get if you mix {o} and {t}?",
            "What colour do {o} and {t} make?",
            "If I mix {o} and {t}, what colour is it?",
            "What is {o} mixed with {t}?",
            "Which colour comes from {o} and {t}?",
            "I mix {o} paint with {t} paint. What do I get?",
            "What do {o} and {t} make together?",
            "How does {o} look when I add {t}?",
            "Mix {o} with {t}. What colour is that?",
            "What happens when I mix {o} and {t}?",
        ),
        o=one,
        t=two,
    )
    return about(
        "colour_mix", question, f"If you mix {one} and {two}, you get {result}.", COLOURS, f"{capital(result)}."
    )


@kind(1.4)
def country_capital(rng: Random) -> Item:
    """The capital of a country."""
    country = rng.choice(COUNTRIES)
    question = ask(
        rng,
        (
            "What is the capital of {c}?",
            "Which city is the capital of {c}?",
            "What is the capital city of {c}?",
            "Name the capital of {c}.",
            "Do you know the capital of {c}?",
            "Tell me the capital of {c}.",
            "What city is the capital of {c}?",
            "What is the name of the capital of {c}?",
            "Which city is {c}'s capital?",
            "What is {c}'s capital?",
            "I am going to {c}. What is its capital?",
        ),
        c=country.name,
    )
    return about(
        "country_capital",
        question,
        f"The capital of {country.name} is {country.capital}.",
        CAPITALS,
        f"{country.capital}.",
    )


@kind(1.2)
def capital_country(rng: Random) -> Item:
    """The country whose capital a city is."""
    country = rng.choice(COUNTRIES)
    question = ask(
        rng,
        (
            "Which country has the capital {c}?",
            "{c} is the capital of which country?",
            "Of which country is {c} the capital?",
            "What country is {c} the capital of?",
            "Which country has {c} as its capital?",
            "{c} is the capital of what country?",
            "Tell me which country {c} is the capital of.",
            "In which country is {c}?",
            "In which country can I find {c}?",
            "Where is {c}?",
            "Which country is {c} in?",
        ),
        c=country.capital,
    )
    return about(
        "capital_country", question, f"{country.capital} is the capital of {country.name}.", NAMES, f"{country.name}."
    )


@kind(1.0)
def country_continent(rng: Random) -> Item:
    """The continent of a country."""
    country = rng.choice(COUNTRIES)
    question = ask(
        rng,
        (
            "On which continent is {c}?",
            "Which continent is {c} on?",
            "What continent is {c} in?",
            "In which part of the world is {c}?",
            "Where in the world is {c}?",
            "Where is {c}?",
            "Tell me the continent of {c}.",
            "What is the continent of {c}?",
            "To which continent does {c} belong?",
            "On what continent can I find {c}?",
        ),
        c=country.name,
    )
    return about(
        "country_continent",
        question,
        f"{country.name} is in {country.continent}. I would love to see it one day.",
        {other.continent for other in COUNTRIES},
        f"{country.continent}.",
    )


@kind(1.0)
def country_language(rng: Random) -> Item:
    """The language of a country."""
    country = rng.choice(COUNTRIES)
    question = ask(
        rng,
        (
            "What language do people speak in {c}?",
            "Which language is spoken in {c}?",
            "What is the language of {c}?",
            "What do people speak in {c}?",
            "Which language do they speak in {c}?",
            "What language is used in {c}?",
            "Tell me the language of {c}.",
            "Which language should I learn for {c}?",
            "I am going to {c}. Which language do I need?",
            "What is the main language of {c}?",
        ),
        c=country.name,
    )
    return about(
        "country_language",
        question,
        f"People in {country.name} speak {country.language}.",
        {other.language for other in COUNTRIES},
        f"{country.language}.",
    )


@kind(1.0)
def day_order(rng: Random) -> Item:
    """The day before or after a day."""
    index, step = rng.randrange(7), rng.choice((1, -1))
    word = "after" if step == 1 else "before"
    question = ask(
        rng,
        (
            "What day comes {w} {d}?",
            "Which day is {w} {d}?",
            "What is the day {w} {d}?",
            "Which day comes {w} {d}?",
            "What day is it {w} {d}?",
            "Tell me the day {w} {d}.",
            "Name the day {w} {d}.",
            "Do you know which day comes {w} {d}?",
            "Which day of the week is {w} {d}?",
            "Which day do we have {w} {d}?",
        ),
        w=word,
        d=DAYS[index],
    )
    other = DAYS[(index + step) % 7]
    return about("day_order", question, f"{other} comes {word} {DAYS[index]}.", DAYS, f"{other}.")


@kind(1.2)
def month_order(rng: Random) -> Item:
    """The month before or after a month."""
    index, step = rng.randrange(12), rng.choice((1, -1))
    word = "after" if step == 1 else "before"
    question = ask(
        rng,
        (
            "What month comes {w} {m}?",
            "Which month is {w} {m}?",
            "What is the month {w} {m}?",
            "Which month comes {w} {m}?",
            "What month is it {w} {m}?",
            "Tell me the month {w} {m}.",
            "Name the month {w} {m}.",
            "Do you know which month comes {w} {m}?",
            "Which month of the year is {w} {m}?",
            "Which month do we have {w} {m}?",
        ),
        w=word,
        m=MONTHS[index],
    )
    other = MONTHS[(index + step) % 12]
    return about("month_order", question, f"{other} comes {word} {MONTHS[index]}.", MONTHS, f"{other}.")


@kind(1.0)
def month_facts(rng: Random) -> Item:
    """How many days a month has, or which season it is in."""
    index = rng.randrange(12)
    month = MONTHS[index]
    if rng.random() < 0.5:
        question = ask(
            rng,
            (
                "How many days does {m} have?",
                "How many days are in {m}?",
                "How many days are there in {m}?",
                "How long is {m}?",
                "What number of days has {m}?",
                "Tell me how many days {m} has.",
            ),
            m=month,
        )
        return about("month_facts", question, f"{month} has {MONTH_DAYS[index]} days.", MONTHS, f"{MONTH_DAYS[index]}.")
    question = ask(
        rng,
        (
            "Which season is {m} in?",
            "In which season is {m}?",
            "What season is it in {m}?",
            "What is the season in {m}?",
            "Tell me the season of {m}.",
            "To which season does {m} belong?",
        ),
        m=month,
    )
    return about(
        "month_facts", question, f"{month} is in {SEASONS[index]}.", set(SEASONS), f"{capital(SEASONS[index])}."
    )


@kind(0.8)
def how_many(rng: Random) -> Item:
    """Well-known counts: days in a week, legs on a spider."""
    thing, count = rng.choice(tuple(COUNTS.items()))
    many, where = thing.split(" ", 1)
    question = ask(
        rng,
        (
            "How many {n} are there {r}?",
            "How many {n} are {r}?",
            "What is the number of {n} {r}?",
            "Tell me how many {n} there are {r}.",
            "Do you know how many {n} there are {r}?",
            "Can you tell me how many {n} are {r}?",
            "Count the {n} {r}.",
            "I need to know how many {n} there are {r}.",
            "How many {n} do we count {r}?",
            "How many {n} can you find {r}?",
        ),
        n=many,
        r=where,
    )
    return about("how_many", question, f"There are {count} {thing}.", {many}, f"{count}.")


@kind(1.2)
def opposite(rng: Random) -> Item:
    """The opposite of a word."""
    word = rng.choice(tuple(OPPOSITES))
    question = ask(
        rng,
        (
            "What is the opposite of {w}?",
            'What is the opposite of "{w}"?',
            "Which word is the opposite of {w}?",
            "Tell me the opposite of {w}.",
            "Name the opposite of {w}.",
            "Give me the opposite of {w}.",
            "What word means the opposite of {w}?",
            "I need the opposite of {w}.",
            "What would be the opposite of {w}?",
            "Do you know the opposite of {w}?",
            "{w}: what is the opposite?",
        ),
        w=word,
    )
    return about(
        "opposite", question, f"The opposite of {word} is {OPPOSITES[word]}.", (), f"{capital(OPPOSITES[word])}."
    )


@kind(0.8)
def plural(rng: Random) -> Item:
    """The plural of a noun."""
    word = rng.choice(tuple(PLURALS))
    question = ask(
        rng,
        (
            "What is the plural of {w}?",
            'What is the plural of "{w}"?',
            "One {w}, two what?",
            "How do you say more than one {w}?",
            "Tell me the plural of {w}.",
            "Give me the plural of {w}.",
            "What do we call more than one {w}?",
            "I have one {w}. You have two what?",
            "Name the plural of {w}.",
            "Which word means more than one {w}?",
        ),
        w=word,
    )
    return about("plural", question, f"The plural of {word} is {PLURALS[word]}.", (), f"{capital(PLURALS[word])}.")


@kind(5.0)
def yes_or_no(rng: Random) -> Item:
    """A claim about a capital or an opposite, true half of the time."""
    if rng.random() < 0.6:
        country = rng.choice(COUNTRIES)
        city = country.capital if rng.random() < 0.5 else rng.choice(COUNTRIES).capital
        question = ask(
            rng,
            (
                "Is {x} the capital of {y}?",
                "Is it true that {x} is the capital of {y}?",
                "{x} is the capital of {y}, right?",
                "Is {y}'s capital {x}?",
                "Is the capital of {y} called {x}?",
                "Am I right that {x} is the capital of {y}?",
            ),
            x=city,
            y=country.name,
        )
        right, truth = city == country.capital, f"{country.capital} is the capital of {country.name}"
        among = CAPITALS | {"yes", "no"}
    else:
        thing = rng.choice(tuple(COLOURED))
        colour = COLOURED[thing] if rng.random() < 0.5 else rng.choice(COLOURS)
        question = ask(
            rng,
            (
                "Is {x} {y}?",
                "Is it true that {x} is {y}?",
                "Would you say that {x} is {y}?",
                "Am I right that {x} is {y}?",
                "Is the colour of {x} {y}?",
            ),
            x=thing,
            y=colour,
        )
        right, truth = colour == COLOURED[thing], f"{thing} is {COLOURED[thing]}"
        among = {*COLOURS, "yes", "no"}
    answer = f"{'Yes' if right else 'No'}, {truth}."
    return about("yes_or_no", question, answer, among, answer.split(",")[0] + ".")
