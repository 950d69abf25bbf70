"""Tiny random models of every family that is written as GGUF, with tokenizers as theirs split texts."""

import json
from pathlib import Path

from finetune.exports.llama_cpp.splitting import EXPRESSIONS

CORPUS = (
    "The sea is wide, and the ship sails on. What of 12 monkeys and 345 geese? They're fine, we'll see! "
    "Größe, naïve, déjà vu; нещо на Български; 我想在apple工作; 🚀 to the moon 🦙🦙.\n\n\tdef add(a, b):\n        return a + b\n"
    "SYSTEM user assistant question answer "
) * 4
TEXTS = (
    "The sea is wide.",
    " two  spaces   and\n\nlines\n \n \ttabs",
    "3 33 333 3333 3.3 1,234,567",
    "naïve déjà vu Größe нещо 我想在apple工作 🚀🦙 é",
    "I've TOLD you 'RE sure we'LL see?!... ''quotes''",
    "def add(a, b):\n        return a + b\n",
    "x",
    "",
)
"""Unicode, digits, spaces, contractions, code."""
QWEN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA = QWEN.replace(r"|\p{N}|", r"|\p{N}{1,3}|")
CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
LLAMA_3 = (
    "{{ bos_token }}{% for m in messages %}{{ '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n' "
    "+ m['content'] | trim + '<|eot_id|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
GEMMA = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set first = messages[0]['content'] + '\n\n' %}"
    "{% set rest = messages[1:] %}{% else %}{% set first = '' %}{% set rest = messages %}{% endif %}"
    "{% for m in rest %}{{ '<start_of_turn>' + ('model' if m['role'] == 'assistant' else m['role']) + '\n' "
    "+ (first if loop.first else '') + m['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
MISTRAL = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set system = messages[0]['content'] %}"
    "{% set rest = messages[1:] %}{% else %}{% set system = '' %}{% set rest = messages %}{% endif %}"
    "{% for m in rest %}{% if m['role'] == 'user' %}{{ '[INST] ' }}{% if loop.last and system %}"
    "{{ system + '\n\n' }}{% endif %}{{ m['content'] + '[/INST]' }}"
    "{% else %}{{ ' ' + m['content'] + eos_token }}{% endif %}{% endfor %}"
)
PHI = (
    "{% for m in messages %}{{ '<|' + m['role'] + '|>\n' + m['content'] + '<|end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
)
"""Chat templates, as the families write turns."""

COMMON = {
    "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 256, "initializer_range": 0.2,
}  # fmt: skip
GEMMAS = {"head_dim": 32, "query_pre_attn_scalar": 32, "sliding_window": 16}
SHORT, LONG = [1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
TINY = {
    "llama": ("llama", "llama-2", {"tie_word_embeddings": False}),
    "llama 3": ("llama", "llama-3", {"rope_parameters": {
        "rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 64}, "attention_bias": True}),
    "smollm": ("llama", "smollm", {"tie_word_embeddings": True}),
    "linear": ("llama", "llama-2", {"rope_parameters": {"rope_type": "linear", "rope_theta": 1e4, "factor": 2.0}}),
    "mistral": ("mistral", "mistral", {"head_dim": 32, "sliding_window": None}),
    "mistral with a window": ("mistral", "mistral", {"sliding_window": 128}),
    "nemo": ("llama", "tekken", {"head_dim": 32}),
    "gpt-4o": ("llama", "gpt-4o", {}),
    "gpt-2": ("llama", "gpt-2", {}),
    "phi 4": ("phi3", "dbrx", {"sliding_window": None, "pad_token_id": 0}),
    "smollm3": ("smollm3", "llama-3", {"num_hidden_layers": 4, "pad_token_id": 0}),
    "qwen2": ("qwen2", "qwen", {"tie_word_embeddings": True}),
    "yarn": ("qwen2", "qwen", {"rope_parameters": {
        "rope_type": "yarn", "rope_theta": 1e6, "factor": 4.0, "original_max_position_embeddings": 64}}),
    "qwen3": ("qwen3", "qwen", {"head_dim": 32}),
    "gemma": ("gemma", "gemma", {"head_dim": 32}),
    "gemma2": ("gemma2", "gemma", GEMMAS),
    "gemma3": ("gemma3_text", "gemma", GEMMAS | {"num_hidden_layers": 7}),
    "phi3": ("phi3", "phi", {"sliding_window": None, "pad_token_id": 0}),
    "phi4 mini": ("phi3", "phi", {"sliding_window": None, "pad_token_id": 0, "original_max_position_embeddings": 256,
        "max_position_embeddings": 1024,
        "rope_parameters": {"rope_type": "longrope", "rope_theta": 1e4, "short_factor": SHORT, "long_factor": LONG}}),
}  # fmt: skip
"""By a name: the ``model_type``, the tokenizer, and what the config has beside ``COMMON``."""

SPECIAL = {
    "llama-2": (["<unk>", "<s>", "</s>"], None),
    "mistral": (["<unk>", "<s>", "</s>", "[INST]", "[/INST]"], MISTRAL),
    "gemma": (["<pad>", "</s>", "<s>", "<unk>", "<start_of_turn>", "<end_of_turn>"], GEMMA),
    "phi": (["<unk>", "<s>", "</s>", "<|endoftext|>", "<|user|>", "<|system|>", "<|assistant|>", "<|end|>"], PHI),
    "llama-3": (["<s>", "</s>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"], LLAMA_3),
    "qwen": (["</s>", "<|im_start|>", "<|im_end|>"], CHATML),
    **{
        kind: (["<s>", "</s>", "<|im_start|>", "<|im_end|>"], CHATML)
        for kind in ("smollm", "tekken", "gpt-4o", "gpt-2", "dbrx")
    },
}
"""The special tokens and the chat template of each tokenizer."""


def tokenizer(kind: str):
    """A tokenizer that splits texts as ``kind`` does, trained on ``CORPUS``."""
    from transformers import PreTrainedTokenizerFast

    special, template = SPECIAL[kind]
    raw = _pieces(kind, special) if kind in ("llama-2", "mistral", "gemma", "phi") else _bytes(kind)
    _add_special(raw, kind, special)
    given = {name: token for name, token in (("bos_token", "<s>"), ("unk_token", "<unk>")) if token in special}
    found = PreTrainedTokenizerFast(tokenizer_object=raw, eos_token="</s>", **given, model_max_length=256)
    found.chat_template = template
    return found


def _bytes(kind: str):
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    raw = Tokenizer(models.BPE(ignore_merges=kind in ("llama-3", "tekken")))
    by_name = {name: expression for (expression, _), name in EXPRESSIONS.items()}
    expression = {"llama-3": LLAMA, "qwen": QWEN, "dbrx": LLAMA}.get(kind) or by_name.get(kind)
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=expression is None)
    first = [pre_tokenizers.Split(Regex(expression), "isolated")] if expression else []
    if kind == "smollm":
        first = [pre_tokenizers.Digits(individual_digits=True)]
    if kind == "qwen":
        raw.normalizer = normalizers.NFC()
    raw.pre_tokenizer, raw.decoder = pre_tokenizers.Sequence([*first, level]), decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    raw.train_from_iterator(
        [CORPUS], trainers.BpeTrainer(vocab_size=500, initial_alphabet=alphabet, show_progress=False)
    )
    return raw


def _pieces(kind: str, special: list[str]):
    """A BPE as SentencePiece makes it, with bytes for what has no piece."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    learnt = Tokenizer(models.BPE())
    learnt.normalizer = normalizers.Replace(" ", "▁")
    learnt.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    learnt.train_from_iterator([CORPUS], trainers.BpeTrainer(vocab_size=220, show_progress=False))
    model = json.loads(learnt.to_str())["model"]
    pieces = [piece for piece, _ in sorted(model["vocab"].items(), key=lambda each: each[1])]
    vocab = {token: n for n, token in enumerate([*special, *(f"<0x{n:02X}>" for n in range(256)), *pieces])}
    merges = [tuple(pair) for pair in model["merges"]]
    raw = Tokenizer(models.BPE(vocab, merges, byte_fallback=True, fuse_unk=True, unk_token="<unk>"))
    if kind in ("llama-2", "phi"):
        raw.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    elif kind == "gemma":
        raw.normalizer = normalizers.Replace(" ", "▁")
    else:
        raw.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    raw.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    return raw


def _add_special(raw, kind: str, special: list[str]) -> None:
    from tokenizers import AddedToken, processors

    swallows = {"<|user|>", "<|system|>", "<|assistant|>", "<|end|>", "</s>"} if kind == "phi" else set()
    raw.add_special_tokens([AddedToken(token, normalized=False, rstrip=token in swallows) for token in special])
    raw.add_tokens([AddedToken("<<own>>", normalized=False)])
    if kind in ("llama-2", "llama-3", "mistral", "gemma"):
        raw.post_processor = processors.TemplateProcessing(
            single="<s> $A", special_tokens=[("<s>", raw.token_to_id("<s>"))]
        )


def write_family(name: str, folder: Path) -> Path:
    """The tiny model called ``name`` in ``TINY``, with weights that f16 holds exactly, written to ``folder``."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    kind, words, own = TINY[name]
    made = tokenizer(words)
    ids = {"vocab_size": len(made) + 3, "bos_token_id": made.bos_token_id, "eos_token_id": made.eos_token_id}
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **COMMON | ids | own))
    for parameter in model.parameters():
        if parameter.ndim == 1:
            torch.nn.init.normal_(parameter, 0.5, 0.2)
    model.half().save_pretrained(folder)
    made.save_pretrained(folder)
    return folder
