"""A YAML list of rows. Aliases are refused: a few of them make a billion values."""

import re
from pathlib import Path

from finetune import yaml_text
from finetune.data.readers.decoder import Fault, fault_in
from finetune.data.readers.encoding import encoding_of
from finetune.data.readers.header import is_known
from finetune.data.readers.reader import Reader
from finetune.data.readers.shapes import row_in, rows_in
from finetune.data.readers.signature import Head
from finetune.data.table import Reading, Table
from finetune.errors import DataError

MAX_CHARACTERS = 16 * 2**20
"""YAML is read at once, at about a megabyte a second."""
ROW = re.compile(r"(?:---[^\n]*\n|#[^\n]*\n|\s)*+(?:[\w.-]++:[ \t]*\n)?\s*+- +[\"']?([\w.-]++)[\"']?:(?:\s|$)")
"""How a list of objects begins, perhaps below the name of the list."""
PLAIN = (
    ("tag:yaml.org,2002:null", re.compile(r"(?:~|null|Null|NULL)?$"), ("~", "n", "N", "")),
    ("tag:yaml.org,2002:bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)$"), tuple("tTfF")),
    ("tag:yaml.org,2002:int", re.compile(r"-?(?:0|[1-9][0-9]{0,17})$"), tuple("-0123456789")),
)
"""What is no text, though without quotation marks; dates, fractions, and ``no`` for a boolean are text as written."""


class YamlList(Reader):
    """A list of objects with named values."""

    titles = ("YAML",)
    suffixes = (".yaml", ".yml")
    order = 15  # before JSON, which a list in brackets looks like
    is_text = True

    def claims(self, head: Head) -> bool:
        found = ROW.match(head.text)
        return head.suffix in self.suffixes or found is not None and is_known(found[1])

    def read(self, path: Path, reading: Reading = Reading()) -> Table:
        """The objects of a list, or of the only list in an object; values as YAML reads them."""
        table = Table("YAML", reading=reading)
        with path.open(encoding=encoding_of(path, reading.encoding)) as file:
            text = file.read(MAX_CHARACTERS + 1)
        if len(text) > MAX_CHARACTERS:
            raise DataError(f"{path.name} is YAML of more than {MAX_CHARACTERS // 2**20} MB.", "Save it as JSONL.")
        value = _loaded(text, path.name)
        for part in value if isinstance(value, list) else rows_in(value, path.name, table.notes):
            try:
                row, _ = row_in(part)
            except Fault as fault:
                table.reject(str(fault))
            else:
                table.add({str(name): each for name, each in row.items()})
        table.notes.append("The rows are those of a YAML list.")
        return table


def _loaded(text: str, name: str) -> object:
    """The value in a YAML text; ``DataError`` if there is none, or if it has aliases."""
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        """Reads plain values as ``PLAIN`` says."""

        yaml_implicit_resolvers = {}

    for tag, pattern, first in PLAIN:
        Loader.add_implicit_resolver(tag, pattern, first)
    try:
        yaml_text.require_small(text, MAX_CHARACTERS, takes_aliases=False)
        value = yaml.load(text, Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        where = getattr(error, "problem_mark", None)
        place = f" in line {where.line + 1:,}, character {where.column + 1:,}" if where else ""
        reason = getattr(error, "problem", None) or str(error)
        raise DataError(f"{name}{place}: It is not valid YAML: {reason}.", "Correct it, or save it as JSONL.") from None
    if reason := fault_in(value):
        raise DataError(f"{name}: {reason}", "Correct it, or save it as JSONL.")
    return value
