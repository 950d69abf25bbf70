"""What methods share that learn from answers which the model writes while it trains: reinforcement learning.

A group of answers to the same prompt is sampled, rewards rate them, and what earned more than its group becomes
likelier. Held-out prompts are answered greedily, once each, as a person would get them.
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from pydantic import Field, field_validator

from finetune.data.tokens import TokenSequence, prompt_sequence
from finetune.errors import DataError
from finetune.format import counted
from finetune.methods.measure import CLIPPED, KL, LENGTH, NO_SPREAD, REWARD, Measure
from finetune.methods.method import Material
from finetune.private import PrivateName
from finetune.rewards import RewardChoice
from finetune.rewards.number import NumberEquals
from finetune.rewards.reward import Answered, Scores
from finetune.settings import Settings

NOTHING = [{"role": "user", "content": ""}]
"""The conversation of a padding row."""
THOUGHT_ENDS = "</think>"
"""What stands before it is reasoning: only the answer behind it is rated."""


class Rollouts(Settings):
    """Settings and rows of a method that samples answers; a base beside ``Method``."""

    rewards: tuple[RewardChoice, ...] = Field((NumberEquals(),), min_length=1, max_length=20)
    """What counts as a good answer, one reward per line, such as ``number`` or ``length: {maximum: 20, weight: 0.5}``.
    Their weighted sum is what the model learns to raise."""
    generations: int = Field(8, ge=2, le=64)
    """Answers sampled for each prompt. More: steadier, and a step takes longer. (G, the size of a group)"""
    max_tokens: int = Field(128, ge=1, le=16384)
    """Maximum length of a sampled answer, in tokens. Longer ones are truncated, and usually earn less."""
    temperature: float = Field(1.0, gt=0, le=2)
    """How varied the sampled answers are. Low: all of a group are alike, and there is nothing to learn from."""

    reads: ClassVar[tuple[str, ...]] = ("prompt", "chat", "preference")
    generates: ClassVar[bool] = True
    profiled: ClassVar[bool] = False
    leaves_as_script: ClassVar[bool] = False
    loss_unit: ClassVar[str] = ""
    loss_shows_learning: ClassVar[bool] = False
    measures: ClassVar[tuple[Measure, ...]] = (REWARD, KL, LENGTH, NO_SPREAD, CLIPPED)
    best_by: ClassVar[str] = "reward"
    padding_row: ClassVar[dict] = {"prompt_ids": [0, 0], "prompt": NOTHING, "expected": None, "columns": "{}"}

    @field_validator("rewards")
    @classmethod
    def _named_apart(cls, rewards: tuple) -> tuple:
        names = Counter(reward.name for reward in rewards)
        if twice := [name for name, count in names.items() if count > 1]:
            raise ValueError(f"The reward {twice[0]} is there twice; put both into one")
        return rewards

    def refuses(self, adapter: Any) -> str:
        """Virtual tokens come before the padding of a batch, so that shorter prompts have other positions."""
        if adapter.attaches_to == "prompt":
            return f"Answers cannot be sampled with {adapter.title}: its virtual tokens stand before a batch's padding."
        return ""

    def require_trainable(self, examples: Sequence[dict]) -> None:
        """``DataError`` unless the rows have what the rewards compare with."""
        for reward in self.rewards:
            without = [example for example in examples if expected_of(example) is None]
            if reward.needs_expected and without:
                raise DataError(
                    f"The reward {reward.name} compares with the expected result, and "
                    f"{counted(len(without), 'training row')} of {len(examples):,} have none.",
                    "Map the column that holds it on the Data tab, or choose a reward that needs none.",
                )
        if examples:
            for reward in self.rewards:
                if not reward.wants():
                    reward.score(answered(examples[0], "", 0))

    def wants(self) -> dict[str, Any]:
        """The models that rate answers, each under the name of its reward."""
        return {f"{reward.name}.{name}": each for reward in self.rewards for name, each in reward.wants().items()}

    def sequences(self, example: dict, tokenizer, length: int) -> tuple[TokenSequence, ...]:
        """The prompt alone; its answers are written in training."""
        return (prompt_sequence(prompt_of(example), tokenizer, length, example.get("tools")),)

    def columns(self, example: dict, sequences: tuple[TokenSequence, ...]) -> dict:
        """``prompt`` (the conversation), ``prompt_ids``, ``expected`` (or None) and further ``columns`` as JSON."""
        return {
            "prompt": [{"role": turn["role"], "content": turn["content"]} for turn in prompt_of(example)],
            "prompt_ids": list(sequences[0].ids),
            "expected": expected_of(example),
            "columns": json.dumps(example.get("columns", {}), ensure_ascii=False),
        }

    def sampled(self, material: Material) -> dict[str, Any]:
        """Arguments of a TRL config by which it samples groups; a batch is counted in prompts, and TRL's in answers."""
        each = material.arguments["per_device_train_batch_size"] * self.generations
        return {
            **material.arguments,
            "per_device_train_batch_size": each,
            "per_device_eval_batch_size": each,
            "num_generations": self.generations,
            "num_generations_eval": 1,
            "max_completion_length": self.max_tokens,
            "temperature": self.temperature,
            "generation_kwargs": {"eos_token_id": list(material.end_ids)},
            "reward_weights": [reward.weight for reward in self.rewards],
        }

    def reward_functions(self, helpers: dict[str, Any]) -> list[Callable]:
        """A function for each reward, as TRL calls them; ``helpers`` are the models of ``wants``, loaded."""
        given = [(reward, self.helpers_of(reward.name, helpers)) for reward in self.rewards]
        return [_function(reward.name, reward.scores(own)) for reward, own in given]

    @staticmethod
    def helpers_of(reward: str, helpers: dict[str, Any]) -> dict[str, Any]:
        """Those of ``helpers`` that the reward of this name wants, by its own names for them."""
        return {key.partition(".")[2]: each for key, each in helpers.items() if key.partition(".")[0] == reward}

    def metrics(self, logs: dict[str, float]) -> dict[str, float]:
        """The values of ``measures``, and that of each reward as ``reward/NAME``."""
        plain = {key.removeprefix("eval_"): value for key, value in logs.items() if value is not None}
        names = {
            "reward": "reward",
            "kl": "kl",
            "completions/mean_length": "length",
            "completions/clipped_ratio": "clipped",
        }
        if not any(key.startswith("eval_") for key in logs):  # a held-out prompt is answered once: there is no group
            names["frac_reward_zero_std"] = "no_spread"
        found = {ours: plain[theirs] for theirs, ours in names.items() if theirs in plain}
        each = {f"reward/{reward.name}": plain.get(f"rewards/{reward.name}/mean") for reward in self.rewards}
        return found | {name: value for name, value in each.items() if value is not None and len(each) > 1}


def prompt_of(example: dict) -> list[dict]:
    """The conversation up to the answer that the model will write; ``DataError`` if there is none."""
    messages = list(example.get("prompt") or example["messages"])
    while messages and messages[-1]["role"] != "user":
        messages.pop()
    if not messages or "tools" in example or any(turn["role"] == "tool" for turn in messages):
        raise DataError("This conversation calls tools, and sampled answers cannot." if messages else "No question.")
    return messages


def expected_of(example: dict) -> str | None:
    """The expected result: the row's own, else the last answer of a conversation; None if there is neither."""
    if "answer" in example:
        return str(example["answer"])
    last = (example.get("messages") or [{}])[-1]
    return last.get("content") if last.get("role") == "assistant" else None


def answered(example: dict, text: str, tokens: int) -> Answered:
    """An answer of ``tokens`` tokens to ``example``, as rewards read it."""
    messages = tuple(prompt_of(example))
    return Answered(
        text.rpartition(THOUGHT_ENDS)[2].strip(),
        messages[-1]["content"],
        expected_of(example),
        example.get("columns", {}),
        messages,
        tokens,
    )


def _function(name: str, scores: Scores) -> Callable:
    """``scores`` as TRL calls a reward; it reports it under ``name``."""

    def rate(prompts, completions, completion_ids, expected, columns, **_):
        texts = [each if isinstance(each, str) else each[-1]["content"] for each in completions]
        return scores(
            [
                answered(
                    {"prompt": prompt, "columns": json.loads(row)} | ({} if wanted is None else {"answer": wanted}),
                    text or "",
                    len(ids),
                )
                for prompt, text, ids, wanted, row in zip(prompts, texts, completion_ids, expected, columns)
            ]
        )

    rate.__name__ = name
    return rate


def grouped(order, rows: int, size: int, prompts: int, times: int):
    """``order``, a sampler of positions, as groups: each of ``prompts`` positions ``size`` times, and all ``times``.

    The last batch of an epoch is filled up with the epoch's first prompts, so that none is left out.
    """
    from torch.utils.data import Sampler

    class Grouped(Sampler):
        def __init__(self, order):
            self.order = order

        def __len__(self):
            return -(-rows // prompts) * prompts * size * times

        def __iter__(self):
            positions = [position for position in self.order if position < rows]
            missing = -len(positions) % prompts
            positions += (positions * (1 + missing // len(positions)))[:missing]
            for start in range(0, len(positions), prompts):
                for _ in range(times):
                    for position in positions[start : start + prompts]:
                        yield from [position] * size

        @property
        def epoch(self):
            return self.order.epoch

        @epoch.setter
        def epoch(self, epoch):
            self.order.epoch = epoch

    return Grouped(order)


def prepared(trainer_class: type, end_ids: Sequence[int]) -> type:
    """``trainer_class`` (a ``GRPOTrainer`` or ``RLOOTrainer``) with an order that can be resumed; evaluated greedily.

    ``end_ids`` are the tokens that end an answer.
    """
    import copy

    class Prepared(trainer_class):
        def __init__(self, **given):
            super().__init__(**given)
            self.eos_token_ids = list(end_ids)
            greedy = copy.deepcopy(self.generation_config)
            greedy.update(do_sample=False, temperature=1.0, top_p=1.0, top_k=50, min_p=None)
            self._greedy = greedy, {**self.generation_kwargs, "do_sample": False}

        def _get_train_sampler(self, train_dataset=None):
            order = super()._get_train_sampler(train_dataset)
            prompts = self.args.generation_batch_size // self.num_generations
            times = self.num_iterations * self.args.steps_per_generation
            self._order = grouped(order, len(self.train_dataset), self.num_generations, prompts, times)
            return self._order

        def _generate_and_score_completions(self, inputs):
            sampling = self.generation_config, self.generation_kwargs
            if not self.model.training:
                self.generation_config, self.generation_kwargs = self._greedy
            try:
                with self.accelerator.autocast():  # as the answers are scored in the loss
                    return super()._generate_and_score_completions(inputs)
            finally:
                self.generation_config, self.generation_kwargs = sampling

    return Prepared


def overrides(trainer: str) -> tuple[PrivateName, ...]:
    """The private names of the TRL ``trainer`` that ``prepared`` overrides."""
    return (
        PrivateName.declared(
            f"trl.{trainer}._get_train_sampler(self, dataset)",
            "finetune.methods.rollouts.prepared",
            "The order of the prompts follows from seed and epoch. Without it a resumed run trains on other prompts.",
        ),
        PrivateName.declared(
            f"trl.{trainer}._generate_and_score_completions(self, inputs)",
            "finetune.methods.rollouts.prepared",
            "Held-out prompts are answered greedily. Without it their reward is that of one random answer each.",
        ),
    )
