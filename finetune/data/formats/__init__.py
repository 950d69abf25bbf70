"""What a row can look like: one file per format, found by being there."""

import sys

from finetune.data.formats.format import Format, Part, Plain, Recognition, RowError
from finetune.registry import discover

FORMATS: dict[str, Format] = {cls.name: cls() for cls in discover(sys.modules[__name__], Format)}

__all__ = ["FORMATS", "Format", "Part", "Plain", "Recognition", "RowError"]
