"""What a browser or a program sends, checked before any handler sees it; and what a handler raises, in words.

Gradio sends a text of any length on, whatever its field allows, and a number that is none.
"""

import logging
import re

import gradio as gr

from finetune.errors import FinetuneError
from finetune.format import amount

log = logging.getLogger(__name__)

LONGEST_TEXT = 10_000
"""Characters of a text field that sets no limit of its own."""
LONGEST_OTHER = 200_000
"""Characters of all texts that any other component sends: choices, lists, values."""
LARGEST = 2**53
"""Of a number: beyond it, a browser and Python no longer mean the same one."""
DEEPEST = 20
HALF = re.compile("[\ud800-\udfff]")
UNEXPECTED = "This did not work: an unexpected error, which the log of the program describes."


class Checked(gr.Blocks):
    """A page whose handlers get only what their inputs allow, and whose errors are sentences."""

    async def process_api(self, block_fn, inputs, *more, **given):
        """Refuse ``inputs`` that do not fit, else do as Gradio does."""
        try:
            require_fit((self.fns[block_fn] if isinstance(block_fn, int) else block_fn).inputs, inputs)
            return await super().process_api(block_fn, inputs, *more, **given)
        except gr.Error:
            raise
        except FinetuneError as error:
            raise gr.Error(str(error), print_exception=False) from None
        except Exception:
            log.exception("A handler raised an error.")
            raise gr.Error(UNEXPECTED, print_exception=False) from None


def require_fit(components: list, values: list) -> None:
    """``gr.Error`` unless each of ``values`` is what its component may send."""
    for component, value in zip(components, values):
        problem = _problem(component, value)
        if problem:
            name = getattr(component, "label", None) or "An input"
            raise gr.Error(f"{name}: {problem}", print_exception=False)


def picked(event: gr.EventData) -> str:
    """What was picked on a board: a text, and empty where a program sends anything else."""
    pick = getattr(event, "pick", "")
    return pick if isinstance(pick, str) and len(pick) <= LONGEST_TEXT and not _is_odd(pick) else ""


def _problem(component, value: object) -> str:
    """Why ``value`` cannot be of ``component``, as a sentence; empty if it can."""
    if value is None or isinstance(component, gr.State):
        return ""
    if isinstance(component, gr.Number):
        return "" if _is_number(value) else "This is no number that can be used. Write digits, such as 7 or 0.5."
    most = LONGEST_OTHER
    if isinstance(component, gr.Textbox):
        most = component.max_length or LONGEST_TEXT
        if not isinstance(value, str | int | float):
            return "This is no text."
    length = _length(value, most)
    if length > most:
        return f"This is longer than {amount(most)} characters. Shorten it."
    return "This holds a character that is no text. Write it again, or paste it from elsewhere." if length < 0 else ""


def _is_number(value: object) -> bool:
    """True for a number that is not endless, and not ``nan``, which is not below anything."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST


def _is_odd(text: str) -> bool:
    """True if there is a NUL in it, or half of a surrogate pair: neither is text, and no file takes it."""
    return "\0" in text or (not text.isascii() and bool(HALF.search(text)))


def _length(value: object, most: int, deep: int = 0) -> int:
    """The characters of all texts in ``value``, more than ``most`` as soon as that is clear; -1 for an odd one."""
    if isinstance(value, str):
        return len(value) if len(value) > most or not _is_odd(value) else -1
    if not isinstance(value, dict | list | tuple):
        return 1
    if deep > DEEPEST or len(value) > most:
        return most + 1
    total = 0
    for each in [*value, *value.values()] if isinstance(value, dict) else value:
        length = _length(each, most - total, deep + 1)
        if length < 0:
            return -1
        total += length + 1
        if total > most:
            return total
    return total
