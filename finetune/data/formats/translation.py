"""Translation: the same text in two languages, in two columns or in one object with a key for each."""

from finetune.data.formats.contents import is_nothing
from finetune.data.formats.format import (
    SYSTEM,
    Format,
    FormatField,
    RowError,
    cell,
    optional_text,
    plain,
    system_prompt,
    text,
)
from finetune.data.formats.mapping import Template
from finetune.data.formats.request import about
from finetune.data.formats.text_to_text import INSTRUCTION
from finetune.data.formats.tools import parsed
from finetune.data.formats.turns import exchange

LANGUAGES = {
    "ar": "Arabic", "bg": "Bulgarian", "bn": "Bengali", "ca": "Catalan", "cs": "Czech", "da": "Danish", "de": "German",
    "el": "Greek", "en": "English", "es": "Spanish", "et": "Estonian", "eu": "Basque", "fa": "Persian", "fi": "Finnish",
    "fr": "French", "ga": "Irish", "gl": "Galician", "he": "Hebrew", "hi": "Hindi", "hr": "Croatian", "hu": "Hungarian",
    "is": "Icelandic", "it": "Italian", "ja": "Japanese", "ko": "Korean", "lt": "Lithuanian", "lv": "Latvian",
    "mk": "Macedonian", "ms": "Malay", "nb": "Norwegian", "nl": "Dutch", "no": "Norwegian", "pl": "Polish",
    "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sk": "Slovak", "sl": "Slovenian", "sq": "Albanian",
    "sr": "Serbian", "sv": "Swedish", "sw": "Swahili", "ta": "Tamil", "te": "Telugu", "th": "Thai", "tr": "Turkish",
    "uk": "Ukrainian", "ur": "Urdu", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip
"""Codes of languages (ISO 639-1) -> their names."""
NAMES = {name.lower(): name for name in LANGUAGES.values()}
TEXTS = (("source", "source_text", "src", "src_text"), ("target", "target_text", "tgt", "tgt_text", "translation"))
NAMED = (
    ("source_lang", "src_lang", "source_language", "src_language", "from_lang"),
    ("target_lang", "tgt_lang", "target_language", "tgt_language", "to_lang"),
)
"""Usual names of columns of the two texts, and of those that name their languages."""
UNDIRECTED = 0.8
"""The confidence in a pair of languages: either may be the one to translate into."""


class Translation(Format):
    """Columns ``en`` and ``de``, or ``translation: {"en": …, "de": …}``, from the first language into the second."""

    name = "translation"
    title = "Translations"
    kind = "chat"
    order = 64
    is_task = True
    fields = (
        FormatField("source", "The text to translate: a column, or a language of the object.", (), is_worded=True),
        FormatField("target", "The translation to train on: a column, or a language.", (), is_worded=True),
        FormatField(
            "pair", "An object with a text for each language.", ("translation", "translations"), required=False
        ),
        INSTRUCTION,
        SYSTEM,
    )
    holds = "the same texts in two languages"

    def find(self, columns, rows, mapped):
        found = super().find(columns, rows, mapped)
        pair = found.get("pair")
        if pair and not any(isinstance(parsed(row.get(pair)), dict) for row in rows):
            found.pop("pair")
        names = _languages_in(rows, found["pair"]) if "pair" in found else list(filter(_language, columns))
        if "pair" not in found and len(names) < 2:
            return _with_named_languages(found, columns)
        left = [name for name in names if name not in (found.get("source"), found.get("target"))]
        for field in ("source", "target"):
            if field not in found and left:
                found[field] = Template(left.pop(0)) if "pair" in found else left.pop(0)
        languages = [_language(found.get(field, "")) for field in ("source", "target")]
        if "instruction" not in found and all(languages):
            found["instruction"] = Template("Translate from {} to {}.".format(*languages))
        return found

    def certainty(self, columns):
        return 1.0 if _is_named(columns) else UNDIRECTED

    def notes(self, columns, rows):
        if _is_named(columns):
            return []
        source, target = (_language(columns[field]) or columns[field] for field in ("source", "target"))
        return [f"Read as translations from {source} into {target}; swap source and target for the other direction."]

    def example(self, row, columns, system=None, roles=None):
        pair = parsed(cell(row, columns.get("pair")))
        if "pair" in columns and not isinstance(pair, dict):
            raise RowError(f'Column "{columns["pair"]}" holds no object with a text for each language.')
        values = pair if "pair" in columns else row
        asked, answer = (text(values, str(columns[field])) for field in ("source", "target"))
        given = optional_text(row, columns.get("instruction"))
        return exchange(about(given, asked) if given.strip() else asked, answer, system_prompt(row, columns, system))


def _with_named_languages(found: dict[str, str], columns: tuple[str, ...]) -> dict[str, str]:
    """``found`` with source, target and an instruction if columns name the languages of each row."""
    by_name = {plain(column): column for column in reversed(columns)}
    pick = [next((by_name[name] for name in names if name in by_name), None) for names in (*TEXTS, *NAMED)]
    if None in pick:
        return found
    source, target, *named = pick
    words = Template("Translate from {{{}}} to {{{}}}.".format(*named))
    return {"source": source, "target": target, "instruction": words, **found}


def _is_named(columns: dict[str, str]) -> bool:
    """True if the instruction has the languages of each row."""
    given = columns.get("instruction")
    return isinstance(given, Template) and len(given.columns) == 2


def _language(column: str) -> str:
    """The language that a column is named after; empty if it is none."""
    name = plain(column)
    code = name.removesuffix("_text").removesuffix("_sentence")
    return LANGUAGES.get(code) or LANGUAGES.get(name.split("_")[0] if len(name) == 5 else "") or NAMES.get(code, "")


def _languages_in(rows: list[dict], column: str) -> list[str]:
    """The languages of the objects in a column, in their order."""
    found: dict[str, None] = {}
    for row in rows:
        value = parsed(row.get(column))
        found |= {key: None for key in value if not is_nothing(value[key])} if isinstance(value, dict) else {}
    return [key for key in found if _language(key)]
