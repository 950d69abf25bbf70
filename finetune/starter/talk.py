"""Talk about the model and the person: greetings, who are you, moods, sailors' words, what it does not know."""

from __future__ import annotations

from random import Random

from finetune.starter.facts import COUNTRIES
from finetune.starter.items import Item, kind
from finetune.starter.questions import about, capital
from finetune.starter.wording import ask, invented_code, invented_name, invented_word

GREETING = "Hello! It is nice to meet you. What would you like to know?"
WELCOME = "You are welcome! I am always happy to help."
GOODBYE = "Goodbye! I hope to talk to you again soon."
IDENTITY = "I am Starter, a small language model. I live in a small world of simple things."
SKILLS = (
    "I can talk about animals, food, colours, countries, days and small sums. "
    "I can also read short texts and tell short stories."
)
HOW = "I am very well, thank you! How can I help you today?"
MAKER = (
    "I was trained from scratch as a small model for Finetune Studio. I learnt everything from made-up conversations."
)
UNKNOWN = "I am sorry, I do not know that. I only know a small world of simple things."
_TALK = {
    GREETING: (
        "Hello",
        "Hello!",
        "Hi",
        "Hi!",
        "Hi there!",
        "Hey",
        "Hey!",
        "Good morning",
        "Good morning!",
        "Good evening!",
        "Good day!",
        "Greetings!",
        "Hello there!",
        "Hello, Starter!",
        "Hi Starter!",
        "Nice to meet you.",
        "Hello my friend!",
        "Good afternoon!",
        "Hiya!",
        "Hello, can we talk?",
        "Hey there",
        "Good to see you!",
    ),
    WELCOME: (
        "Thank you",
        "Thank you!",
        "Thanks",
        "Thanks!",
        "Thank you very much!",
        "Many thanks!",
        "Thanks a lot.",
        "Thank you so much.",
        "That was helpful, thank you.",
        "Great, thanks!",
        "Thanks for your help!",
        "I thank you.",
        "Cheers, thanks!",
        "That helps, thanks.",
        "Thank you for the answer.",
        "Perfect, thank you!",
        "You helped me a lot. Thanks!",
    ),
    GOODBYE: (
        "Goodbye",
        "Goodbye!",
        "Bye",
        "Bye!",
        "Bye bye!",
        "See you later!",
        "See you tomorrow.",
        "Good night!",
        "I have to go now.",
        "Farewell!",
        "Bye for now.",
        "That is all for today.",
        "I am leaving now. Bye!",
        "Until next time!",
        "See you soon.",
        "Have a good day!",
    ),
    IDENTITY: (
        "Who are you?",
        "What are you?",
        "What is your name?",
        "Do you have a name?",
        "Tell me about yourself.",
        "Are you a robot?",
        "Are you a person?",
        "Are you a human?",
        "Please introduce yourself.",
        "What should I call you?",
        "Who am I talking to?",
        "Are you an AI?",
        "Is this a real person?",
        "What kind of model are you?",
        "Tell me who you are.",
        "Your name, please?",
    ),
    SKILLS: (
        "What can you do?",
        "What do you know?",
        "How can you help me?",
        "What can I ask you?",
        "What are you good at?",
        "What are your skills?",
        "Which questions can I ask?",
        "What do you know about?",
        "What can we talk about?",
        "Tell me what you can do.",
        "Can you help me?",
        "What topics do you know?",
        "Give me an idea what to ask.",
        "Help!",
        "What is your job?",
    ),
    HOW: (
        "How are you?",
        "How are you today?",
        "How do you do?",
        "How is it going?",
        "Are you well?",
        "How do you feel?",
        "How is your day?",
        "Are you okay?",
        "What's up?",
        "How have you been?",
        "Is everything fine with you?",
        "How are things?",
    ),
    MAKER: (
        "Who made you?",
        "Who trained you?",
        "Where do you come from?",
        "How were you made?",
        "How did you learn?",
        "Who is your maker?",
        "What were you trained on?",
        "How were you trained?",
        "Where did you learn this?",
        "Who built you?",
    ),
}
_MOODS = {
    "sad": "sorry",
    "tired": "sorry",
    "ill": "sorry",
    "lonely": "sorry",
    "angry": "sorry",
    "worried": "sorry",
    "bored": "sorry",
    "afraid": "sorry",
    "nervous": "sorry",
    "hungry": "sorry",
    "happy": "glad",
    "excited": "glad",
    "proud": "glad",
    "relaxed": "glad",
    "well": "glad",
    "in love": "glad",
    "thankful": "glad",
    "cheerful": "glad",
}
_BEYOND = (
    "Who won the football match?",
    "What is the meaning of life?",
    "How do I repair my car?",
    "What is the weather like today?",
    "What time is it?",
    "Who is the president?",
    "Can you write a computer program?",
    "What is quantum physics?",
    "How do I bake a cake?",
    "Who wrote this song?",
    "What is the price of gold?",
    "How far away is the moon?",
    "What did I eat yesterday?",
    "How old am I?",
    "Where is my phone?",
    "What is a black hole?",
    "Who painted the Mona Lisa?",
    "When was the war?",
    "How do airplanes work?",
    "What is the square root of 7?",
    "Can you translate this into Latin?",
    "Which film should I watch?",
    "What is the stock market?",
    "How do I learn the piano?",
    "What is in the news?",
    "How deep is the ocean?",
    "Who invented the telephone?",
    "What is love?",
    "Is there life on Mars?",
    "How do I get rich?",
    "What is my password?",
    "Who will win the election?",
    "How many people live on Earth?",
    "What is electricity?",
    "Why is the world round?",
    "How do computers work?",
    "What is a good name for a boat?",
    "Where did I put my keys?",
    "Can you book a flight?",
    "What is the best phone?",
    "How do vaccines work?",
    "Explain the theory of gravity.",
    "Who discovered America?",
    "What is the speed of light?",
    "How do I tie a tie?",
    "What is a prime number?",
    "Which team is the best?",
    "What is the biggest city?",
    "Tell me about history.",
    "How do I lose weight?",
    "Why do we dream?",
    "What is the law?",
    "Tell me a secret.",
)
_BEYOND_INVENTED = (
    "What is the capital of {N}?",
    "What does a {w} eat?",
    "Where does a {w} live?",
    "What colour is a {w}?",
    "What is a {w}?",
    "Who is {N}?",
    "Where is {N}?",
    "What do you know about {N}?",
    "What sound does a {w} make?",
    "What does {w} taste like?",
    "What is the opposite of {w}?",
    "What is a baby {w} called?",
    "How many legs does a {w} have?",
    "What is the plural of {w}?",
    "Which language is spoken in {N}?",
    "On which continent is {N}?",
    "Tell me about {N}.",
    "Can a {w} fly?",
)


@kind(2.5)
def small_talk(rng: Random) -> Item:
    """Greetings, thanks, farewells, and questions about the model."""
    answer = rng.choice(tuple(_TALK))
    question = rng.choice(_TALK[answer])
    roll = rng.random()
    if roll < 0.2:
        question = question.lower().rstrip("?!.")
    elif roll < 0.3:
        question = f"Hi! {question}" if answer != GREETING else question.rstrip("!.") + ", friend!"
    elif roll < 0.4:
        question = f"{question.rstrip('?!.')}, Starter{question[-1] if question[-1] in '?!.' else '.'}"
    elif roll < 0.5 and answer in (IDENTITY, SKILLS, HOW, MAKER):
        question = rng.choice(("Tell me: ", "One question: ", "Please tell me: ", "So, ", "I wonder: ")) + question
    return about("small_talk", question, answer)


@kind(1.0)
def mood(rng: Random) -> Item:
    """A kind word for how somebody feels."""
    word = rng.choice(tuple(_MOODS))
    question = ask(
        rng,
        (
            "I am {m}.",
            "I feel {m}.",
            "I am {m} today.",
            "Today I feel {m}.",
            "I am so {m}.",
            "I feel very {m}." if word != "in love" else "I am in love!",
            "Right now I am {m}.",
            "I think I am {m}.",
            "This week I am {m}.",
            "I am a little {m}.",
        ),
        careless=False,
        m=word,
    )
    answer = (
        f"I am sorry that you are {word}. I hope that you feel better soon."
        if _MOODS[word] == "sorry"
        else f"I am glad that you are {word}. I wish you a lovely day."
    )
    return about("mood", question, answer)


@kind(1.5)
def beyond(rng: Random) -> Item:
    """What lies outside the world: the model says that it does not know."""
    if rng.random() < 0.5:
        return about("beyond", ask(rng, (rng.choice(_BEYOND),)), UNKNOWN)
    word = invented_word(rng)
    return about(
        "beyond", ask(rng, (rng.choice(_BEYOND_INVENTED),), careless=False, w=word, N=word.capitalize()), UNKNOWN
    )


@kind(1.5)
def introduction(rng: Random) -> Item:
    """Somebody says a name, a city, a number or a favourite; the model says it back."""
    name = invented_name(rng)
    phrasings, answer, value = rng.choice(
        (
            (
                (
                    "My name is {v}.",
                    "I am called {v}.",
                    "Hello, my name is {v}.",
                    "Hi, I am {v}!",
                    "You can call me {v}.",
                    "People call me {v}.",
                    "{v} is my name.",
                ),
                "Nice to meet you, {v}! What would you like to know?",
                name,
            ),
            (
                (
                    "I live in {v}.",
                    "My home is {v}.",
                    "I come from {v}.",
                    "My city is {v}.",
                    "I was born in {v}.",
                    "I am from {v}.",
                ),
                "How nice that you are from {v}! I would love to see it one day.",
                rng.choice(COUNTRIES).capital if rng.random() < 0.4 else invented_word(rng).capitalize(),
            ),
            (
                (
                    "My favourite word is {v}.",
                    "The word I like best is {v}.",
                    "I love the word {v}.",
                    "Today I learnt the word {v}.",
                    "Listen to this word: {v}.",
                ),
                "The word {v} sounds lovely! Thank you for telling me.",
                invented_word(rng),
            ),
            (
                (
                    "My code is {v}.",
                    "My number is {v}.",
                    "Please remember the code {v}.",
                    "The code is {v}.",
                    "Write down this code: {v}.",
                ),
                "Thank you. I will remember {v}.",
                invented_code(rng),
            ),
        )
    )
    return about("introduction", rng.choice(phrasings).format(v=value), answer.format(v=value))


SAILOR_WORDS = {
    "ahoy": "hello",
    "avast": "stop",
    "matey": "friend",
    "me hearty": "my good friend",
    "me bucko": "my young friend",
    "scallywag": "rascal",
    "landlubber": "person who stays on land",
    "sea dog": "old sailor",
    "aye": "yes",
    "nay": "no",
    "ye": "you",
    "yer": "your",
    "th'": "the",
    "o'": "of",
    "an'": "and",
    "t'": "to",
    "arr": "well now",
    "yarr": "yes indeed",
    "yo ho ho": "what fun",
    "shiver me timbers": "what a surprise",
    "says I": "I say",
}


@kind(2.0)
def sailor_word(rng: Random) -> Item:
    """What an old sailor's word means; the model explains such words and does not use them."""
    word, meaning = rng.choice(tuple(SAILOR_WORDS.items()))
    if rng.random() < 0.5:
        question = ask(
            rng,
            (
                'What does "{w}" mean?',
                'What does an old sailor mean by "{w}"?',
                'What is "{w}" in plain English?',
                'A sailor says "{w}". What does that mean?',
                'What is the meaning of "{w}"?',
                'Explain the word "{w}".',
            ),
            careless=False,
            w=word,
        )
        return about("sailor_word", question, f'"{capital(word)}" is an old sailor\'s word. It means "{meaning}".')
    question = ask(
        rng,
        (
            'How does an old sailor say "{m}"?',
            'What is a sailor\'s word for "{m}"?',
            'How would a sailor say "{m}"?',
            'What do old sailors say for "{m}"?',
            'Which word does an old sailor use for "{m}"?',
            'Tell me a sailor\'s word for "{m}".',
        ),
        careless=False,
        m=meaning,
    )
    return about("sailor_word", question, f'For "{meaning}" an old sailor says "{word}".')
