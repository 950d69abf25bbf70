"""The cost of answering many prompts in batches against one by one, and whether the greedy answers are equal.

    python -m tests.benchmarks.evaluation [--prompts 200] [--tokens 64]

Prompts of the samples' held-out rows, the starter in bf16 and fp32. CPU time of this process, so that other work on the
machine counts little. "plain" is ``generate`` of Transformers, one prompt after the other. Where an answer of a batch
differs, the gap between the two tokens at the first difference is printed: in standard deviations of the logits there.
"""

import argparse
import json
import time

import torch

from finetune.inference.decoding import Variant
from finetune.inference.generation import Generation
from finetune.inference.question import prompt_tokens
from finetune.machine.libraries import load
from finetune.models.loading import load_weights
from finetune.models.tokenizer import read_tokenizer
from finetune.models.turn_end import end_ids
from finetune.paths import ASSETS

FILES = ("pirate-voice.held-out", "general.held-out", "ticket-json.held-out")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prompts", type=int, default=200)
    parser.add_argument("--tokens", type=int, default=64)
    options = parser.parse_args()
    load()
    tokenizer = read_tokenizer(ASSETS / "starter", "starter")
    rows = [json.loads(line) for name in FILES for line in (ASSETS / "samples" / f"{name}.jsonl").open()]
    prompts = [prompt_tokens(tokenizer, row["messages"][:-1]) for row in rows][: options.prompts]
    print("dtype     way      batched s  one by one s  plain s  one/batched  plain/batched  equal")
    for dtype in (torch.bfloat16, torch.float32):
        measure(load_weights(ASSETS / "starter", dtype, "cpu"), tokenizer, prompts, options.tokens)


def measure(model, tokenizer, prompts: list[list[int]], most: int) -> None:
    """Print one row of the table."""
    ends = end_ids(tokenizer, model)
    batched, single = Generation(Variant(model), ends), Generation(Variant(model), ends)
    single.way = "one by one"
    batched.answers(prompts[:8], 4)
    taken, found = zip(*(clocked(each.answers, prompts, most) for each in (batched, single)))
    plain_s, plain = clocked(lambda: [generated(model, each, most, sorted(ends)) for each in prompts])
    different = [n for n, answer in enumerate(found[0]) if answer != found[1][n]]
    assert [answer.ids for answer in found[1]] == [[i for i in ids if i not in ends] for ids in plain]
    print(
        f"{str(model.dtype).removeprefix('torch.'):9} {batched.way:8} {taken[0]:9.1f} {taken[1]:13.1f} {plain_s:8.1f} "
        f"{taken[1] / taken[0]:12.1f} {plain_s / taken[0]:14.1f}  {len(prompts) - len(different)} of {len(prompts)}"
    )
    for n in different:
        one, other = (each[n].ids for each in found)
        place = next((k for k, pair in enumerate(zip(one, other)) if pair[0] != pair[1]), min(len(one), len(other)))
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([[*prompts[n], *other[:place]]])).logits[0, -1].float()
        top = logits.topk(2).values
        print(f"  prompt {n}: differs after {place} tokens; gap {float((top[0] - top[1]) / logits.std()):.4f} sd")


def generated(model, ids: list[int], most: int, ends: list[int]) -> list[int]:
    """The tokens of ``model.generate`` after ``ids``."""
    batch = torch.tensor([ids])
    output = model.generate(
        input_ids=batch,
        attention_mask=torch.ones_like(batch),
        max_new_tokens=most,
        do_sample=False,
        eos_token_id=ends,
        pad_token_id=0,
    )
    return output[0, len(ids) :].tolist()


def clocked(call, *given) -> tuple[float, object]:
    """Seconds of CPU time that ``call`` takes, and what it returns."""
    began = time.process_time()
    result = call(*given)
    return time.process_time() - began, result


if __name__ == "__main__":
    main()
