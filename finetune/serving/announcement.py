"""What is printed once the server listens: where it is, what it serves, and how to ask it."""

import json
import shlex

from finetune.exports.production import Production
from finetune.serving.key import VARIABLE, Key
from finetune.serving.models import Models

QUESTION = "What is the capital of France?"


def address(host: str, port: int) -> str:
    """The address for clients of this machine: the ``base_url`` of OpenAI's client."""
    name = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host.strip("[]")
    return f"http://{f'[{name}]' if ':' in name else name}:{port}/v1"


def facts(url: str, models: Models, key: Key | None) -> dict:
    """The same for a program."""
    listed = [{"id": each.id, "role": each.role, "context": each.voice.context} for each in models]
    return {"address": url, "models": listed, "needs_key": key is not None}


def words(url: str, models: Models, key: Key | None, most_waiting: int, production: Production) -> list[str]:
    """The lines for a person."""
    tuned, base = models
    return [
        f"{tuned.id} is served at {url} (Ctrl+C ends it)",
        f"Models: {tuned.id} (tuned) and {base.id} (base).",
        f"They answer one request at a time, first come, first served; {most_waiting} more may wait.",
        _who(key),
        *(f"{check.words} {check.hint}".rstrip() for check in models.checked.checks if check.warns),
        "",
        "Ask it with curl:",
        f"  {curl(url, tuned.id, key)}",
        "",
        "Or from Python (pip install openai):",
        *(f"  {line}" for line in python(url, tuned.id, key)),
        "",
        *_production(production),
    ]


def curl(url: str, model: str, key: Key | None) -> str:
    """A command that asks one question."""
    content = json.dumps(_asked(model))
    line = shlex.join(["curl", f"{url}/chat/completions", "-H", "Content-Type: application/json", "-d", content])
    if key is None:
        return line
    secret = f"${VARIABLE}" if key.file is None else f"$(cat {shlex.quote(str(key.file))})"
    return f'{line} -H "Authorization: Bearer {secret}"'


def python(url: str, model: str, key: Key | None) -> list[str]:
    """Lines of Python that ask the same."""
    given = [f"{name}={json.dumps(value)}" for name, value in _asked(model).items()]
    if key is None:
        secret = []
    elif key.file is None:
        secret = ["import os", f'key = os.environ["{VARIABLE}"]']
    else:
        secret = [f"key = open({json.dumps(str(key.file))}).read().strip()"]
    return [
        *secret,
        "from openai import OpenAI",
        f'client = OpenAI(base_url="{url}", api_key={"key" if key else json.dumps("none")})',
        f"answer = client.chat.completions.create({', '.join(given)})",
        "print(answer.choices[0].message.content)",
    ]


def _asked(model: str) -> dict:
    return {"model": model, "messages": [{"role": "user", "content": QUESTION}], "temperature": 0}


def _who(key: Key | None) -> str:
    if key is None:
        return "No key is needed: only programs of this machine can ask."
    return f"Programs need the key in {VARIABLE if key.file is None else key.file}."


def _production(production: Production) -> list[str]:
    if not production.lines:
        return [production.words]
    return [
        "For many users at once, with vLLM:",
        *(f"  {line}" for line in production.lines),
        *filter(None, [production.words]),
    ]
