"""JSON, and as a schema says."""

import json
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from finetune.rewards.pattern import matches
from finetune.rewards.reward import Answered, Reward
from finetune.settings import require_size

FENCE = "```"
LONGEST = 20_000
"""Characters of a schema."""
REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
"""What a schema refers by. Within itself only: no file and no address is read for a recipe."""


def _is_schema(schema: dict[str, Any] | None) -> dict[str, Any] | None:
    from jsonschema.exceptions import SchemaError

    if schema is None:
        return None
    require_size(schema, LONGEST)
    for key, value in _entries(schema):
        if key in REFERENCES and isinstance(value, str) and not value.startswith("#"):
            raise ValueError(f"{key} refers to another file ({value[:60]}); write out what it stands for")
        if key == "patternProperties":
            raise ValueError("patternProperties is not supported; name the properties")
    try:
        validator_of(schema).check_schema(schema)
        for key, value in _entries(schema):
            if key == "pattern" and isinstance(value, str):
                matches(value, "")
    except SchemaError as error:
        raise ValueError(f"This is no JSON schema: {error.message[:200]}") from None
    return schema


def _entries(value: Any) -> Iterator[tuple[str, Any]]:
    """Each key of the objects in ``value``, with what it has, at any depth."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            yield from part.items()
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part


def validator_of(schema: dict[str, Any]) -> type:
    """The validator of ``schema``, with regular expressions that take linear time (RE2)."""
    from jsonschema import ValidationError
    from jsonschema.validators import extend, validator_for

    def pattern(validator, expression, value, whole):
        if isinstance(value, str) and not matches(expression, value):
            yield ValidationError("It does not match the pattern.")

    return extend(validator_for(schema), {"pattern": pattern})


class JsonForm(Reward):
    """1 for JSON that the schema accepts, half for JSON that it does not, 0 for anything else."""

    type: Literal["json"] = "json"
    json_schema: Annotated[dict[str, Any] | None, AfterValidator(_is_schema)] = Field(None, alias="schema")
    """JSON schema that the answer must satisfy. Left empty: any JSON will do."""

    order: ClassVar[int] = 50
    title: ClassVar[str] = "JSON by a schema"
    plain: ClassVar[str] = "The answer is JSON with the right fields; JSON with other fields earns a half."
    example: ClassVar[str] = "json: {schema: {type: object, required: [product, issue]}}"

    model_config = {**Reward.model_config, "populate_by_name": True, "serialize_by_alias": True}

    def score(self, answered: Answered) -> float:
        found = json_in(answered.text)
        if found is None:
            return 0.0
        return 1.0 if self.json_schema is None or _accepts(self.json_schema, found[0]) else 0.5


def json_in(text: str) -> tuple[Any] | None:
    """The JSON value that ``text`` is, alone or in one code fence, in a tuple; None if it is none."""
    text = text.strip()
    if text.startswith(FENCE) and text.endswith(FENCE) and "\n" in text:
        text = text.partition("\n")[2].removesuffix(FENCE)
    try:
        return (json.loads(text),)
    except (ValueError, RecursionError):
        return None


def _accepts(schema: dict[str, Any], value: Any) -> bool:
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    try:
        return validator_of(schema)(schema, registry=Registry()).is_valid(value)
    except (RecursionError, Unresolvable):  # a schema that refers to itself, or to nothing
        return False
