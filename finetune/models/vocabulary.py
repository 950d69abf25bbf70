"""The files of a tokenizer, checked before they are parsed: their sizes, their tokens, their expressions.

The library behind them reads what it is given: a file of gigabytes, a million added tokens, or an expression that tries
a text in every way and ends in a panic that no program catches.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from finetune.errors import ModelError

MB = 2**20
LARGEST = {
    "tokenizer.json": 64 * MB,
    "tokenizer_config.json": 32 * MB,
    "special_tokens_map.json": 4 * MB,
    "added_tokens.json": 16 * MB,
    "vocab.*": 32 * MB,
    "merges.txt": 32 * MB,
    "*.model": 32 * MB,
    "*.tiktoken": 32 * MB,
    "generation_config.json": MB,
    "chat_template.*": MB,
    "additional_chat_templates/*": MB,
    "processor_config.json": 4 * MB,
    "preprocessor_config.json": 4 * MB,
}
"""File name -> bytes; the largest tokenizer that is published has 35 MB."""
MOST_TOKENS, MOST_ADDED = 1_048_576, 200_000
LONGEST_TOKEN, LONGEST_EXPRESSION = 10_000, 5_000
"""Characters."""
DAMAGED = "Download the model again, or choose another one."
QUANTIFIED = re.compile(r"[*+]|\{\d+,(\d*)\}|\{(\d+)\}")


def require_sane_files(folder: Path, name: str) -> None:
    """``ModelError`` if a file beside the weights of the model ``name`` is larger than any can be."""
    for pattern, most in LARGEST.items():
        for file in folder.glob(pattern):
            if (size := file.stat().st_size) > most:
                raise ModelError(
                    f"{file.name} of the model {name} has {size / MB:,.0f} MB; at most {most / MB:,.0f} MB are read.",
                    "Choose another model.",
                )


def require_sane_tokenizer(folder: Path, name: str) -> None:
    """``ModelError`` if the tokenizer.json in ``folder`` has absurd tokens, or an expression that may take for ever."""
    import orjson

    path = folder / "tokenizer.json"
    try:
        found = orjson.loads(path.read_bytes()) if path.is_file() else {}
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ModelError(f"The tokenizer of the model {name} cannot be read: tokenizer.json is damaged.", DAMAGED)
    added, model = found.get("added_tokens") or (), found.get("model")
    vocabulary = (model.get("vocab") if isinstance(model, dict) else None) or ()
    for counted, most, what in ((vocabulary, MOST_TOKENS, "tokens"), (added, MOST_ADDED, "added tokens")):
        if len(counted) > most:
            raise ModelError(f"The tokenizer of the model {name} has {len(counted):,} {what}.", "Choose another model.")
    if any(len(str(token.get("content", ""))) > LONGEST_TOKEN for token in added if isinstance(token, dict)):
        raise ModelError(f"A token of the model {name} is longer than {LONGEST_TOKEN:,} characters.", DAMAGED)
    for expression in _expressions([found.get("pre_tokenizer"), found.get("normalizer"), found.get("decoder")]):
        if not is_tame(expression):
            raise ModelError(
                f"The tokenizer of the model {name} splits texts by an expression that may take for ever: "
                f"{expression[:60]}",
                "Choose another model.",
            )


def _expressions(parts: list) -> Iterator[str]:
    waiting = list(parts)
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if isinstance(part.get("Regex"), str):
                yield part["Regex"]
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part


@lru_cache(maxsize=256)
def is_tame(expression: str) -> bool:
    """True if ``expression`` surely takes no more than quadratic time, as those of published tokenizers.

    Nothing that repeats may contain what repeats or branches, one branch has few repetitions, and none refers back.
    """
    if len(expression) > LONGEST_EXPRESSION or re.search(r"\\[1-9kg]|\(\?[&PR(]", expression):
        return False
    text = _without_literals(expression)
    inner: list[list[int]] = [[0, 0]]  # repetitions and branches of each open group
    at = 0
    while at < len(text):
        mark = text[at]
        if mark == "(":
            inner.append([0, 0])
        elif mark in "|?":
            inner[-1][1] += 1
        repeated = QUANTIFIED.match(text, at)
        if mark == ")" and len(inner) > 1:
            repetitions, branches = inner.pop()
            after = QUANTIFIED.match(text, at + 1)
            if after and _is_many(after) and (repetitions or branches):
                return False
            inner[-1][0] += repetitions
        elif repeated and _is_many(repeated):
            inner[-1][0] += 1
            at = repeated.end() - 1
        at += 1
    return _repetitions_are_few(text)


def _is_many(found: re.Match) -> bool:
    """True for a repetition without an end, or with a far one."""
    last = found[1] if found[1] is not None else found[2]
    return found[0] in "*+" or not last or int(last[:9]) > 16


def _repetitions_are_few(text: str) -> bool:
    """True if no branch of the whole expression repeats more than four things, one after the other."""
    depth, count = 0, 0
    for at, mark in enumerate(text):
        depth += (mark == "(") - (mark == ")")
        if mark == "|" and depth == 0:
            count = 0
        found = QUANTIFIED.match(text, at)
        count += bool(found and _is_many(found))
        if count > 4:
            return False
    return True


def _without_literals(expression: str) -> str:
    """The ``expression`` with a letter for each class, escape and name, so that only its structure is left."""
    names = r"\\[pP]\{[^}]*\}|\\x\{[^}]*\}|\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|\\."
    text = re.sub(names, "x", expression, flags=re.DOTALL)
    text = re.sub(r"\[\^?\]?(?:[^\[\]]|\[[^\[\]]*\])*\]", "x", text)
    return re.sub(r"\(\?(?:[a-z-]*:|<?[=!]|>|[a-z-]+\)|<\w+>)", lambda found: "x" if found[0][-1] == ")" else "(", text)
