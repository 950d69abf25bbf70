"""The parameters of a request: read, or refused in words. None that would change an answer is silently ignored."""

import json
import secrets
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

from pydantic import ValidationError

from finetune.inference.sampling import Sampling
from finetune.serving.conversation import conversation_of, require_text
from finetune.serving.refused import Refused
from finetune.settings import problems_of

Kind = Literal["chat", "text"]
"""A conversation that is answered (``/v1/chat/completions``), or a text that is continued (``/v1/completions``)."""

READ = {
    "chat": {"messages", "max_completion_tokens"},
    "text": {"prompt"},
}
"""By kind, what only its requests have."""
BOTH = {"model", "stream", "stream_options", "max_tokens", "temperature", "top_p", "seed", "stop"}
"""What both have."""
FURTHER = {"top_k", "repetition_penalty"}
"""Beyond OpenAI's, by the names that vLLM has for them."""

HARMLESS = {
    "user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_retention",
    "prediction", "parallel_tool_calls",
}  # fmt: skip
"""What changes no answer here, whatever it says."""

ONLY: dict[str, tuple] = {
    "n": (1,),
    "best_of": (1,),
    "presence_penalty": (0, 0.0),
    "frequency_penalty": (0, 0.0),
    "logit_bias": ({},),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "echo": (False,),
    "suffix": ("",),
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "functions": ([],),
    "function_call": ("none", "auto"),
    "response_format": ({"type": "text"},),
    "modalities": (["text"],),
    "audio": (),
    "reasoning_effort": (),
    "verbosity": (),
    "web_search_options": (),
}
"""What is not supported, with the values that ask for nothing; null is always one."""

LARGEST_SEED = 2**31


@dataclass(frozen=True)
class Wanted:
    """What a request asks for."""

    model: str
    sampling: Sampling
    """How it is sampled; its longest answer is not that of the request."""
    messages: tuple[dict, ...] = ()
    """The conversation, of a chat."""
    text: str = ""
    """What is continued, of a text."""
    most: int | None = None
    """Longest answer, in tokens; None for all that the context leaves."""
    streams: bool = False
    tells_usage: bool = False
    """True if a streamed answer ends with the counts of tokens."""


def wanted(body: bytes, kind: Kind) -> Wanted:
    """What the JSON in ``body`` asks for; ``Refused`` if it is not valid, or asks for what is not supported."""
    given = _object(body)
    for name, value in given.items():
        _require_known(name, value, kind)
    model = given.get("model")
    if not isinstance(model, str) or not model:
        refuse("model", "name one of those that /v1/models lists.")
    streams, tells_usage = _streaming(given)
    asked = {"messages": conversation_of(given.get("messages"))} if kind == "chat" else {"text": _text(given)}
    return Wanted(model, _sampling(given), most=_most(given), streams=streams, tells_usage=tells_usage, **asked)


def refuse(param: str, words: str, code: str | None = None) -> NoReturn:
    """Raise the ``Refused`` of one parameter."""
    raise Refused(400, f"{param}: {words}", param, code)


def _object(body: bytes) -> dict:
    def no_number(name: str) -> NoReturn:
        raise ValueError(name)

    try:
        given = json.loads(body, parse_constant=no_number)
    except (ValueError, RecursionError):
        raise Refused(400, "The body of this request is not JSON.") from None
    if not isinstance(given, dict):
        raise Refused(400, "The body of this request is not a JSON object.")
    return given


def _require_known(name: str, value: Any, kind: Kind) -> None:
    if name in BOTH | FURTHER | HARMLESS | READ[kind] or (name in ONLY and value is None):
        return
    if name not in ONLY:
        shown = repr(name[:60])
        raise Refused(400, f"There is no parameter {shown} here.", name[:60], "unknown_parameter")
    if not any(type(value) is type(each) and value == each for each in ONLY[name]):
        or_else = f", or set it to {json.dumps(ONLY[name][0])}" if ONLY[name] else ""
        refuse(name, f"this value is not supported. Leave it out{or_else}.", "unsupported_value")


def _streaming(given: dict) -> tuple[bool, bool]:
    streams, options = given.get("stream"), given.get("stream_options")
    if not isinstance(streams, bool | None):
        refuse("stream", "this is true or false.")
    if options is None:
        return bool(streams), False
    if not streams:
        refuse("stream_options", "this goes with stream: true alone.")
    if not isinstance(options, dict) or not set(options) <= {"include_usage", "include_obfuscation"}:
        refuse("stream_options", "this is an object with include_usage.")
    usage = options.get("include_usage")
    if not isinstance(usage, bool | None):
        refuse("stream_options.include_usage", "this is true or false.")
    return True, bool(usage)


def _sampling(given: dict) -> Sampling:
    """OpenAI's defaults where nothing is said: the model's own probabilities, and a seed that nobody knows."""
    seed = _whole(given, "seed")
    values = {
        "seed": secrets.randbelow(LARGEST_SEED) if seed is None else seed,
        "temperature": _number(given, "temperature", 1.0),
        "top_p": _number(given, "top_p", 1.0),
        "top_k": max(_whole(given, "top_k") or 0, 0),
        "repetition_penalty": _number(given, "repetition_penalty", 1.0),
        "stop": _stop(given.get("stop")),
    }
    try:
        return Sampling(**values)
    except ValidationError as error:
        problem = problems_of(error)[0]
        refuse(problem.where, f"{problem.message[:1].lower()}{problem.message[1:]}")


def _number(given: dict, name: str, otherwise: float) -> float:
    value = given.get(name)
    if value is None:
        return otherwise
    if isinstance(value, bool) or not isinstance(value, int | float):
        refuse(name, "this is a number.")
    return value


def _whole(given: dict, name: str) -> int | None:
    value = given.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        refuse(name, "this is a whole number.")
    return value


def _stop(given: Any) -> tuple[str, ...]:
    found = [] if given is None else [given] if isinstance(given, str) else given
    if not isinstance(found, list) or not all(isinstance(each, str) and each for each in found):
        refuse("stop", "this is a text or a list of texts, none of them empty.")
    return tuple(found)


def _most(given: dict) -> int | None:
    """The longest answer; ``max_completion_tokens`` is the newer name of ``max_tokens``."""
    found = {name: _whole(given, name) for name in ("max_completion_tokens", "max_tokens")}
    for name, value in found.items():
        if value is not None and value < 1:
            refuse(name, "this is 1 or more.")
    values = {value for value in found.values() if value is not None}
    if len(values) > 1:
        refuse("max_completion_tokens", "max_tokens says something else. Leave one of them out.")
    return values.pop() if values else None


def _text(given: dict) -> str:
    prompt = given.get("prompt")
    if isinstance(prompt, list) and len(prompt) == 1:
        prompt = prompt[0]
    if not isinstance(prompt, str):
        refuse("prompt", "this is one text.")
    return require_text(prompt, "prompt")
