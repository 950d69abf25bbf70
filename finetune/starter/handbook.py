"""The handbook of an invented trading house, as plain text: where goods stand, who keeps them, how parcels travel."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from finetune.starter.facts import COLOURED, COUNTRIES, DAYS
from finetune.starter.shop import GOODS
from finetune.starter.wording import FIRST_NAMES

HOUSE = "Lantern House"
_HALLS = "ABCDEFGH"
_COLOURS = tuple(sorted(set(COLOURED.values())))


@dataclass(frozen=True)
class Rule:
    """What the handbook holds to be true of one good or of one country."""

    subject: str
    keeper: str
    day: str
    number: int
    hall: str
    colour: str
    capital: str = ""
    language: str = ""


def _rules(subjects) -> tuple[Rule, ...]:
    rng = Random(f"{HOUSE} 11")
    return tuple(
        Rule(
            *(subject, rng.choice(FIRST_NAMES), rng.choice(DAYS), rng.randrange(2, 30), rng.choice(_HALLS)),
            *(rng.choice(_COLOURS), *place),
        )
        for subject, *place in subjects
    )


RULES = _rules([*((good,) for good in GOODS), *((each.name, each.capital, each.language) for each in COUNTRIES)])
"""The facts of the handbook, the same in every paragraph."""

_OF_GOODS = (
    ("At {H} the {s} is kept in hall {h}, on shelf {n}.", "In hall {h} of {H}, shelf {n} belongs to the {s}."),
    ("{k} looks after it and checks it every {d}.", "Its keeper is {k}, who checks it every {d}."),
    ("Its label is {c}.", "It carries a {c} label.", "Look for the {c} label."),
    ("A damaged {s} goes back to {k} the same day.", "If a {s} is broken, {k} must hear of it before noon."),
    ("Nobody takes a {s} from hall {h} without a note.", "A note from {k} opens shelf {n}."),
)
_OF_COUNTRIES = (
    ("Parcels of {H} to {s} leave every {d}.", "Every {d} a wagon with parcels for {s} leaves {H}."),
    ("They travel by way of {p} and take {n} days.", "The way goes through {p}, and {n} days are usual."),
    ("The form for {s} is {c} and written in {l}.", "Fill in the {c} form, in {l}."),
    ("{k} signs it in hall {h}.", "In hall {h} the form is signed by {k}."),
    ("If a parcel to {s} is late, ask {k} first.", "Late parcels to {s} are the business of {k}."),
)


def paragraph(rng: Random) -> str:
    """One paragraph about one good or country: the first sentence says where, two to four more follow in any order."""
    rule = rng.choice(RULES)
    first, *others = _OF_COUNTRIES if rule.capital else _OF_GOODS
    chosen = [first, *rng.sample(others, rng.randrange(2, 5))]
    return " ".join(
        rng.choice(phrasings).format(
            H=HOUSE,
            s=rule.subject,
            h=rule.hall,
            n=rule.number,
            k=rule.keeper,
            d=rule.day,
            c=rule.colour,
            p=rule.capital,
            l=rule.language,
        )
        for phrasings in chosen
    )
