"""The cost of two answers side by side against one alone, and whether the base's answer equals the untouched base's.

    python -m tests.benchmarks.pair [MODEL_FOLDER] [--prompts 40] [--tokens 48] [--kinds lora,qlora,full]

Greedy decoding, equal numbers of tokens (end tokens are ignored), medians over prompts. CPU time of one thread, so that
other work on the machine counts little; the three ways alternate at each prompt. "alone" is ``generate`` on the
untouched base, "tuned alone" is ``generate`` on the tuned model as PEFT loads it.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoTokenizer

from finetune.adapters.lora import LoRA
from finetune.adapters.qlora import QLoRA
from finetune.inference.paired import decoding_of_adapter, decoding_of_models
from finetune.models.loading import load_weights
from finetune.paths import ASSETS
from tests.inference.families import greedy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default=str(ASSETS / "starter"))
    parser.add_argument("--prompts", type=int, default=40)
    parser.add_argument("--tokens", type=int, default=48)
    parser.add_argument("--kinds", default="lora,qlora,full")
    options = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(options.model)
    prompts = [tokenize(tokenizer, question) for question in questions()[: options.prompts]]
    torch.set_num_threads(1)
    print("dtype      kind   how           equal  alone ms  pair ms pair/alone pair/tuned alone")
    for dtype in (torch.bfloat16, torch.float32):
        for kind in options.kinds.split(","):
            measure(options, dtype, kind, prompts)


def measure(options, dtype, kind: str, prompts: list[list[int]]) -> None:
    """Print one row of the table."""
    untouched = load(options.model, dtype, kind)
    tuned_alone = tune(load(options.model, dtype, kind), kind)
    if kind != "full":
        decoding, how = decoding_of_adapter(tune(load(options.model, dtype, kind), kind), LoRA())
    else:
        decoding, how = decoding_of_models(load(options.model, dtype, kind), tuned_alone)
    times = {"alone": [], "tuned": [], "pair": []}
    equal = 0
    for ids in prompts:
        expected = clocked(times["alone"], greedy, untouched, ids, options.tokens)
        clocked(times["tuned"], greedy, tuned_alone, ids, options.tokens)
        equal += expected == clocked(times["pair"], walk, decoding, ids, options.tokens)
    alone, tuned, pair = (1000 * statistics.median(times[name]) / options.tokens for name in ("alone", "tuned", "pair"))
    print(
        f"{str(dtype).removeprefix('torch.'):10} {kind:6} {how.value:10} {equal:3} of {len(prompts):2} "
        f"{alone:9.2f} {pair:8.2f} {pair / alone:10.2f} {pair / tuned:16.2f}",
        flush=True,
    )


def questions() -> list[str]:
    """The first questions of the samples' held-out rows."""
    found = []
    for path in sorted((ASSETS / "samples").glob("*.held-out.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            messages = row.get("messages") or row.get("prompt") or []
            if isinstance(messages, str):
                found.append(messages)
            found.extend(
                message["content"] for message in messages if isinstance(message, dict) and message["role"] == "user"
            )
    return found[::3]


def tokenize(tokenizer, question: str) -> list[int]:
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": question}], tokenize=False, add_generation_prompt=True
    )
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def load(folder: str, dtype, kind: str):
    return load_weights(Path(folder), dtype, "cpu", QLoRA().quantization() if kind == "qlora" else None)


def tune(model, kind: str):
    """``model`` with random changes of the size that a training makes."""
    torch.manual_seed(1)
    if kind == "full":
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(1 + 0.02 * torch.randn_like(parameter))
        return model
    tuned = get_peft_model(
        model, LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"), "tuned"
    ).eval()
    for name, parameter in tuned.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.02)
    return tuned


def walk(decoding, ids: list[int], count: int) -> list[int]:
    """The base's greedy tokens, while tuned answers beside it."""
    logits, position = decoding.prefill((ids, ids))
    answer = []
    for _ in range(count):
        tokens = [int(row.argmax()) for row in logits]
        answer.append(tokens[0])
        if len(answer) < count:
            logits = decoding.step(tokens, position)
    return answer


def clocked(times: list[float], work, *given):
    """The result of ``work``; its CPU time is appended to ``times``."""
    began = time.process_time()
    result = work(*given)
    times.append(time.process_time() - began)
    return result


if __name__ == "__main__":
    main()
