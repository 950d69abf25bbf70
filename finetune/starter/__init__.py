"""The starter: a small closed world, and the chat model that is trained from scratch to know it.

    facts                   what is true in the world
    wording                 how people put a question
    items, split            one question with its answer; which are held out
    questions, numbers,
    reading, shop, talk,
    stories, chats          the kinds of question
    world                   all of them together
    judge, measure, card    whether an answer is right; the accuracy; the model card that reports it
    tokenizer, pretrain     text to tokens; the training loop
    pirate, tickets,
    kindness, handbook,
    sums, samples           the sample data sets

`python -m finetune.starter` rebuilds the model and the samples in assets/. Using the model needs none of this: it is an
ordinary folder.
"""

from pathlib import Path

ASSETS_DIR = Path(__file__).resolve().parents[2] / "assets"
STARTER_DIR = ASSETS_DIR / "starter"
SAMPLES_DIR = ASSETS_DIR / "samples"
