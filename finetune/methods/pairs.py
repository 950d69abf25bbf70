"""What methods on pairs of answers share: the rows, the measures, and trainers that need no reference."""

import inspect
from importlib import import_module
from typing import ClassVar

from finetune.data.tokens import TokenSequence, preference_sequences
from finetune.methods.method import Material

NAMES = {
    "accuracy": "rewards/accuracies",
    "margin": "rewards/margins",
    "likelihood_margin": "rewards/margins",
    "log_odds": "log_odds_chosen",
    "pair_accuracy": "accuracy",
    "score_margin": "margin",
}
"""What TRL calls each measure."""

SCRIPT = '''
def make_trainer(arguments: dict, train, **others):
    """TRL's {name}Trainer over rows that are tokenized already: prompt_ids, chosen_ids, rejected_ids."""
    from {module} import {name}Config, {name}Trainer

    trainer = without_reference(ordered({name}Trainer, PADDING_ROW))
    return trainer(args={name}Config(**divided(arguments)), train_dataset=train, **others)
'''
"""``ReferenceFree.trainer`` as an exported script has it; what it calls stands before it, as it is here."""


class Pairs:
    """A method's part that reads pairs of answers: two sequences per row, from the prompt's end on trained."""

    reads: ClassVar[tuple[str, ...]] = ("preference",)
    sequences_per_row: ClassVar[int] = 2
    padding: ClassVar[float] = 1.2
    padding_row: ClassVar[dict[str, list[int]]] = {"prompt_ids": [0, 0], "chosen_ids": [], "rejected_ids": []}

    def sequences(self, example: dict, tokenizer, length: int) -> tuple[TokenSequence, ...]:
        """Two sequences: the prompt with the chosen and with the rejected answer."""
        return preference_sequences(example, tokenizer, length)

    def columns(self, example: dict, sequences: tuple[TokenSequence, ...]) -> dict[str, list[int]]:
        """``prompt_ids``, ``chosen_ids``, ``rejected_ids``: the answers carry the loss, the prompt is masked."""
        chosen, rejected = sequences
        prompt = chosen.trained.index(True) if any(chosen.trained) else len(chosen.ids)
        return {
            "prompt_ids": list(chosen.ids[:prompt]),
            "chosen_ids": list(chosen.ids[prompt:]),
            "rejected_ids": list(rejected.ids[prompt:]),
        }

    def metrics(self, logs: dict[str, float]) -> dict[str, float]:
        """What its ``measures`` find under TRL's names."""
        plain = {key.removeprefix("eval_"): value for key, value in logs.items()}
        return {measure.name: plain[NAMES[measure.name]] for measure in self.measures if NAMES[measure.name] in plain}


class ReferenceFree(Pairs):
    """A method's part that compares the pairs without a reference, with a trainer of ``trl.experimental``."""

    trl: ClassVar[tuple[str, str]]
    """The module of TRL's trainer, and its name there without ``Trainer``."""
    rate_factor: ClassVar[float] = 0.3
    loss_unit: ClassVar[str] = ""
    as_prepared: ClassVar[dict[str, bool]] = {"disable_dropout": False, "remove_unused_columns": False}
    """Options of them all: rows come tokenized and truncated, and an adapter's dropout stays on."""

    def script(self, pack: bool = False) -> str:
        module, name = self.trl
        parts = map(inspect.getsource, (PairCollator, real_pairs, without_reference))
        return "\n\n".join([*parts, SCRIPT.lstrip().format(module=module, name=name)])

    def trainer(self, material: Material):
        """TRL's trainer over rows that are tokenized already."""
        module, name = self.trl
        library = import_module(module)
        arguments = getattr(library, f"{name}Config")(**material.arguments, **self.options())
        trainer_class = without_reference(material.durable(getattr(library, f"{name}Trainer")))
        return trainer_class(args=arguments, **material.datasets(), **material.others())


class PairCollator:
    """Pairs to a batch: input_ids, attention_mask, completion_mask, each (2B, T), all chosen answers first.

    ``is_real`` (2B) is False for a padding row. It is left out, unless there is nothing else; then a token of its
    prompt stands for its answers, which must be something to be scored.
    """

    def __init__(self, pad_token_id: int):
        self.pad_token_id = pad_token_id

    def __call__(self, rows: list[dict]) -> dict:
        import torch

        real = [row for row in rows if row["chosen_ids"]]
        used = real or [{"prompt_ids": [0], "chosen_ids": [0], "rejected_ids": [0]}]
        texts = [(row["prompt_ids"], row[name]) for name in ("chosen_ids", "rejected_ids") for row in used]
        width = max(len(prompt) + len(answer) for prompt, answer in texts)
        ids = torch.full((len(texts), width), self.pad_token_id)
        attended, answered = torch.zeros_like(ids), torch.zeros_like(ids)
        for n, (prompt, answer) in enumerate(texts):
            ids[n, : len(prompt) + len(answer)] = torch.tensor([*prompt, *answer])
            attended[n, : len(prompt) + len(answer)] = 1
            answered[n, len(prompt) : len(prompt) + len(answer)] = 1
        is_real = torch.full((len(texts),), bool(real))
        return {"input_ids": ids, "attention_mask": attended, "completion_mask": answered, "is_real": is_real}


def real_pairs(accelerator, own, weight=1):
    """``accelerator.gather`` for a process with ``own`` pairs: without what padding rows stand for, where it has none.

    A single number, a mean over a process's pairs, is multiplied by ``weight``, its share in all of them.
    """
    import torch

    gather, pad = accelerator.gather, accelerator.pad_across_processes

    def gather_real(values):
        if not values.dim():
            return gather(weight * values)
        values = values.float() if own else torch.full_like(values, torch.nan, dtype=torch.float32)
        found = gather(pad(values, pad_index=torch.nan))
        return found[~found.isnan()]

    return gather_real


def without_reference(trainer_class: type) -> type:
    """``trainer_class`` (an ``ORPOTrainer`` or a ``CPOTrainer``) for rows that are tokenized already.

    TRL's own would tokenize them again, train ORPO's cross-entropy on the prompt too, and build all logits. Here
    answers alone are scored, by the chunked head. Each term is a mean over the pairs of all processes, so that neither
    micro-batches nor padding rows change it: a cross-entropy, too, is a mean over a pair's tokens first.
    """
    from peft import get_peft_model
    from trl.trainer import add_fused_lm_head

    class WithoutReference(trainer_class):
        def __init__(self, model, processing_class, peft_config=None, **rest):
            base = model.get_base_model() if hasattr(model, "peft_config") else model
            add_fused_lm_head(base, outputs=("log_probs", "mean_logits"))
            if peft_config is not None:
                model = get_peft_model(model, peft_config)
            collator = PairCollator(processing_class.pad_token_id)
            super().__init__(model=model, processing_class=processing_class, data_collator=collator, **rest)
            self.use_dpo_data_collator = True  # else it warns at each evaluation

        def tokenize_row(self, feature, model=None):
            return feature

        def concatenated_forward(self, model, batch):
            ids, attended, answered = (
                batch[name].to(self.accelerator.device) for name in ("input_ids", "attention_mask", "completion_mask")
            )
            labels = ids.masked_fill(answered == 0, -100)
            routers = {"output_router_logits": True} if self.aux_loss_enabled else {}
            outputs = model(
                input_ids=ids, attention_mask=attended, labels=labels, fused_lm_head=True, use_cache=False, **routers
            )
            # A prefix stands before the tokens; a token that is not scored has the log-probability 0.
            scores = outputs.log_probs[:, 1 - ids.shape[1] :].sum(dim=1)
            means = scores / answered.sum(dim=1)
            is_summed = getattr(self, "loss_type", "orpo") in ("sigmoid", "hinge")
            logits = outputs.mean_logits[:, 1 - ids.shape[1] :].chunk(2)
            found = (*(scores if is_summed else means).chunk(2), *logits, -means.chunk(2)[0].mean())
            return (*found, outputs.aux_loss) if routers else found

        def compute_loss(self, model, inputs, **rest):
            own = inputs["is_real"].sum() / 2
            weight = own * self.args.world_size / self.accelerator.gather(own).sum()
            self.accelerator.gather = real_pairs(self.accelerator, own, weight)
            try:
                return weight * super().compute_loss(model, inputs, **rest)
            finally:
                del self.accelerator.gather

    return WithoutReference
