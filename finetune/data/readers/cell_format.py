"""Formats of the cells of spreadsheets: a number as its cell shows it, such as ``0.125`` under ``0.0%`` as ``12.5%``.

Office Open XML, ECMA-376 part 1, 18.8.31. Formats of dates are left to the library that reads them.
"""

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|_(?P<space>.)|\*(?P<fill>.)|\[\$(?P<currency>[^\]-]*)[^\]]*\]'
    r"|\[(?P<bracket>[^\]]*)\]|(?P<number>[0#?,.]+)|(?P<percent>%)|(?P<literal>[-+$€£¥():!^&'~{}<>= ])",
    re.DOTALL,
)
"""What a format may have here; with anything else (dates, fractions, exponents, ``@``) it is not taken."""
COLORS = re.compile(r"(?:black|blue|cyan|green|magenta|red|white|yellow|color ?\d+)", re.IGNORECASE)
GENERAL = "general"


@dataclass(frozen=True)
class Section:
    """One of up to four parts of a format: for positive and negative numbers, zero, and text."""

    before: str
    after: str
    digits: str
    """``#,##0.00``; empty if it shows text alone."""
    percents: int

    def shown(self, value: Decimal) -> str:
        """``value``, which is not negative, as the section shows it."""
        if not self.digits:
            return self.before + self.after
        digits = self.digits.rstrip(",")
        whole, _, part = digits.partition(".")
        value = value * 100**self.percents / Decimal(1000) ** (len(self.digits) - len(digits))
        value = value.quantize(Decimal(1).scaleb(-len(part)), ROUND_HALF_UP)
        left, _, right = f"{value:f}".partition(".")
        left = left.lstrip("0").rjust(whole.count("0"), "0")
        if "," in whole:
            left = _grouped(left)
        least = len(part.rstrip("#?"))
        right = right[:least] + right[least:].rstrip("0")
        return f"{self.before}{left}{'.' if '.' in digits else ''}{right}{self.after}"


def shown(value: int | float, code: str) -> str | None:
    """``value`` as a cell with the format ``code`` shows it; None if that is general, or none that is known here."""
    sections = sections_of(code)
    if not sections:
        return None
    number = Decimal(f"{value:.15g}") if isinstance(value, float) else Decimal(value)
    if not number.is_finite():
        return None
    if number < 0 and len(sections) > 1:
        return sections[1].shown(-number).strip()
    if number == 0 and len(sections) > 2:
        return sections[2].shown(number).strip()
    found = sections[0].shown(abs(number)).strip()
    return f"-{found}" if number < 0 and any(digit in "123456789" for digit in found) else found


@lru_cache(maxsize=256)
def sections_of(code: str) -> tuple[Section, ...]:
    """The sections of a format; none if it is general, or has what is not known here."""
    if code.strip().lower() in (GENERAL, "@", ""):
        return ()
    found = tuple(map(_section, re.split(r';(?=(?:[^"]*"[^"]*")*[^"]*$)', code)[:3]))
    return found if all(found) else ()


def _section(code: str) -> Section | None:
    texts, digits, percents, at = ["", ""], "", 0, 0
    while at < len(code):
        token = TOKEN.match(code, at)
        if token is None or token["number"] and digits or token["bracket"] and not COLORS.fullmatch(token["bracket"]):
            return None
        if token["number"]:
            digits = token["number"]
        percents += bool(token["percent"])
        literal = (token[name] for name in ("quoted", "escaped", "currency", "percent", "literal"))
        texts[bool(digits)] += " " if token["space"] else next(filter(None, literal), "")
        at = token.end()
    if digits and not re.fullmatch(r"[0#?,]*(?:\.[0#?]*,*)?", digits):
        return None
    return Section(*texts, digits, percents)


def _grouped(digits: str) -> str:
    head = len(digits) % 3
    groups = [digits[:head]] * bool(head) + [digits[at : at + 3] for at in range(head, len(digits), 3)]
    return ",".join(groups)
