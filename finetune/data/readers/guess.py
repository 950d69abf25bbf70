"""Which encoding a text probably has that is not UTF-8, with some of its text for a person to confirm."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from finetune.data.readers.encoding_names import LEGACY

LINES, LINE_BYTES = 200, 2000
"""Lines with other bytes than ASCII that are looked at, and bytes of each."""
SEARCHED_BYTES = 8 * 2**20
PREVIEW_CHARACTERS = 300
"""Enough of a text to see whether it is decoded correctly."""
MOST = 3
"""Encodings that are offered."""
WESTERN, WIDER = "cp1252", "latin-1"
GAPS = b"\x81\x8d\x8f\x90\x9d"
"""Bytes that cp1252 leaves undefined, so that a Western text with one of them is Latin-1."""
NOT_WESTERN = set("ðþýÐÞÝ¹³¿ª¾¼½¸")
"""Characters of cp1252 that stand for letters of other languages, where the text is in another encoding."""
CLOSE_CHAOS, CLOSE_COHERENCE = 0.1, 0.05
"""Differences of the detector's figures that do not matter between Western and others."""


@dataclass(frozen=True)
class Guess:
    """An encoding, and some of the text in it."""

    encoding: str
    preview: str


class MixedError(ValueError):
    """Some lines of a text are UTF-8, and others are not."""


def guesses(path: Path, line: int) -> list[Guess]:
    """The encodings that a text may have, the likeliest first; ``line`` is one that is not UTF-8.

    ``MixedError`` if other lines are UTF-8, beyond ASCII.
    """
    lines = _foreign_lines(path, line)
    if any(map(_is_utf8, lines)):
        raise MixedError
    sample, shown = b"\n".join(lines), b"\n".join(dict.fromkeys(lines))
    found = [Guess(name, shown.decode(name, "replace")[:PREVIEW_CHARACTERS]) for name in _ranked(sample)]
    seen: dict[str, Guess] = {}
    for guess in found:
        seen.setdefault(guess.preview, guess)
    return list(seen.values())[:MOST]


def _foreign_lines(path: Path, line: int) -> list[bytes]:
    """Lines with other bytes than ASCII: number ``line``, and some from the beginning."""
    with path.open("rb") as file:
        head = file.read(SEARCHED_BYTES).splitlines()
        file.seek(0)
        at_fault = next(islice(file, line - 1, line), b"")
    found = [part[:LINE_BYTES] for part in islice((part for part in head if not part.isascii()), LINES)]
    return [at_fault.rstrip(b"\r\n")[:LINE_BYTES], *found]


def _is_utf8(line: bytes) -> bool:
    if line.isascii():
        return False
    try:
        line.decode()
    except UnicodeDecodeError as error:
        return error.start > LINE_BYTES - 4  # truncated within a character
    return True


def _ranked(sample: bytes) -> list[str]:
    """The names of encodings that ``sample`` may have, by how much it looks like a language in them."""
    western = WESTERN if sample.translate(None, GAPS) == sample else WIDER
    names, _ = _matches(sample)
    return list(dict.fromkeys([western, *names] if _is_western(sample.translate(None, GAPS)) else [*names, western]))


def _matches(sample: bytes) -> tuple[list[str], dict[str, tuple[float, float]]]:
    """The encodings in which ``sample`` can be a text, the likeliest first; and of each its chaos and coherence."""
    from charset_normalizer import from_bytes

    matches = list(from_bytes(sample, cp_isolation=list(LEGACY), preemptive_behaviour=False, threshold=0.4))
    figures = {name: (match.chaos, match.coherence) for match in matches for name in match.could_be_from_charset}
    names = [name for match in matches for name in (match.encoding, *match.could_be_from_charset)]
    return list(dict.fromkeys(names)), figures


def _is_western(sample: bytes) -> bool:
    """True if ``sample`` is as likely Western European as anything else, which is much more common."""
    names, figures = _matches(sample)
    if WESTERN not in figures or NOT_WESTERN & set(sample.decode(WESTERN)):
        return False
    (chaos, coherence), (least, most) = figures[WESTERN], figures[names[0]]
    return chaos <= least + CLOSE_CHAOS and coherence >= most - CLOSE_COHERENCE
