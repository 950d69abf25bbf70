"""The tokenizer of a model."""

from finetune.data.tokens import with_chatml
from finetune.machine.libraries import load_tokenizers
from finetune.models.locate import locate
from finetune.recipe import ModelSettings
from finetune.runs.workspace import Workspace


def load_tokenizer(settings: ModelSettings, workspace: Workspace):
    """The model's tokenizer; without a padding token it pads with its end token (the loss mask covers both)."""
    load_tokenizers()
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(
        locate(settings, workspace), local_files_only=True, trust_remote_code=False
    )
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return with_chatml(tokenizer) if settings.chat_template == "chatml" else tokenizer
