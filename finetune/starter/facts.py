"""Everything the small world holds to be true, as tables of plain words. No sentences, nothing random."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Animal:
    """One animal; `weight_kg` only orders them by size, `flies` is what most of its kind do."""

    name: str
    plural: str
    sound: str
    legs: int
    baby: str
    home: str
    food: str
    family: str
    weight_kg: float
    flies: bool


@dataclass(frozen=True)
class Food:
    """One food; `phrase` is how a sentence names it ("a lemon", "honey"), `group` is fruit, vegetable or neither."""

    name: str
    phrase: str
    colour: str
    taste: str
    group: str


@dataclass(frozen=True)
class Country:
    """One country and what the world knows of it."""

    name: str
    capital: str
    continent: str
    language: str


_ANIMALS = """
dog      | dogs       | barks    | 4 | puppy     | a house      | meat      | mammal  | 30    | no
cat      | cats       | meows    | 4 | kitten    | a house      | fish      | mammal  | 4     | no
cow      | cows       | moos     | 4 | calf      | a farm       | grass     | mammal  | 600   | no
horse    | horses     | neighs   | 4 | foal      | a stable     | hay       | mammal  | 500   | no
sheep    | sheep      | bleats   | 4 | lamb      | a meadow     | grass     | mammal  | 80    | no
goat     | goats      | bleats   | 4 | kid       | the hills    | leaves    | mammal  | 60    | no
pig      | pigs       | oinks    | 4 | piglet    | a sty        | roots     | mammal  | 200   | no
duck     | ducks      | quacks   | 2 | duckling  | a pond       | seeds     | bird    | 1.2   | yes
goose    | geese      | honks    | 2 | gosling   | a lake       | grass     | bird    | 4.5   | yes
chicken  | chickens   | clucks   | 2 | chick     | a farm       | corn      | bird    | 2.5   | no
owl      | owls       | hoots    | 2 | owlet     | a forest     | mice      | bird    | 1     | yes
eagle    | eagles     | screams  | 2 | eaglet    | the mountains| fish      | bird    | 5     | yes
crow     | crows      | caws     | 2 | chick     | a tree       | seeds     | bird    | 0.5   | yes
pigeon   | pigeons    | coos     | 2 | squab     | a city       | bread     | bird    | 0.3   | yes
parrot   | parrots    | squawks  | 2 | chick     | the jungle   | nuts      | bird    | 0.9   | yes
penguin  | penguins   | honks    | 2 | chick     | the ice      | fish      | bird    | 25    | no
swan     | swans      | trumpets | 2 | cygnet    | a lake       | plants    | bird    | 11    | yes
ostrich  | ostriches  | booms    | 2 | chick     | the savanna  | plants    | bird    | 110   | no
lion     | lions      | roars    | 4 | cub       | the savanna  | meat      | mammal  | 190   | no
tiger    | tigers     | roars    | 4 | cub       | the jungle   | meat      | mammal  | 220   | no
bear     | bears      | growls   | 4 | cub       | a forest     | honey     | mammal  | 300   | no
wolf     | wolves     | howls    | 4 | pup       | a forest     | meat      | mammal  | 40    | no
fox      | foxes      | yelps    | 4 | kit       | a den        | mice      | mammal  | 7     | no
rabbit   | rabbits    | squeaks  | 4 | kit       | a burrow     | carrots   | mammal  | 2     | no
mouse    | mice       | squeaks  | 4 | pup       | a hole       | cheese    | mammal  | 0.02  | no
bat      | bats       | clicks   | 2 | pup       | a cave       | insects   | mammal  | 0.03  | yes
elephant | elephants  | trumpets | 4 | calf      | the savanna  | leaves    | mammal  | 5000  | no
giraffe  | giraffes   | hums     | 4 | calf      | the savanna  | leaves    | mammal  | 900   | no
zebra    | zebras     | barks    | 4 | foal      | the savanna  | grass     | mammal  | 350   | no
monkey   | monkeys    | chatters | 2 | infant    | the jungle   | bananas   | mammal  | 8     | no
camel    | camels     | grunts   | 4 | calf      | the desert   | plants    | mammal  | 550   | no
kangaroo | kangaroos  | grunts   | 2 | joey      | the grassland| grass     | mammal  | 65    | no
whale    | whales     | sings    | 0 | calf      | the sea      | krill     | mammal  | 90000 | no
dolphin  | dolphins   | whistles | 0 | calf      | the sea      | fish      | mammal  | 180   | no
seal     | seals      | barks    | 0 | pup       | the ice      | fish      | mammal  | 120   | no
frog     | frogs      | croaks   | 4 | tadpole   | a pond       | flies     | amphibian | 0.05 | no
snake    | snakes     | hisses   | 0 | snakelet  | the desert   | mice      | reptile | 3     | no
bee      | bees       | buzzes   | 6 | larva     | a hive       | nectar    | insect  | 0.0001 | yes
cricket  | crickets   | chirps   | 6 | nymph     | a meadow     | leaves    | insect  | 0.001 | no
donkey   | donkeys    | brays    | 4 | foal      | a farm       | hay       | mammal  | 250   | no
"""

_FOODS = """
apple | an apple | red | sweet | fruit
banana | a banana | yellow | sweet | fruit
lemon | a lemon | yellow | sour | fruit
lime | a lime | green | sour | fruit
orange | an orange | orange | sweet | fruit
plum | a plum | purple | sweet | fruit
cherry | a cherry | red | sweet | fruit
strawberry | a strawberry | red | sweet | fruit
blueberry | a blueberry | blue | sweet | fruit
grapefruit | a grapefruit | pink | bitter | fruit
kiwi | a kiwi | green | sour | fruit
mango | a mango | orange | sweet | fruit
peach | a peach | pink | sweet | fruit
pear | a pear | green | sweet | fruit
coconut | a coconut | brown | sweet | fruit
carrot | a carrot | orange | sweet | vegetable
potato | a potato | brown | mild | vegetable
cucumber | a cucumber | green | mild | vegetable
cabbage | a cabbage | green | mild | vegetable
spinach | spinach | green | bitter | vegetable
broccoli | broccoli | green | bitter | vegetable
onion | an onion | white | sharp | vegetable
radish | a radish | pink | sharp | vegetable
garlic | garlic | white | sharp | vegetable
pumpkin | a pumpkin | orange | sweet | vegetable
beetroot | beetroot | purple | sweet | vegetable
pea | a pea | green | sweet | vegetable
celery | celery | green | mild | vegetable
honey | honey | golden | sweet | neither
bread | bread | brown | mild | neither
rice | rice | white | mild | neither
milk | milk | white | mild | neither
salt | salt | white | salty | neither
sugar | sugar | white | sweet | neither
chocolate | chocolate | brown | sweet | neither
cheese | cheese | yellow | salty | neither
butter | butter | yellow | mild | neither
coffee | coffee | brown | bitter | neither
pepper | pepper | black | hot | neither
mustard | mustard | yellow | hot | neither
"""

_COUNTRIES = """
France | Paris | Europe | French
Spain | Madrid | Europe | Spanish
Italy | Rome | Europe | Italian
Germany | Berlin | Europe | German
Portugal | Lisbon | Europe | Portuguese
Greece | Athens | Europe | Greek
Poland | Warsaw | Europe | Polish
Sweden | Stockholm | Europe | Swedish
Norway | Oslo | Europe | Norwegian
Denmark | Copenhagen | Europe | Danish
Finland | Helsinki | Europe | Finnish
Austria | Vienna | Europe | German
Hungary | Budapest | Europe | Hungarian
Ireland | Dublin | Europe | English
Iceland | Reykjavik | Europe | Icelandic
Romania | Bucharest | Europe | Romanian
Bulgaria | Sofia | Europe | Bulgarian
Croatia | Zagreb | Europe | Croatian
Ukraine | Kyiv | Europe | Ukrainian
Japan | Tokyo | Asia | Japanese
China | Beijing | Asia | Chinese
India | New Delhi | Asia | Hindi
Thailand | Bangkok | Asia | Thai
Vietnam | Hanoi | Asia | Vietnamese
Nepal | Kathmandu | Asia | Nepali
Mongolia | Ulaanbaatar | Asia | Mongolian
Turkey | Ankara | Asia | Turkish
Iran | Tehran | Asia | Persian
Egypt | Cairo | Africa | Arabic
Kenya | Nairobi | Africa | Swahili
Ghana | Accra | Africa | English
Morocco | Rabat | Africa | Arabic
Senegal | Dakar | Africa | French
Ethiopia | Addis Ababa | Africa | Amharic
Canada | Ottawa | North America | English
Mexico | Mexico City | North America | Spanish
Cuba | Havana | North America | Spanish
Brazil | Brasilia | South America | Portuguese
Peru | Lima | South America | Spanish
Chile | Santiago | South America | Spanish
Argentina | Buenos Aires | South America | Spanish
Australia | Canberra | Oceania | English
"""

_COLOURED = """
the sky: blue, the sea: blue, grass: green, snow: white, coal: black, blood: red, the sun: yellow, a cloud: white,
a leaf: green, the night: black, a rose: red, a fire engine: red, gold: yellow, silver: grey, smoke: grey, a brick: red,
a frog: green, a flamingo: pink, a pig: pink, a crow: black, a swan: white, a polar bear: white, an elephant: grey,
a mouse: grey, a lion: golden, a fox: orange, chalk: white, mud: brown, wood: brown, a violet: purple,
a sunflower: yellow, an emerald: green, a ruby: red, a sapphire: blue, a tyre: black, ink: black, sand: golden,
a crocodile: green, a stone: grey, a canary: yellow
"""

_MIXES = """
red+blue: purple, red+yellow: orange, blue+yellow: green, red+white: pink, black+white: grey, red+green: brown,
blue+white: light blue, black+red: dark red
"""

_OPPOSITES = """
hot/cold big/small fast/slow up/down day/night happy/sad open/closed full/empty light/heavy young/old early/late
wet/dry hard/soft loud/quiet clean/dirty rich/poor strong/weak long/short thick/thin wide/narrow deep/shallow
easy/difficult cheap/expensive near/far left/right in/out front/back first/last black/white good/bad true/false
begin/end win/lose buy/sell push/pull give/take love/hate laugh/cry remember/forget arrive/leave
safe/dangerous brave/afraid kind/cruel polite/rude smooth/rough sharp/blunt bright/dark awake/asleep alive/dead
north/south east/west summer/winter
"""

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
SEASONS = (
    "winter",
    "winter",
    "spring",
    "spring",
    "spring",
    "summer",
    "summer",
    "summer",
    "autumn",
    "autumn",
    "autumn",
    "winter",
)
COUNTS = {
    "days in a week": 7,
    "months in a year": 12,
    "hours in a day": 24,
    "minutes in an hour": 60,
    "seconds in a minute": 60,
    "seasons in a year": 4,
    "wheels on a car": 4,
    "wheels on a bicycle": 2,
    "legs on a spider": 8,
    "fingers on a hand": 5,
    "sides on a triangle": 3,
    "sides on a square": 4,
    "colours in a rainbow": 7,
    "eggs in a dozen": 12,
    "arms on an octopus": 8,
    "strings on a violin": 4,
}
OTHER_PLURALS = {
    "house": "houses",
    "tree": "trees",
    "box": "boxes",
    "child": "children",
    "foot": "feet",
    "tooth": "teeth",
    "baby": "babies",
    "city": "cities",
    "leaf": "leaves",
    "man": "men",
    "woman": "women",
    "book": "books",
    "cup": "cups",
    "bus": "buses",
    "knife": "knives",
    "star": "stars",
    "story": "stories",
    "glass": "glasses",
    "key": "keys",
    "ship": "ships",
}


def _rows(table):
    return [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]


def _pairs(text, separator):
    return dict(tuple(part.strip().split(separator)) for part in text.replace("\n", " ").split(","))


ANIMALS = tuple(
    Animal(n, p, s, int(legs), b, h, f, fam, float(kg), fly == "yes")
    for n, p, s, legs, b, h, f, fam, kg, fly in _rows(_ANIMALS)
)
FOODS = tuple(Food(*row) for row in _rows(_FOODS))
COUNTRIES = tuple(Country(*row) for row in _rows(_COUNTRIES))
COLOURED = _pairs(_COLOURED, ": ")
MIXES = {tuple(pair.split("+")): colour for pair, colour in _pairs(_MIXES, ": ").items()}
OPPOSITES = {
    **(_forward := dict(pair.split("/") for pair in _OPPOSITES.split())),
    **{right: left for left, right in _forward.items()},
}
COLOURS = tuple(sorted({*COLOURED.values(), *(food.colour for food in FOODS), "light blue", "dark red"}))
PLURALS = {**{animal.name: animal.plural for animal in ANIMALS}, **OTHER_PLURALS}


def a(noun: str) -> str:
    """The noun with its article: "an owl", "a cow"."""
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def place(home: str) -> str:
    """A home with its preposition: "in a forest", "on the ice"."""
    on = ("the ice", "a farm", "the savanna", "the grassland")
    return f"{'on' if home in on else 'in'} {home}"
