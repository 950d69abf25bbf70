"""Is text garbled: decoded with the wrong encoding, or full of HTML?"""

import re
from collections.abc import Iterator

from finetune.data.checks.check import Check, Evidence, Finding, Seen, counted_rows, without

MOJIBAKE = re.compile(
    "[ÃÂ][\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]"
    "|â€|â\u0080[\u0080-\u00bf]|ðŸ|Ð[\u0080-\u00bf][ÐÑ]|ï»¿"
)
"""Mojibake, UTF-8 that was decoded as Latin-1 or Windows-1252: "Ã©" for "é", "â€™" for an apostrophe."""
FOREIGN = re.compile("[À-ÖØ-öø-ÿ][\u00a1-\u00ff]{3,}[À-ÖØ-öø-ÿ]|[а-яё][А-ЯЁ]{4,}[а-яё]?")
"""Another language in a wrong encoding: "ÀïË¹±¾" for Chinese, "Ïðèâåò" and "оПХБЕР" for Russian."""
HTML = re.compile(
    r"</(?:p|div|span|br|td|tr|th|table|font|li|ul|ol|a|b|i|u|em|strong|body|html|h[1-6])\s*>"
    r"|<(?:br|hr)\s*/?>|&(?:nbsp|amp|quot|lt|gt|#\d{2,5});",
    re.IGNORECASE,
)
CODE = ("```", "<!DOCTYPE", "<!doctype", "<html", "HTML", "html")
"""In a text with one of these, HTML is intended."""


class BrokenText(Check):
    """Characters that were lost or decoded wrongly, and HTML tags and entities."""

    order = 85
    prefilter = f"{MOJIBAKE.pattern}|{FOREIGN.pattern}|\ufffd|</|<[bBhH][rR]|&(?i:nbsp|amp|quot|lt|gt|#)"

    def __init__(self):
        self.broken: list[int] = []
        self.html: list[int] = []

    def see(self, seen: Seen) -> None:
        text = seen.text
        if not text.isascii() and ("\ufffd" in text or MOJIBAKE.search(text) or FOREIGN.search(text)):
            self.broken.append(seen.row)
        if ("<" in text or "&" in text) and HTML.search(text) and not any(mark in text for mark in CODE):
            self.html.append(seen.row)

    def findings(self, evidence: Evidence) -> Iterator[Finding]:
        if rows := sorted(set(self.broken)):
            words = counted_rows(len(rows), "has", "have")
            message = f'{words} garbled characters (wrong encoding), such as "Ã©" for "é" or "\ufffd" for a lost one.'
            yield Finding("warning", message, **without(rows), code="broken-letters")
        if rows := sorted(set(self.html)):
            message = f'{counted_rows(len(rows), "has", "have")} HTML tags or entities, such as "<br>" or "&nbsp;".'
            yield Finding("warning", message, **without(rows), code="html")
