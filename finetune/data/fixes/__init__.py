"""What may be changed in the rows before they are learnt from: one file per mend, found by being there.

The file itself is never changed: a recipe lists its mends, so that a run can be repeated from the original.
"""

import sys
from typing import Annotated, Union

from pydantic import Field

from finetune.data.fixes.fix import Fix
from finetune.registry import discover

FIXES: dict[str, type[Fix]] = {cls.model_fields["type"].default: cls for cls in discover(sys.modules[__name__], Fix)}
FixChoice = Annotated[Union[tuple(FIXES.values())], Field(discriminator="type")]

__all__ = ["FIXES", "Fix", "FixChoice"]
