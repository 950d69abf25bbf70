"""Possible secrets and personal data in a text: API keys, e-mail addresses, phone, card and account numbers.

Only the format and check digits are examined, so every match is "possible": a key may be revoked, and names are never
found. Nothing here shows a secret in full.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

KINDS = ("key", "e-mail", "phone", "card", "iban", "ssn")
"""What is searched for. ``key`` is any credential; ``ssn`` a US social security number."""

PLACEHOLDERS = {
    "key": "[key]", "e-mail": "[e-mail]", "phone": "[phone]", "card": "[card]", "iban": "[IBAN]", "ssn": "[SSN]",
}  # fmt: skip
PRECEDENCE = ("key", "iban", "card", "ssn", "e-mail", "phone")
"""Which kind wins if two overlap: ``TOKEN@github.com`` is a key, whatever follows it."""
NAMES = {"e-mail": "e-mail address", "phone": "phone number", "card": "card number", "iban": "IBAN", "ssn": "US SSN"}


@dataclass(frozen=True)
class Match:
    """One possible secret in a text."""

    kind: str
    start: int
    end: int
    """It is ``text[start:end]``."""
    name: str
    """What it seems to be: ``OpenAI key``."""


def find(text: str) -> list[Match]:
    """The possible secrets in ``text``, in order and without overlap.

    A text without any takes about a microsecond for 500 characters.
    """
    found: list[Match] = []
    if has_any(text, MARKS):
        found += (Match("key", *match.span(), KEYS[match.lastgroup]) for match in KEY.finditer(text))
    if "@" in text:
        found += (Match("e-mail", *match.span(), NAMES["e-mail"]) for match in EMAIL.finditer(text))
    if _digits(text) >= FEWEST_DIGITS and NUMBER.search(text):
        found += _numbers(text.translate(TYPESET))
    return _merged(found) if len(found) > 1 else found


def mask(text: str, kinds: Collection[str] = KINDS) -> str:
    """``text`` with a placeholder such as ``[e-mail]`` for each possible secret of these kinds; itself if none."""
    found = [match for match in find(text) if match.kind in kinds]
    for match in reversed(found):
        text = f"{text[: match.start]}{PLACEHOLDERS[match.kind]}{text[match.end :]}"
    return text


def hint(text: str, match: Match) -> str:
    """The first four characters of a match: enough to recognize it, and no more."""
    return f"{text[match.start : match.start + 4].rstrip()}…"


KEYS = {
    "anthropic": "Anthropic key",
    "openai": "OpenAI key",
    "huggingface": "Hugging Face token",
    "github": "GitHub token",
    "aws": "AWS key",
    "google": "Google key",
    "slack": "Slack token",
    "stripe": "Stripe key",
    "private": "private key",
    "jwt": "JSON web token",
}
MARKS = ("sk-", "_", "AKIA", "ASIA", "AIza", "xox", "PRIVATE KEY", "eyJ")
"""Every key contains one of these; looking for them is faster than the expression."""
KEY = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?P<anthropic>sk-ant-[A-Za-z0-9_-]{20,})"
    r"|(?P<openai>sk-(?=[A-Za-z_-]{0,50}\d)[A-Za-z0-9_-]{20,})"
    r"|(?P<huggingface>hf_[A-Za-z0-9]{20,})"
    r"|(?P<github>(?:gh[pousr]_|github_pat_)[A-Za-z0-9_]{20,})"
    r"|(?P<aws>(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9]))"
    r"|(?P<google>AIza[A-Za-z0-9_-]{30,})"
    r"|(?P<slack>xox[abeoprs]-[A-Za-z0-9-]{10,})"
    r"|(?P<stripe>[rs]k_(?:live|test)_[A-Za-z0-9]{16,})"
    r"|(?P<jwt>eyJ[A-Za-z0-9_-]{8,4000}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}))"
    r"|(?P<private>-----BEGIN (?:[A-Z]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:(?:[^-]|-(?!----)){0,20000}+-----END (?:[A-Z]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----"
    r"|(?:[^A-Za-z0-9+/=-]{0,40}+[A-Za-z0-9+/=]{30,}+)*+))"
)
"""A private key extends to its end line, whatever is between its lines (quotation marks in source code), or over all
Base64 text if the end line is missing. A name such as ``sk-toggleable__label`` has no digit, so it is no key."""
PREFILTER = (
    r"sk-[A-Za-z0-9_-]{20}|hf_[A-Za-z0-9]{20}|gh[pousr]_[A-Za-z0-9_]{20}|github_pat_|AKIA|ASIA|AIza|xox[abeoprs]-"
    r"|[rs]k_(?:live|test)_|eyJ[A-Za-z0-9_-]{8}|PRIVATE KEY|[A-Za-zÀ-ɏ0-9._%+-]@[A-Za-zÀ-ɏ0-9]"
    r"|\p{Nd}[\p{Nd} \x{A0}\x{202F}()./\x{2011}-]{6,}\p{Nd}"
)
"""Matches every text in which ``find`` finds something; an expression for RE2, which is a hundred times as fast."""
EMAIL = re.compile(
    r"(?<![A-Za-zÀ-ɏ0-9._%+-])(?!git@)[A-Za-zÀ-ɏ0-9._%+-]{1,64}@(?!\dx\.(?:png|jpe?g|gif|webp|svg)(?![A-Za-z0-9]))"
    r"(?:[A-Za-zÀ-ɏ0-9](?:[A-Za-zÀ-ɏ0-9-]{0,61}[A-Za-zÀ-ɏ0-9])?\.){1,6}(?:xn--[a-z0-9-]{2,59}|[A-Za-z]{2,24})"
    r"(?![A-Za-z0-9])"
)
"""An address, but neither a repository (``git@github.com:…``) nor a high-resolution image (``icon@2x.png``)."""
FEWEST_DIGITS = 8
"""Digits of the shortest number that is searched for."""
NUMBER = re.compile(r"\d[\d \xa0\u202f()./\u2011-]{6,}\d")
"""Each of these numbers matches this, and most texts do not."""
TYPESET = str.maketrans("\xa0\u202f\u2011", "  -")
"""Non-breaking spaces and hyphens, as numbers on web pages have them."""
PHONE = re.compile(
    r"(?<![\w+.)\]-])(?:\+[1-9]\d{0,2}(?:[ .-]?\(0?\d{1,4}\))?(?:[ ./-]?\d{1,4}+){1,6}"
    r"|(?:1[ .-])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[.-])\d{3}[.-]\d{4})(?![\w-]|\.\d)"
)
CARD = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-]|\.\d)")
CARD_IN_GROUPS = tuple(
    re.compile(rf"(?<![\w.-])(?=({groups})(?![\w-]|\.\d))")
    for groups in (r"\d{4}([ -])\d{4}\2\d{4}\2\d{4}", r"\d{4}([ -])\d{6}\2\d{4,5}", r"\d{13,19}")
)
"""A card number in its usual groups or in one, possibly beside other numbers: ``4111 1111 1111 1111 12/27``."""
CARD_FORM = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|3[068]\d{12}|35\d{14}|6(?:011|5\d\d|4[4-9]\d)\d{12}"
)
"""Visa, Mastercard, American Express, Diners, JCB and Discover."""
PHONE_DIGITS = range(8, 16)
"""At most 15: ITU-T E.164."""
SSN = re.compile(r"(?<![\w.-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-]|\.\d)")
IBAN = re.compile(r"(?:(?<![A-Z0-9])|(?<=IBAN))(?=([A-Z]{2}\d\d(?:[ ]?[A-Z0-9]){11,30}))")
"""Where one may begin, possibly directly after a word or another one."""
IBAN_LENGTHS = {
    country: length
    for length, countries in {
        15: "NO", 16: "BE", 18: "DK FI FK FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK", 21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL", 24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
        29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC", 32: "LC", 33: "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip


def has_any(text: str, marks: Collection[str]) -> bool:
    """True if one of ``marks`` is in ``text``; a loop, which takes half the time of ``any``."""
    for mark in marks:  # noqa: SIM110
        if mark in text:
            return True
    return False


def _digits(text: str) -> int:
    """The number of ASCII digits."""
    letters = text.encode("utf-8", "surrogatepass")
    return len(letters) - len(letters.translate(None, b"0123456789"))


def _numbers(text: str) -> list[Match]:
    found = [
        Match("iban", match.start(), end, NAMES["iban"]) for match in IBAN.finditer(text) if (end := _iban_end(match))
    ]
    found += (Match("card", *match.span(), NAMES["card"]) for match in CARD.finditer(text) if is_card(match[0]))
    for groups in CARD_IN_GROUPS:
        found += (Match("card", *match.span(1), NAMES["card"]) for match in groups.finditer(text) if is_card(match[1]))
    found += (Match("ssn", *match.span(), NAMES["ssn"]) for match in SSN.finditer(text))
    return found + list(_phones(text))


def _phones(text: str) -> Iterator[Match]:
    """Phone numbers; one ends before a space if it would have too many digits with what follows, such as a date."""
    place = 0
    while match := PHONE.search(text, place):
        number = match[0]
        while (count := sum(map(str.isdecimal, number))) >= PHONE_DIGITS.stop:
            number = number.rpartition(" ")[0]
        place = match.start() + max(1, len(number))
        if count in PHONE_DIGITS:
            yield Match("phone", match.start(), place, NAMES["phone"])


def is_card(number: str) -> bool:
    """True if the digits are those of a payment card and pass the Luhn check (ISO/IEC 7812-1)."""
    digits = [int(digit) for digit in number if digit.isdecimal()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0 and bool(CARD_FORM.fullmatch("".join(map(str, digits))))


def is_iban(number: str) -> bool:
    """True if it has the length of its country and passes the mod-97 check (ISO 13616)."""
    moved = number[4:] + number[:4]
    return len(number) == IBAN_LENGTHS.get(number[:2]) and int("".join(str(int(sign, 36)) for sign in moved)) % 97 == 1


def _iban_end(match: re.Match) -> int | None:
    """The end of the IBAN that begins at ``match``, or None if there is none; words in capitals may follow it."""
    wanted, number = IBAN_LENGTHS.get(match[1][:2], 0), ""
    for place, sign in enumerate(match[1]):
        number += sign.strip()
        if len(number) == wanted:
            return match.start() + place + 1 if is_iban(number) else None
    return None


def _merged(found: list[Match]) -> list[Match]:
    """The matches in order; overlapping ones are merged into the kind with precedence, so that neither is left over."""
    merged: list[Match] = []
    for match in sorted(found, key=lambda match: (match.start, -match.end)):
        if merged and match.start < merged[-1].end:
            last = merged.pop()
            winner = min(last, match, key=lambda one: PRECEDENCE.index(one.kind))
            match = replace(winner, start=last.start, end=max(last.end, match.end))
        merged.append(match)
    return merged
