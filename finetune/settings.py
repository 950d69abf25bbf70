"""The base of all settings: frozen, unknown keys refused, and a docstring under each field is its help.

The page's form, the command line and the README's tables are made from ``fields(cls)``, so each setting is
described once. This module knows no particular setting.
"""

import re
import reprlib
import types
import typing
from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated

import pydantic
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError

from finetune.errors import Problem
from finetune.redaction import redacted_by_form


def require_size(value: object, most: int) -> object:
    """``value``, unless all its texts together are longer than ``most`` characters; ``ValueError`` if they are.

    Numbers, lists and mappings count as a character each. YAML aliases can make a value small in the file and endless
    when expanded, so what is beyond ``most`` is not looked at.
    """
    waiting, size = [value], 0
    while waiting:
        part = waiting.pop()
        size += 1 + (len(part) if isinstance(part, (str, bytes)) else 0)
        if size > most:
            raise ValueError(f"It is longer than {most:,} characters")
        if isinstance(part, dict):
            waiting += (*part.keys(), *part.values())
        elif isinstance(part, (list, tuple, set)):
            waiting += part
    return value


def model_id(text: str) -> str:
    """``text``, if a model can have this name; ``ValueError`` if not, as for a path."""
    if not MODEL_ID.fullmatch(text) or ".." in text or not text.isprintable():
        raise ValueError("A model is `starter`, a folder in the workspace's models, or an id such as Qwen/Qwen3-0.6B")
    return text


def _revision(text: str) -> str:
    if not REVISION.fullmatch(text) or ".." in text or "//" in text:
        raise ValueError("A revision is a commit, a tag or a branch, such as main")
    return text


def _run_id(text: str) -> str:
    if not RUN_ID.fullmatch(text) or ".." in text:
        raise ValueError("A run is named by its number or its id, such as 007-pirate-voice")
    return text


MODEL_ID = re.compile(r"\w[^/\\:]*(?:/\w[\w.-]*)?")
"""A folder may be called as a person likes; nothing in it leads elsewhere."""
REVISION = re.compile(r"\w[\w.+-]*(?:/\w[\w.+-]*)*", re.ASCII)
RUN_ID = re.compile(r"\w[\w.-]*")

ModelId = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(model_id)]
"""The name of a model, which is no path."""
Revision = Annotated[str, StringConstraints(max_length=100), AfterValidator(_revision)]
"""A commit, tag or branch on the Hub, which is no path."""
HubRepo = Annotated[str, StringConstraints(max_length=96, pattern=r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$")]
"""The id of a repository on the Hub, ``OWNER/NAME``."""
RunId = Annotated[str, StringConstraints(max_length=100), AfterValidator(_run_id)]
"""The id of a run, or its number."""
FilePath = Annotated[str, StringConstraints(max_length=1000)]
"""The path of a data file; whoever reads it decides which folders it may be in (``Workspace.find``)."""
Name = Annotated[str, StringConstraints(max_length=1000)]
"""The name of a column, a role or a format, as it is in a file."""
Names = Annotated[dict[Name, Annotated[str, StringConstraints(max_length=4000)]], pydantic.Field(max_length=1000)]
"""A field mapping, or the roles of speakers."""


MOST_NAMED, MOST_PROBLEMS = 80, 100
"""Characters of a name in a message, and how many problems are reported at once."""


class Settings(BaseModel):
    """A frozen group of settings. A value out of bounds or an unknown key raises ``pydantic.ValidationError``."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


@dataclass(frozen=True)
class Field:
    """One setting as a form sees it."""

    name: str
    label: str
    help: str
    """Markdown."""
    kind: str
    """``number``, ``integer``, ``switch``, ``choice``, ``text``, ``list`` or ``group`` (a nested ``Settings``)."""
    default: object
    optional: bool
    """True if ``None`` is allowed; it means automatic."""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    """The values of a ``choice``, or those that a ``list`` may hold; empty if it may hold others."""


def fields(cls: type[Settings]) -> list[Field]:
    """The settings of ``cls`` in the order they are written, ``type`` left out."""
    return [_field(name, info) for name, info in cls.model_fields.items() if name != "type"]


def problems_of(error: ValidationError, prefix: str = "", types: Collection[str] = ()) -> list[Problem]:
    """Each refused value of a validation error, as a problem that names the setting and the value.

    ``types`` are the values of ``type`` in unions: pydantic names them in a path where a recipe does not.
    """
    return [_problem(details, prefix, types) for details in error.errors()[:MOST_PROBLEMS]]


def _problem(details: dict, prefix: str, types: Collection[str]) -> Problem:
    where = ".".join(str(part)[:MOST_NAMED] for part in (prefix, *details["loc"]) if part != "" and part not in types)
    if details["type"] == "extra_forbidden":
        return Problem(where, "There is no such setting.", "Check the spelling.")
    if details["type"] == "missing":
        return Problem(where, "This setting is missing.")
    if details["type"] == "union_tag_not_found":
        return Problem(f"{where}.type", "This setting is missing.")
    if details["type"] == "union_tag_invalid":
        known = details["ctx"]["expected_tags"].replace("'", "")
        return Problem(
            f"{where}.type", f"There is no {_short.repr(details['ctx']['tag'])}.", f"Choose one of: {known}."
        )
    if details["type"] == "too_short":
        return Problem(where, f"At least {details['ctx']['min_length']} must be given.")
    if details["type"] == "too_long":
        return Problem(where, f"At most {details['ctx']['max_length']} can be given.")
    message = details["msg"].removeprefix("Value error, ")
    got = "" if isinstance(details["input"], dict) else f" (got {_shown(details['input'])})"
    return Problem(where, f"{message.rstrip('.')}{got}.")


def _shown(given: object) -> str:
    """A value as a message shows it: short, and without a password or a key."""
    try:
        return redacted_by_form(_short.repr(redacted_by_form(given) if isinstance(given, str) else given))
    except ValueError:  # Python writes no number of more than 4,300 digits
        return "a number of thousands of digits"


# YAML aliases can make a value small in the file and endless when expanded, so repr() itself has to be bounded.
_short = reprlib.Repr()
_short.maxstring = _short.maxother = 60
_short.maxlevel = 2


def _field(name: str, info) -> Field:
    annotation, optional = _without_none(info.annotation)
    bounds = {type(rule).__name__: rule for rule in info.metadata}
    origin = typing.get_origin(annotation)
    each = typing.get_args(annotation)[0] if origin is tuple else annotation
    choices = tuple(map(str, typing.get_args(each))) if typing.get_origin(each) is typing.Literal else ()
    return Field(
        name=name,
        label=info.title or name.replace("_", " ").capitalize(),
        help=" ".join((info.description or "").split()).replace("``", "`"),
        kind="choice" if choices and origin is not tuple else _kind(annotation),
        default=None if info.is_required() else info.get_default(call_default_factory=True),
        optional=optional,
        minimum=_bound(bounds, "Ge", "ge") if "Ge" in bounds else _bound(bounds, "Gt", "gt"),
        maximum=_bound(bounds, "Le", "le") if "Le" in bounds else _bound(bounds, "Lt", "lt"),
        choices=choices,
    )


def _kind(annotation) -> str:
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        return "group"
    if typing.get_origin(annotation) in (tuple, list, dict):
        return "list"
    return {bool: "switch", int: "integer", float: "number"}.get(annotation, "text")


def _without_none(annotation) -> tuple[object, bool]:
    if typing.get_origin(annotation) not in (typing.Union, types.UnionType):
        return annotation, False
    parts = typing.get_args(annotation)
    others = [part for part in parts if part is not type(None)]
    return (others[0] if others else annotation), len(others) < len(parts)


def _bound(bounds: dict, rule: str, attribute: str) -> float | None:
    return getattr(bounds[rule], attribute) if rule in bounds else None
