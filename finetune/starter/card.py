"""The model card: what the starter is, what it is not, and its measured accuracy."""

from __future__ import annotations

from pathlib import Path

from finetune.starter.measure import Figures

_CARD = """---
license: apache-2.0
language: en
library_name: transformers
pipeline_tag: text-generation
tags: [tiny, from-scratch, demo]
---
# Starter

A real language model, but a very small one: {parameters:,} parameters, Qwen2 architecture, trained from random weights
on two processor cores. It exists so that Finetune Studio can show fine-tuning at once, without a download and without a
GPU.

**What it is.** A chat model for one small closed world: {kinds} kinds of question about animals, food, colours,
countries, days, small sums, opposites, moods and reviews; finding names and codes in a text; three-sentence stories;
follow-up questions with "it"; system prompts that ask for short or polite answers.

**What it is not.** It knows nothing else. It was never trained on the internet, a book or a person's writing; the code
in `finetune/starter/` generated every sentence that it was trained on. It speaks simple English only. Its facts are
those of a children's book. Do not use it for advice of any kind. Its context window is 2,048 tokens, but it was trained
on conversations of a few hundred at most.

## Measured

{questions:,} held-out questions: combinations of question, names and wording that training never used. Greedy decoding,
judged by the rules in `finetune/starter/judge.py`; an answer that does not end its turn counts as wrong.

**{right:.1%} right. {ended:.1%} end their turn.**

| kind of question | right |
|---|---|
{table}

## Rebuild

`python -m finetune.starter` trains the tokenizer and the model from scratch and evaluates them;
`python -m finetune.starter --measure` only evaluates. The data is generated from a seed, new at each step. The weights
here were trained in five stages (`--weights`, `--peak`), about 13 million tokens in all, and the mix of questions moved
towards the hard ones from stage to stage; one run of the command gives a similar model, not the same bytes.
License: Apache 2.0, as the project.
"""


def write_card(directory: Path, figures: Figures, parameters: int) -> None:
    """Write README.md with these figures."""
    table = "\n".join(f"| {name.replace('_', ' ')} | {share:.0%} |" for name, share in figures.kinds.items())
    text = _CARD.format(
        parameters=parameters,
        kinds=len(figures.kinds),
        questions=figures.questions,
        right=figures.right,
        ended=figures.ended,
        table=table,
    )
    (directory / "README.md").write_text(text, encoding="utf-8")
