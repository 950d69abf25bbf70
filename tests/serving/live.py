"""A run that is served on this machine, and what plain Transformers and PEFT answer in its place."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from openai import OpenAI
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from finetune.door.budget import Budget
from finetune.door.hosts import Hosts
from finetune.door.serving import Serving
from finetune.serving.api import Api
from finetune.serving.engine import Engine
from finetune.serving.key import Key
from finetune.serving.models import Models


@dataclass
class Live:
    """A server that runs."""

    api: Api
    port: int

    @property
    def engine(self) -> Engine:
        return self.api.engine

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def client(self, key: str = "none", **options) -> OpenAI:
        return OpenAI(base_url=self.url, api_key=key, max_retries=0, timeout=60, **options)


@contextmanager
def serving(models: Models, workspace, key: str | None = None, waiting: int = 16, budget=None) -> Iterator[Live]:
    """``models`` behind a port of this machine."""
    budget = budget or Budget.local()
    api = Api(Engine(models, workspace, waiting), budget)
    server = Serving(api.app(Hosts.of("127.0.0.1"), Key.of(key) if key else None), "127.0.0.1", 0, budget).start()
    try:
        yield Live(api, server.port)
    finally:
        api.end()
        server.close()


class Plain:
    """A model without this project: Transformers, and PEFT for an adapter."""

    def __init__(self, base, adapter=None, **loading):
        self.tokenizer = AutoTokenizer.from_pretrained(base)
        self.model = AutoModelForCausalLM.from_pretrained(base, **loading).eval()
        if adapter is not None:
            self.model = PeftModel.from_pretrained(self.model, adapter).eval()

    def prompt(self, messages: list[dict]) -> list[int]:
        given = {"add_generation_prompt": True, "return_dict": True}
        return list(self.tokenizer.apply_chat_template(messages, **given)["input_ids"])

    def ids(self, prompt: list[int], count: int) -> list[int]:
        """The greedy tokens after ``prompt``, without the one that ends the answer."""
        batch = torch.tensor([prompt])
        output = self.model.generate(
            input_ids=batch, attention_mask=torch.ones_like(batch), max_new_tokens=count, do_sample=False
        )
        found = output[0, len(prompt) :].tolist()
        return found[:-1] if found[-1:] == [self.tokenizer.eos_token_id] else found

    def text(self, ids: list[int]) -> str:
        return self.tokenizer.decode(ids, skip_special_tokens=True).rstrip("\ufffd")
