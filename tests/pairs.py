"""Every method with every adapter, and rows that each method trains on."""

from itertools import product

import pytest

from finetune.adapters import ADAPTERS
from finetune.methods import METHODS
from finetune.recipe import Recipe

SETTINGS = {"distillation": {"teacher": "teacher"}}
"""What a method cannot do without, by its type; the model ``teacher`` is in the workspace of ``with_tiny``."""
SAMPLING = {"rewards": ["length: {unit: tokens, minimum: 8}"], "generations": 4, "max_tokens": 8}
"""What a tiny model can learn from its own answers: not to end them at once."""
WORDS = ["sea", "sky", "sun", "moon", "tree", "fish", "bird", "stone", "rain", "wind", "fire", "snow"]


def settings(method: str) -> dict:
    """The type and further settings of ``method``, with which it learns in a few steps."""
    return {"type": method, **SETTINGS.get(method, {}), **(SAMPLING if METHODS[method].generates else {})}


def suits(method: str, adapter: str) -> bool:
    """True unless a recipe with these two is refused."""
    given = {
        "data": {"path": "rows.jsonl"},
        "method": settings(method),
        "adapter": {"type": adapter},
    }
    return not Recipe.from_dict(given).check()


PAIRS = [
    pytest.param(method, adapter, marks=[] if method == "sft" or adapter == "lora" else [pytest.mark.heavy])
    for method, adapter in product(METHODS, ADAPTERS)
    if suits(method, adapter)
]
"""Each pair that is not refused; in the suite each adapter with SFT and each method with LoRA, the others heavy."""
REFUSED = [pair for pair in product(METHODS, ADAPTERS) if not suits(*pair)]


def rows(method: str) -> list[dict]:
    """Twelve rows of the first kind that ``method`` reads."""
    return [ROWS[METHODS[method].reads[0]](n, word) for n, word in enumerate(WORDS)]


def _chat(n: int, word: str) -> dict:
    asked = {"role": "user", "content": f"What of the {word}?"}
    return {"messages": [asked, {"role": "assistant", "content": f"Arr, the {word}!"}]}


def _pair(n: int, word: str) -> dict:
    return {
        "prompt": f"What of the {word}?", "chosen": f"Arr, the {word}!", "rejected": f"It is the {word}, I think."
    }  # fmt: skip


def _rated(n: int, word: str) -> dict:
    completion = f"It is the {word}." if n % 2 else f"Arr, the {word}!"
    return {"prompt": f"What of the {word}?", "completion": completion, "label": n % 2 == 0}


def _text(n: int, word: str) -> dict:
    return {"text": f"The {word} be old, and the {word} be wide, and no sailor has seen all of the {word}."}


def _prompt(n: int, word: str) -> dict:
    return {"prompt": f"What of the {word}?", "expected": f"{n}", "topic": word}


ROWS = {"prompt": _prompt, "chat": _chat, "preference": _pair, "rated": _rated, "text": _text}
"""One row of each kind of example."""
