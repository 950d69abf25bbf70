"""The script of a text, and its language among seven that use Latin letters.

A language is recognized only by its stop words, so a short text often has none; it is then unknown, not guessed.
"""

import re

MOST_CHARACTERS = 1500
"""Characters of a text that are examined: enough, and fast."""
FEWEST_WORDS = 3
"""Different stop words that a text must have for a language to be recognized."""
SHARE = 0.15
"""Minimum share of stop words among all words; it is 0.3 and more in prose, less in a list of names."""
LEAD = 2
"""Minimum ratio of the language's stop words to those of the runner-up."""

SCRIPTS = {
    "Latin": "A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff",
    "Greek": "\u0370-\u03ff\u1f00-\u1fff",
    "Cyrillic": "\u0400-\u052f",
    "Armenian": "\u0530-\u058f",
    "Hebrew": "\u0590-\u05ff",
    "Arabic": "\u0600-\u06ff\u0750-\u077f\u08a0-\u08ff\ufb50-\ufdff\ufe70-\ufefc",
    "Indic": "\u0900-\u0dff",
    "Thai": "\u0e00-\u0e7f",
    "Georgian": "\u10a0-\u10ff",
    "Japanese": "\u3040-\u30ff\u31f0-\u31ff",
    "Korean": "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af",
    "Chinese": "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff",
}
"""Script -> its letters, as ranges of Unicode's blocks. Han alone is called Chinese; with kana it is Japanese."""

RUNS = {script: re.compile(f"[{ranges}]+") for script, ranges in SCRIPTS.items()}
"""Consecutive letters of a script."""

ASCII = re.compile(r"[\x00-\x7f]+")

LANGUAGES = {
    "English": "the and of to is in that it you for was with are this have be not on from they what which can will has",
    "German": "der die das und ist nicht ein eine ich sie es zu den mit von auf für dem auch wie wird sind im aber",
    "French": "le les des est une et dans que pour qui vous pas sur avec ce il au sont plus par nous du mais être",
    "Spanish": "el los las y es una que en por para con no se del como más pero está su al lo son muy cuando hay",
    "Italian": "il di che è una per non con sono della gli del le si anche come più nel ma questo alla dei ho essere",
    "Portuguese": "o os as e é uma que em não para com do da no na por mais dos se como mas são você ao foi",
    "Dutch": "de het een en van is dat niet ik je op te zijn met voor er maar ook als aan wat om bij naar wordt",
}
"""Language -> its stop words, including those shared by several languages: the others decide."""

WORDS = {language: frozenset(words.split()) for language, words in LANGUAGES.items()}
WORD = re.compile(r"[^\W\d_]+")


def script_of(text: str) -> str:
    """The script of most letters in ``text``; empty if it has none of those known here."""
    text = text[:MOST_CHARACTERS]
    if text.isascii():
        return "Latin" if RUNS["Latin"].search(text) else ""
    others = ASCII.sub("", text)  # short for Latin text, and all letters of other scripts are in it
    latin = _letters("Latin", text)
    if latin and latin >= len(others):
        return "Latin"
    counts = {"Latin": latin} | {script: _letters(script, others) for script in RUNS if script != "Latin"}
    if counts["Japanese"]:
        counts["Japanese"] += counts.pop("Chinese")
    script = max(counts, key=counts.get)
    return script if counts[script] else ""


def _letters(script: str, text: str) -> int:
    return sum(map(len, RUNS[script].findall(text)))


def language_of(text: str) -> str:
    """The main language of ``text``, if it is one of those known here and unambiguous; else empty."""
    words = WORD.findall(text[:MOST_CHARACTERS].lower())
    different = set(words)
    ranked = sorted(WORDS, key=lambda name: (-len(different & WORDS[name]), name))
    most, second = (sum(word in WORDS[name] for word in words) for name in ranked[:2])
    is_clear = len(different & WORDS[ranked[0]]) >= FEWEST_WORDS and most >= LEAD * second
    return ranked[0] if is_clear and most >= SHARE * len(words) else ""


def language_or_script_of(text: str) -> str:
    """The language of a text in Latin letters, or the script of another text; empty if unknown."""
    script = script_of(text)
    return language_of(text) if script == "Latin" else script
