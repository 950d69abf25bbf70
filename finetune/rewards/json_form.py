"""JSON, and as a schema says."""

import json
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from finetune.rewards.reward import Answered, Reward

FENCE = "```"


def _is_schema(schema: dict[str, Any] | None) -> dict[str, Any] | None:
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import validator_for

    try:
        if schema is not None:
            validator_for(schema).check_schema(schema)
    except SchemaError as error:
        raise ValueError(f"This is no JSON schema: {error.message}") from None
    return schema


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
    from jsonschema.validators import validator_for

    return validator_for(schema)(schema).is_valid(value)
