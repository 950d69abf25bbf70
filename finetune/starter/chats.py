"""Conversations of several turns: "it" and "its", "and in Spain?", remembered names, and system prompts."""

from __future__ import annotations

from random import Random

from finetune.starter.facts import ANIMALS, COUNTRIES, FOODS, a, place
from finetune.starter.items import Item, assistant, draw, kind, system, user
from finetune.starter.questions import CAPITALS, NUMBER_WORDS, capital
from finetune.starter.wording import invented_code, invented_name

FACTS = (
    "animal_sound",
    "animal_legs",
    "animal_baby",
    "animal_home",
    "animal_food",
    "animal_flies",
    "animal_size",
    "food_colour",
    "food_taste",
    "food_group",
    "thing_colour",
    "colour_mix",
    "country_capital",
    "capital_country",
    "country_continent",
    "country_language",
    "day_order",
    "month_order",
    "opposite",
    "yes_or_no",
    "add",
    "subtract",
    "compare_numbers",
    "find_name",
)
SINGLE = (*FACTS, "small_talk", "mood", "review", "plural", "how_many", "next_number", "repeat")
PLAIN = (
    "You are a helpful assistant.",
    "You are a friendly assistant.",
    "You are Starter.",
    "Be helpful.",
    "You answer questions.",
)
SHORT = (
    "Answer in one word.",
    "Answer in one or two words.",
    "Give very short answers.",
    "Answer with as few words as possible.",
    "Be brief.",
    "Short answers only.",
    "Keep your answers very short.",
    "Reply with one word only.",
    "You give one-word answers.",
    "Use as few words as you can.",
)
KIND = (
    "Be short and kind.",
    "Give short and kind answers.",
    "Answer briefly and kindly.",
    "Be brief but friendly.",
    "Short and friendly answers, please.",
    "Be kind and use few words.",
    "You are kind and brief.",
    "Answer in a short and friendly way.",
)
POLITE = (
    "Be very polite.",
    "Answer politely.",
    "Always be polite and warm.",
    "You are a very polite assistant.",
    "Please answer in a polite way.",
    "Use polite words.",
    "Be as polite as you can.",
    "You are a polite butler.",
)


def _animal_turns(animal):
    name, subject = animal.name, capital(a(animal.name))
    flies = "Yes, it can fly." if animal.flies else "No, it cannot fly."
    return (
        subject,
        {
            (
                "What does it eat?",
                "What does it like to eat?",
                "And what does it eat?",
                "What is its food?",
            ): f"It likes to eat {animal.food}.",
            (
                "Where does it live?",
                "And where does it live?",
                "Where is its home?",
                "Where can I find it?",
            ): f"It lives {place(animal.home)}.",
            (
                "How many legs does it have?",
                "And how many legs has it got?",
                "How many legs has it?",
            ): f"It has {NUMBER_WORDS[animal.legs]} legs.",
            ("Can it fly?", "And can it fly?", "Is it able to fly?"): flies,
            (
                "What is its baby called?",
                "What do you call its baby?",
                "And its baby?",
            ): f"Its baby is called {a(animal.baby)}.",
            ("What sound does it make?", "And what sound does it make?", "How does it sound?"): f"It {animal.sound}.",
        },
        (
            f"Tell me about {a(name)}.",
            f"I like {animal.plural}.",
            f"Let us talk about {a(name)}.",
            f"Yesterday I saw {a(name)}.",
            f"Do you know {animal.plural}?",
        ),
    )


def _country_turns(country):
    return (
        country.name,
        {
            (
                "What is its capital?",
                "And its capital?",
                "Which city is its capital?",
                "What is the capital?",
            ): f"Its capital is {country.capital}.",
            (
                "Which language do people speak there?",
                "What language is spoken there?",
                "And its language?",
            ): f"People there speak {country.language}.",
            ("On which continent is it?", "Where is it?", "And where is it?"): f"It is in {country.continent}.",
        },
        (
            f"Tell me about {country.name}.",
            f"I want to visit {country.name}.",
            f"Let us talk about {country.name}.",
            f"I am in {country.name} now.",
            f"Do you know {country.name}?",
        ),
    )


def _food_turns(food):
    group = "neither a fruit nor a vegetable" if food.group == "neither" else f"a {food.group}"
    return (
        capital(food.phrase),
        {
            ("What colour is it?", "And what colour is it?", "What is its colour?"): f"It is {food.colour}.",
            (
                "How does it taste?",
                "And how does it taste?",
                "What does it taste like?",
                "What is its taste?",
            ): f"It tastes {food.taste}.",
            (
                "Is it a fruit or a vegetable?",
                "And is it a fruit or a vegetable?",
                "Fruit or vegetable?",
            ): f"It is {group}.",
        },
        (
            f"Tell me about {food.phrase}.",
            f"I just bought {food.phrase}.",
            f"Let us talk about {food.phrase}.",
            f"I like {food.phrase}.",
            f"Do you know {food.phrase}?",
        ),
    )


@kind(6.0)
def follow_up(rng: Random) -> Item:
    """Up to three more questions about one animal, country or food, called only "it"."""
    pool, turns_of = rng.choice(
        ((ANIMALS, _animal_turns), (ANIMALS, _animal_turns), (COUNTRIES, _country_turns), (FOODS, _food_turns))
    )
    subject, asked, openings = turns_of(rng.choice(pool))
    turns = [
        user(rng.choice(openings)),
        assistant(f"{subject} is a good thing to talk about! What would you like to know?"),
    ]
    chosen = rng.sample(tuple(asked), rng.choice((1, 2, 2, 3)))
    for phrasings in chosen:
        turns += [user(rng.choice(phrasings)), assistant(asked[phrasings])]
    return Item("follow_up", tuple(turns[:-1]), turns[-1]["content"])


@kind(2.0)
def and_another(rng: Random) -> Item:
    """The same question again about something else: "And Spain?"."""
    first, second = rng.sample(COUNTRIES, 2)
    one, two = rng.sample(ANIMALS, 2)
    start, answer, nexts, final, among = rng.choice(
        (
            (
                f"What is the capital of {first.name}?",
                f"The capital of {first.name} is {first.capital}.",
                (f"And of {second.name}?", f"And {second.name}?", f"What about {second.name}?"),
                f"The capital of {second.name} is {second.capital}.",
                CAPITALS,
            ),
            (
                f"What language do people speak in {first.name}?",
                f"People in {first.name} speak {first.language}.",
                (f"And in {second.name}?", f"And {second.name}?", f"What about {second.name}?"),
                f"People in {second.name} speak {second.language}.",
                (),
            ),
            (
                f"How many legs does {a(one.name)} have?",
                f"{capital(a(one.name))} has {NUMBER_WORDS[one.legs]} legs.",
                (f"And {a(two.name)}?", f"What about {a(two.name)}?"),
                f"{capital(a(two.name))} has {NUMBER_WORDS[two.legs]} legs.",
                (),
            ),
            (
                f"What is a baby {one.name} called?",
                f"A baby {one.name} is called {a(one.baby)}.",
                (f"And a baby {two.name}?", f"What about a baby {two.name}?"),
                f"A baby {two.name} is called {a(two.baby)}.",
                (),
            ),
        )
    )
    return Item("and_another", (user(start), assistant(answer), user(rng.choice(nexts))), final, frozenset(among))


@kind(2.5)
def remember(rng: Random) -> Item:
    """A name or a code given first, perhaps other topics between, then asked for."""
    if rng.random() < 0.6:
        value = invented_name(rng)
        told, reply = (
            rng.choice((f"My name is {value}.", f"Hi, I am {value}!", f"You can call me {value}.")),
            f"Nice to meet you, {value}! What would you like to know?",
        )
        asked, answer = (
            rng.choice(("What is my name?", "Do you remember my name?", "What am I called?", "Who am I?")),
            f"Your name is {value}.",
        )
    else:
        value = invented_code(rng)
        told, reply = (
            rng.choice((f"My code is {value}.", f"Please remember the code {value}.", f"The code is {value}.")),
            f"Thank you. I will remember {value}.",
        )
        asked, answer = (
            rng.choice(("What is my code?", "Do you remember the code?", "What was the code?", "Tell me the code.")),
            f"Your code is {value}.",
        )
    turns = [user(told), assistant(reply)]
    for _ in range(rng.choice((0, 0, 1, 1, 2))):
        turns += draw(rng, kinds=FACTS).conversation
    return Item("remember", (*turns, user(asked)), answer)


@kind(7.0)
def system_prompt(rng: Random) -> Item:
    """A question under a system prompt that asks for a way of answering, over one to three turns."""
    prompts, change = rng.choice(tuple(WAYS.values()))
    turns = [system(rng.choice(prompts))]
    for _ in range(rng.choice((1, 1, 2, 3))):
        item = draw(rng, kinds=FACTS)
        turns += [*item.messages, assistant(change(item))]
    return Item("system_prompt", tuple(turns[:-1]), turns[-1]["content"], item.among)


@kind(5.0)
def in_one_word(rng: Random) -> Item:
    """A question that itself asks for a short answer."""
    item = draw(rng, kinds=FACTS)
    question = rng.choice(
        (
            "In one word: {q}",
            "{q} Answer in one word.",
            "{q} Short answer, please.",
            "Short answer: {q}",
            "{q} Just one word.",
            "Be brief. {q}",
            "{q} Please be brief.",
            "In short: {q}",
        )
    ).format(q=item.question)
    return Item("in_one_word", (user(question),), item.short, item.among)


@kind(5.0)
def character(rng: Random) -> Item:
    """Who the model is, how it is, thanks and goodbye, in the midst of other topics."""
    turns = []
    for _ in range(rng.choice((1, 2, 2, 3))):
        turns += draw(rng, kinds=("small_talk", *FACTS) if rng.random() < 0.5 else ("small_talk",)).conversation
    last = draw(rng, kinds=("small_talk",))
    return Item("character", (*turns, *last.messages), last.answer)


@kind(3.0)
def long_talk(rng: Random) -> Item:
    """Three to eight unrelated questions in one conversation."""
    turns = []
    for _ in range(rng.randint(3, 8)):
        item = draw(rng, kinds=SINGLE)
        turns += [*item.messages, assistant(item.answer)]
    return Item("long_talk", tuple(turns[:-1]), item.answer, item.among)


def polite(item: Item) -> str:
    """The item's answer in polite dress."""
    return f"With pleasure! {item.answer} I hope that this helps you."


def kindly(item: Item) -> str:
    """The item's short answer with a friendly word."""
    return f"Gladly! {item.short}"


WAYS = {
    "plain": (PLAIN, lambda item: item.answer),
    "short": (SHORT, lambda item: item.short),
    "polite": (POLITE, polite),
    "kind": (KIND, kindly),
}
