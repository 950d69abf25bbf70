"""What the program makes of one architecture, each result judged by Transformers, PEFT and PyTorch alone.

A trial trains, compares or exports a tiny model of ``tests/zoo.py`` as a person would, and returns the words of a cell
of the table (``tests/zoo_table.py``). A result that the plain libraries do not share raises ``WrongError``.
"""

import gc
import json
import zipfile
from functools import cached_property
from pathlib import Path
from unittest import mock

import torch
import trl.trainer.utils
from torch.nn.functional import cross_entropy

from finetune.errors import FinetuneError
from finetune.machine import libraries
from finetune.models.loading import kept_whole
from finetune.recipe import Recipe
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace
from tests import zoo

libraries.load()  # once, before a process is forked for each architecture
gc.freeze()  # each run collects garbage, and would go through all of these libraries again: a fifth of its time

ROWS, ASKED = 4, ("wind", "fire that burnt all night", "snow", "ship")
"""Rows of a batch, and what the held-out rows are about: of different length, so that they are padded."""
EXACT, ROUNDED = 2e-3, 0.05
"""How far a loss may be from that of the plain libraries, as a share of it: computed in fp32, and in 16 or 4 bits."""
SAME_LOGITS = 1e-2
"""The most that a logit of a merged model may differ, in standard deviations."""
MEMORY = 0.15
"""How far the estimated peak of a step may be from the tensors of the real one, as a share of it."""
STRENGTH = 0.2
"""Standard deviation of the matrices B of an adapter whose answers are compared: after two steps it changes none."""
TOKENS = 12
"""Tokens of an answer that are compared."""


class WrongError(Exception):
    """The program's result is not that of the plain libraries."""


class Trials:
    """The trials of the architecture ``name``, in the empty ``folder``."""

    def __init__(self, name: str, folder: Path):
        self.name, self.folder = name, folder
        self.workspace = Workspace(folder / "workspace")
        self.source = zoo.write(name, self.workspace.models_dir / name, dtype=torch.float32)
        self.held_out = [chat(word) for word in ASKED]
        write(folder / "even.jsonl", [chat("sea of stars " * 8)] * ROWS)
        write(folder / "uneven.jsonl", [chat("sea " * n) for n in range(1, 4 * ROWS)])
        write(folder / "held-out.jsonl", self.held_out)

    def cells(self) -> dict[str, str]:
        """Each trial's words by its name; the trials that need a LoRA run are left out where there is none."""
        found = {}
        for trial in (self.lora, self.qlora, self.full, self.estimate, self.packing, self.compare, self.export):
            found[trial.__name__] = words_of(trial)
        return found

    def lora(self) -> str:
        """In fp32; ``qlora`` and ``full`` are in what ``auto`` chooses."""
        self._check_losses(self._exact_run, self._plain(), self._plain(self._exact_run), EXACT)
        return "yes"

    def qlora(self) -> str:
        run = self._packed_run
        base, tuned = self._plain(quantized=run.recipe), self._plain(run, quantized=run.recipe)
        self._check_losses(run, base, tuned, ROUNDED)
        return "yes"

    def full(self) -> str:
        run = self._trained("full")
        self._check_losses(run, self._plain(), load(run.model_dir), ROUNDED)
        return "yes"

    def estimate(self) -> str:
        """The estimate of a step against the tensors that are alive during the second step of the real run."""
        from finetune.fit import profile
        from finetune.fit.estimate import estimate_fit
        from finetune.fit.probe import count_tokens

        found, run, real = [], self._exact_run, profile.profile_step
        with mock.patch.object(profile, "profile_step", lambda *given: found.append(real(*given)) or found[-1]):
            fit = estimate_fit(run.recipe, self.workspace, count_tokens(run.recipe, self.workspace), gpus=False)
        parameters, trainable = sum(weight.numel() for weight in self._plain().parameters()), run.view().trainable
        if fit.parameters and (fit.parameters, fit.trainable) != (parameters, trainable):
            raise WrongError(f"{fit.parameters:,} and {fit.trainable:,} in place of {parameters:,} and {trainable:,}")
        if not fit.estimate_bytes:
            return "measured only"
        ratio = found[0].peak_bytes / self._peak
        if abs(ratio - 1) > MEMORY:
            raise WrongError(f"estimated {ratio:.2f} times what a step takes")
        return "yes"

    def packing(self) -> str:
        """Whether the run packed, against logits of a packed row and of the same row alone."""
        from tests.training.test_separation import ROWS, off

        choices = {choice.what: choice.value for choice in self._packed_run.view().choices}
        is_packed = choices["training.packing"] == "on"
        try:
            is_apart = off(zoo.model(self.name), *ROWS[:2]) < 1e-3
        except (TypeError, RuntimeError, ValueError):
            is_apart = False
        if is_packed != is_apart:
            raise WrongError("packed, but rows are not kept apart" if is_packed else "not packed, but rows are apart")
        return "packed" if is_packed else "grouped by length"

    def compare(self) -> str:
        """Greedy tokens of base and tuned side by side, against ``generate`` of plain Transformers and PEFT."""
        from finetune.inference.batched import BatchedDecoding
        from finetune.inference.chat import Pair
        from finetune.inference.sampling import Sampling
        from tests.inference.families import walk

        pair = Pair.load(self._strong_run, self.workspace)
        messages = self.held_out[0]["messages"][:1]
        prompt = pair.tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
        answers = walk(pair.decoding, (prompt, prompt), TOKENS)
        plain = [self._plain(run) for run in (None, self._strong_run)]
        if away(*map(self._logits, plain)) < SAME_LOGITS:
            raise WrongError("base and tuned are alike, so nothing is compared")
        expected = [greedy(model, prompt) for model in plain]
        for who, answer, other in zip(("base", "tuned"), answers, expected):
            if answer != other:
                raise WrongError(f"the {who} answers differ from the plain library's")
        replies = list(pair.reply(messages, messages, Sampling(greedy=True, max_tokens=4)))
        if not replies[-1].done:
            raise WrongError("the answer has no end")
        if isinstance(pair.decoding, BatchedDecoding):
            return "batched"
        base, tuned = (variant.model for variant in pair.decoding.variants)
        return "sequential" if base is tuned else "two copies"

    def export(self) -> str:
        """The adapter's zip in plain PEFT, and the merged folder in plain Transformers: equal logits."""
        from finetune.exports.adapter import Adapter
        from finetune.exports.merged import Merged

        to, run = self.folder / "exports", self._strong_run
        with zipfile.ZipFile(Adapter().write(run, self.workspace, to).path) as archive:
            archive.extractall(to / "adapter")
        adapter = self._logits(with_adapter(load(self.source), to / "adapter" / "model"))
        if not torch.equal(adapter, self._logits(self._plain(run))):
            raise WrongError("the exported adapter answers unlike the run's")
        if away(adapter, self._logits(self._plain())) < SAME_LOGITS:
            raise WrongError("the adapter changes nothing")
        try:
            merged = self._logits(load(Merged().write(run, self.workspace, to).path))
        except FinetuneError as error:
            return f"adapter; merged refused: {error.message}"
        if (far := away(merged, adapter)) > SAME_LOGITS:
            raise WrongError(f"merged logits differ by {far:.2g} standard deviations")
        return "adapter, merged"

    def _trained(self, adapter: str, rows: str = "uneven.jsonl", **settings) -> Run:
        from finetune.training.train import train

        training = {"max_steps": 2, "batch_size": ROWS, "learning_rate": 5e-3, "length": 200}
        values = {
            "name": adapter,
            "model": {"id": self.name},
            "data": {"path": str(self.folder / rows), "held_out": str(self.folder / "held-out.jsonl")},
            "adapter": {"type": adapter},
            "training": training | settings,
            "evaluation": {"times": 1, "max_tokens": 4, "keep": "last", "prompts": ["What of the sea?"]},
        }
        run = self.workspace.create(Recipe.from_dict(values))
        with run.held():
            train(run, self.workspace)
        return run

    @cached_property
    def _exact_run(self) -> Run:
        peaks = []
        with measuring(peaks):
            run = self._trained("lora", "even.jsonl", precision="fp32", packing=False)
        self._peak = peaks[-1]
        return run

    @cached_property
    def _packed_run(self) -> Run:
        return self._trained("qlora")

    @cached_property
    def _strong_run(self) -> Run:
        """The run in fp32 with its matrices B replaced by larger ones."""
        from safetensors.torch import load_file, save_file

        file = self._exact_run.model_dir / "adapter_model.safetensors"
        torch.manual_seed(1)
        weights = {
            name: torch.randn_like(weight) * STRENGTH if "lora_B" in name else weight
            for name, weight in load_file(file).items()
        }
        save_file(weights, file, metadata={"format": "pt"})
        return self._exact_run

    def _plain(self, run: Run | None = None, quantized: Recipe | None = None):
        """The base, or the tuned model of ``run``, in plain Transformers and PEFT."""
        from bitsandbytes.nn import Linear4bit

        options = {}
        if quantized:
            options["quantization_config"] = quantized.adapter.quantization()
            options["quantization_config"].llm_int8_skip_modules = kept_whole(self.source) or None
        base = load(self.source, **options)
        for layer in base.modules():
            if isinstance(layer, Linear4bit):  # its kernel for bf16 takes no width that 64 does not divide
                layer.support_avx512bf16_for_cpu = False
        if quantized and getattr(base.config, "rescale_every", 0):
            base.config.rescale_every = 0  # against overflows in fp16; Transformers' own code for four bits raises
        return base if run is None else with_adapter(base, run.model_dir)

    @cached_property
    def _rows(self) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Tokens (1, T), and which of them are the answer's (T,), of each held-out row."""
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(self.source)
        rows = [
            tokenizer.apply_chat_template(row["messages"], return_dict=True, return_assistant_tokens_mask=True)
            for row in self.held_out
        ]
        return [(torch.tensor([row["input_ids"]]), torch.tensor(row["assistant_masks"]).bool()) for row in rows]

    def _check_losses(self, run: Run, base, tuned, most: float) -> None:
        """``WrongError`` unless two steps were taken and the losses before and after are those of plain models."""
        view = run.view()
        if (view.state, view.step, [each.step for each in view.evaluations]) != ("done", 2, [0, 2]):
            raise WrongError(f"{view.state} after step {view.step}")
        for when, model, evaluation in zip(("before", "after"), (base, tuned), view.evaluations):
            expected = self._loss(model)
            if not abs(evaluation.loss - expected) <= most * expected:
                raise WrongError(f"held-out loss {when}: {evaluation.loss:.4f} in place of {expected:.4f}")
        if view.evaluations[0].loss == view.evaluations[1].loss:
            raise WrongError("nothing was learnt")

    def _loss(self, model) -> float:
        """The mean loss of the held-out answers' tokens, each row read alone."""
        losses = []
        with torch.no_grad():
            for ids, is_answer in self._rows:
                logits = model(input_ids=ids).logits[0, :-1].float()
                losses.append(cross_entropy(logits, ids[0, 1:], reduction="none")[is_answer[1:]])
        return torch.cat(losses).mean().item()

    def _logits(self, model) -> torch.Tensor:
        with torch.no_grad():
            return model(input_ids=self._rows[1][0]).logits.float()


def quiet() -> None:
    """No warnings of libraries: hundreds of models with random weights give thousands of them."""
    import logging
    import warnings

    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)


def chat(word: str) -> dict:
    return {
        "messages": [
            {"role": "user", "content": f"What of the {word}?"},
            {"role": "assistant", "content": f"Arr, the {word}!"},
        ]
    }


def write(path: Path, rows: list[dict]) -> None:
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")


def words_of(trial) -> str:
    """What ``trial`` returns, or how it failed: refused in words, wrong, or crashed."""
    try:
        return trial()
    except FinetuneError as error:
        return f"refused: {error.message}"
    except WrongError as error:
        return f"wrong: {error}"
    except Exception as error:
        return f"crash: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"


def load(folder: Path, **options):
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **options).eval()


def with_adapter(base, folder: Path):
    from peft import PeftModel

    return PeftModel.from_pretrained(base, folder).eval()


def away(logits: torch.Tensor, others: torch.Tensor) -> float:
    """The most that a logit differs, in standard deviations of the ``others``."""
    return ((logits - others).abs().max() / others.std()).item()


def greedy(model, prompt: list[int]) -> list[int]:
    """The next ``TOKENS`` tokens, each from the whole text before it, so that no cache takes part."""
    ids = list(prompt)
    with torch.no_grad():
        for _ in range(TOKENS):
            ids.append(int(model(input_ids=torch.tensor([ids])).logits[0, -1].argmax()))
    return ids[len(prompt) :]


def measuring(peaks: list[int]):
    """A context in which each training step appends the most bytes that tensors took during it, weights included.

    TRL reserves logits for a vocabulary of 32,768; what a smaller one never touches of them takes no memory.
    """
    from transformers import Trainer

    from finetune.fit.profile import AllocationLedger

    plain = Trainer.training_step

    def training_step(self, *given, **named):
        width = self.model.get_output_embeddings().weight.shape[0]
        chunk = mock.patch.object(trl.trainer.utils, "_CHUNKED_LOGPROB_CHUNK_SIZE", width)
        with chunk, AllocationLedger() as ledger:
            kept = [*self.model.parameters(), *self.model.buffers()]
            kept += [value for state in self.optimizer.state.values() for value in state.values()]
            for tensor in kept:
                tensor.detach()
            loss = plain(self, *given, **named)
            peaks.append(ledger.mark()[0])
        return loss

    return mock.patch.object(Trainer, "training_step", training_step)
