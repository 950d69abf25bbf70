"""Changes to the rows before training: one fix per file, found by being there.

    fix           what a fix is
    drop          leave rows out by their numbers
    deduplicate   keep the first of equal, or nearly equal, examples
    mask          replace secrets and personal data by placeholders
    correct       replace values of one row
    add           add one row
    join          join turns in a row by one side
    greeting      leave out, or keep, what the assistant says first
    later_system  merge later system prompts into the first, or into the next question
    no_system     move the system prompt into the first question
    trim          take white space off the beginnings and ends of answers

The data file itself is never changed: a recipe lists its fixes, so that a run can be reproduced from the original.

How to add one:

1. Add a file here with one subclass of ``Fix``: a ``type`` of its own, and settings, each with its docstring. The
   docstring of the class is shown in the README.
2. Write ``on_table`` if it changes rows, ``on_example`` (and ``changes_examples``) if it changes each example, or
   ``on_dataset`` if it needs all of them. Set ``everywhere`` if it also
   applies to held-out rows and to data sets that are mixed in.
3. Write ``words``: what was done, as a sentence.
4. Add ``tests/data/fixes/test_NAME.py``, and one to ``LIST`` in ``test_fix.py``. Run ``python -m tests.docs --write``
   for the README.

Recipes can then list it in ``data.fixes``. A check offers it on a button as the ``fix`` of a finding. Rows that are
rejected with its ``type`` as their ``fix`` lead to that button by themselves: say its ``fault`` and its ``button``.
"""

import sys
from typing import Annotated, Union

from pydantic import Field

from finetune.data.fixes.fix import Fix
from finetune.errors import DataError
from finetune.registry import discover

FIXES: dict[str, type[Fix]] = {cls.model_fields["type"].default: cls for cls in discover(sys.modules[__name__], Fix)}
FixChoice = Annotated[Union[tuple(FIXES.values())], Field(discriminator="type")]


def offering(error: DataError, fix: str) -> DataError:
    """``error`` with the fix of this type as what solves it; unchanged without one."""
    if fix not in FIXES:
        return error
    error.fix = fix
    way = f"The button “{FIXES[fix].button}” on the page fixes this; in a recipe, {{type: {fix}}} in data.fixes does."
    error.hint = f"{way} {error.hint}".strip()
    return error


__all__ = ["FIXES", "Fix", "FixChoice", "offering"]
