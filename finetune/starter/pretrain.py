"""Trains the starter on conversations that never repeat. A plain loop: packing, Muon and AdamW, warmup and cosine."""

from __future__ import annotations

import math
import os
import time
from pathlib import Path
from random import Random

from finetune.starter.tokenizer import CONTEXT_TOKENS, END, START, VOCABULARY, render
from finetune.starter.world import conversations

ROW_TOKENS = 256
LONG_ROW_TOKENS = 1024
BATCH_TOKENS = 2048
QUESTION_WEIGHT, QUESTION_SHARE = 0.5, 0.2
MUON_RATE, ADAM_RATE = 0.01, 0.003
WARM_UP_STEPS = 60
CHECKPOINT_STEPS = 250


def new_model(seed: int, pad: int, end: int):
    """A `Qwen2ForCausalLM` with random fp32 weights, 4.9 M parameters; widths fit 4-bit kernels (64 in, 32 out)."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(seed)
    return Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=VOCABULARY,
            hidden_size=256,
            intermediate_size=640,
            num_hidden_layers=6,
            num_attention_heads=8,
            num_key_value_heads=4,
            max_position_embeddings=CONTEXT_TOKENS,
            tie_word_embeddings=True,
            rope_parameters={"rope_type": "default", "rope_theta": 10_000.0},
            bos_token_id=None,
            eos_token_id=end,
            pad_token_id=pad,
            use_sliding_window=False,
        )
    )


def batches(tokenizer, seed: int):
    """Endless packed batches: ids, loss weights, positions, each (B, T); positions restart at 0 in each conversation.

    One batch in eight has rows of 1,024 tokens, the others of 256, always 2,048 tokens in all.
    """
    import torch

    rng = Random(seed)
    talks = _tokenized(tokenizer, rng)
    waiting = next(talks)
    while True:
        width = LONG_ROW_TOKENS if rng.random() < 1 / 8 else ROW_TOKENS
        ids, weights, positions = [], [], []
        for _ in range(BATCH_TOKENS // width):
            row_ids, row_weights, row_positions = [], [], []
            while len(waiting[0]) > ROW_TOKENS or len(row_ids) + len(waiting[0]) <= width:
                if len(waiting[0]) <= width - len(row_ids):
                    row_ids += waiting[0]
                    row_weights += waiting[1]
                    row_positions += range(len(waiting[0]))
                waiting = next(talks)
            space = width - len(row_ids)
            ids.append(row_ids + [tokenizer.pad_token_id] * space)
            weights.append(row_weights + [0.0] * space)
            positions.append([*row_positions, *range(space)])
        yield torch.tensor(ids), torch.tensor(weights), torch.tensor(positions)


def _tokenized(tokenizer, rng):
    """(ids, loss weights) of each conversation: 1 on the assistant's tokens, elsewhere QUESTION_WEIGHT on a few.

    The first token of a conversation is predicted from nothing, so its weight is 0.
    """
    opening, end = tokenizer.encode(f"{START}assistant\n"), tokenizer.convert_tokens_to_ids(END)
    talks = conversations(rng)
    while True:
        for ids in tokenizer([render(next(talks)) for _ in range(256)])["input_ids"]:
            spoken = spoken_tokens(ids, opening, end)
            weights = [1.0 if said else QUESTION_WEIGHT * (rng.random() < QUESTION_SHARE) for said in spoken]
            yield ids, [0.0, *weights[1:]]


def spoken_tokens(ids: list[int], opening: list[int], end: int) -> list[bool]:
    """True for each token of the assistant, with the end of its turn; `opening` is how its turn begins."""
    spoken, speaking = [], False
    for index, token in enumerate(ids):
        spoken.append(speaking)
        if token == end:
            speaking = False
        elif token == opening[-1] and ids[max(0, index + 1 - len(opening)) : index + 1] == opening:
            speaking = True
    return spoken


def weighted_loss(model, ids, weights, positions):
    """The weighted mean cross-entropy in nats per token; packed conversations do not attend to each other (positions
    restart)."""
    import torch
    from torch.nn import functional

    hidden = model.model(input_ids=ids, position_ids=positions, use_cache=False).last_hidden_state[:, :-1]
    wanted = weights[:, 1:] > 0
    logits = model.lm_head(hidden[wanted]).float()
    losses = functional.cross_entropy(logits, ids[:, 1:][wanted], reduction="none")
    chosen = weights[:, 1:][wanted]
    return (losses * chosen).sum() / torch.clamp(chosen.sum(), min=1.0)


def optimizers(model):
    """Muon for the matrices inside the layers, AdamW for embeddings, norms and biases, with their peak rates."""
    import torch

    matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and "layers" in name]
    others = [p for name, p in model.named_parameters() if not (p.ndim == 2 and "layers" in name)]
    muon = torch.optim.Muon(matrices, lr=MUON_RATE, momentum=0.95, weight_decay=0.02, adjust_lr_fn="original")
    adam = torch.optim.AdamW(others, lr=ADAM_RATE, betas=(0.9, 0.98), weight_decay=0.0)
    return [(muon, MUON_RATE), (adam, ADAM_RATE)]


def rate_at(step: int, steps: int) -> float:
    """The share of the peak learning rate: linear warmup, constant for a quarter of the steps, then a cosine to 1 %."""
    if step < WARM_UP_STEPS:
        return (step + 1) / WARM_UP_STEPS
    done = max(0.0, (4 * step / steps - 1) / 3)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def pretrain(model, tokenizer, steps: int, seed: int, peak: float = 1.0, report=print, checkpoint=None):
    """The model, trained in place on `steps` batches of 2,048 tokens; equal seeds and steps give equal data.

    `peak`: the peak learning rate, as a share of MUON_RATE and ADAM_RATE; less for a model that is trained already.
    `report(line)` every 50 steps; `checkpoint(model, step)` every 250. Under `torchrun` each process has
    batches of its own and the gradients are averaged; rank 0 reports and checkpoints.
    """
    import torch

    rank, processes = join_processes()

    model.train()
    trained, began, total = optimizers(model), time.monotonic(), 0.0
    for step, (ids, weights, positions) in zip(range(steps), batches(tokenizer, seed * 1000 + rank), strict=False):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = weighted_loss(model, ids, weights, positions)
        loss.backward()
        if processes > 1:
            average_gradients(model, processes)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer, rate in trained:
            for group in optimizer.param_groups:
                group["lr"] = peak * rate * rate_at(step, steps)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        total += loss.item()
        if (step + 1) % 50 == 0 and rank == 0:
            speed = (step + 1) * processes * BATCH_TOKENS / (time.monotonic() - began)
            report(f"step {step + 1} of {steps}: loss {total / 50:.4f}, {speed:.0f} tokens/s")
            total = 0.0
        if checkpoint and rank == 0 and (step + 1) % CHECKPOINT_STEPS == 0 and step + 1 < steps:
            checkpoint(model, step + 1)
    return model.eval()


def join_processes() -> tuple[int, int]:
    """Rank and world size of this process: (0, 1) unless `torchrun` started it."""
    from torch import distributed

    processes = int(os.environ.get("WORLD_SIZE", "1"))
    if processes > 1 and not distributed.is_initialized():
        distributed.init_process_group("gloo")
    return int(os.environ.get("RANK", "0")), processes


def average_gradients(model, processes: int) -> None:
    """Replace each parameter's gradient by its mean over all processes, in one all-reduce."""
    import torch
    from torch import distributed

    gradients = [parameter.grad for parameter in model.parameters()]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    distributed.all_reduce(flat)
    flat /= processes
    for gradient, part in zip(gradients, flat.split([gradient.numel() for gradient in gradients])):
        gradient.copy_(part.view_as(gradient))


def save(model, tokenizer, directory: Path) -> None:
    """Save the model in bf16 safetensors with its tokenizer and generation settings; the one in memory stays fp32."""
    import copy

    import torch
    from transformers import GenerationConfig

    small = copy.deepcopy(model).to(torch.bfloat16)
    small.generation_config = GenerationConfig(
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, max_new_tokens=128
    )
    small.save_pretrained(directory)
    tokenizer.save_pretrained(directory)
