"""The checklist of an upgrade: each private name of a library is declared, and the installed version has it."""

import ast
import importlib
import inspect
import re
import sys
from functools import cache

import pytest
import torch

from finetune import compat
from finetune.adapters import ADAPTERS
from finetune.compat import WRAPPED
from finetune.fit.stand_ins import CHUNK_TOKENS, CHUNK_VOCABULARY
from finetune.in_place import IN_PLACE
from finetune.methods import METHODS, dpo, kto, pairs
from finetune.paths import PROJECT
from finetune.private import PrivateName
from finetune.training.trainer import durable, scores_trained_tokens_only

DOCUMENTED = {"_exit", "_fields", "_asdict", "_replace"}
"""Names with an underscore that Python's documentation promises: of ``os`` and of named tuples."""

OVERRIDDEN = {entry for each in (*METHODS.values(), *ADAPTERS.values()) for entry in each.overrides}
DECLARED = [*IN_PLACE, *sorted(OVERRIDDEN, key=lambda entry: entry.path)]
"""The names that are used where they stand, those that methods and adapters need overridden among them."""
NAMES = [*WRAPPED, *DECLARED]
"""The checklist: every private name of a library that this program uses."""

FILES = sorted((PROJECT / "finetune").rglob("*.py"))
COMPAT = PROJECT / "finetune" / "compat.py"


def resolved(path: str):
    """What the dotted ``path`` names: from the longest part of it that is a module, attribute by attribute."""
    parts = path.split(".")
    for n in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:n]))
        except ImportError:
            continue
        for part in parts[n:]:
            found = getattr(found, part)
        return found
    raise AttributeError(path)


def is_set_on_instances(path: str) -> bool:
    """True if the class in ``path``, or one that it inherits from, assigns the attribute to ``self``."""
    owner, _, name = path.rpartition(".")
    sources = "\n".join(inspect.getsource(cls) for cls in resolved(owner).__mro__ if cls is not object)
    return re.search(rf"\bself\.{name}\b[^=\n]*=[^=]", sources) is not None


def identified(entry: PrivateName) -> str:
    return f"{entry.path}-{entry.used_in.rpartition('.')[2]}"


@pytest.mark.parametrize("entry", NAMES, ids=identified)
def test_the_installed_library_has_the_name_with_these_parameters(entry):
    try:
        found = resolved(entry.path)
    except AttributeError:
        assert entry.parameters is None and is_set_on_instances(entry.path), f"{entry.path} is gone: {entry.reason}"
        return
    if entry.parameters is not None:
        assert tuple(inspect.signature(found).parameters) == entry.parameters, entry.reason


@pytest.mark.parametrize("entry", NAMES, ids=identified)
def test_an_entry_names_its_user_and_its_reason(entry):
    assert re.search(r"\bwithout\b", entry.reason, re.IGNORECASE), "what breaks without it?"
    user, owner = resolved(entry.used_in), entry.path.split(".")[-2]
    assert entry in DECLARED or entry.used_in.startswith("finetune.compat.")
    if entry.name != "add_fused_lm_head":  # its effect is read, not its name
        assert {entry.name, owner} & set(re.findall(r"\w+", inspect.getsource(user)))


def test_a_missing_name_and_another_signature_are_found():
    with pytest.raises(AttributeError):
        resolved("transformers.Trainer._save_checkpoints")
    assert not is_set_on_instances("transformers.PreTrainedModel.all_tied_weight_keys")


@cache
def own_names() -> set[str]:
    """Every private name that this program defines itself: functions, variables, attributes of ``self``."""
    found = set()
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.add(node.id)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and is_self(node.value):
                found.add(node.attr)
    return {name for name in found if is_private(name)} - {entry.name for entry in NAMES}


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name != "_"


def is_self(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def private_uses(source: str) -> set[str]:
    """The private names in ``source`` that are attributes, or strings for ``getattr`` and its like, or imported."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("getattr", "setattr", "hasattr"):
            found |= {
                each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str)
            }
        elif isinstance(node, ast.ImportFrom | ast.Import):
            modules = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            found |= {part for module in modules for part in module.split(".")}
    return {name for name in found if is_private(name)}


@pytest.mark.parametrize(
    "path", [path for path in FILES if path != COMPAT], ids=lambda path: str(path.relative_to(PROJECT))
)
def test_no_private_name_of_a_library_is_used_outside_compat(path):
    module = ".".join(path.relative_to(PROJECT).with_suffix("").parts)
    allowed = {entry.name for entry in DECLARED if entry.used_in.startswith(module)}
    unknown = private_uses(path.read_text(encoding="utf-8")) - own_names() - DOCUMENTED - allowed
    assert not unknown, "give it a function in finetune/compat.py, or declare it in IN_PLACE or in Method.overrides"


def test_a_private_use_is_found():
    source = "from a import _b\nimport c._d\ne._f\ngetattr(g, '_h')\nself._i\nj.__k__"
    assert private_uses(source) == {"_b", "_d", "_f", "_h", "_i"}


def trainers() -> list[type]:
    from trl import DPOTrainer, KTOTrainer, SFTTrainer
    from trl.experimental.cpo import CPOTrainer
    from trl.experimental.orpo import ORPOTrainer

    classes = (SFTTrainer, DPOTrainer, KTOTrainer, ORPOTrainer, CPOTrainer)
    durables = [durable(cls, None, {}) for cls in classes]
    without = map(pairs.without_reference, durables[3:])
    return [durables[0], dpo.prepared(durables[1]), kto.prepared(durables[2]), *without]


@pytest.mark.parametrize("trainer", trainers(), ids=lambda trainer: trainer.__mro__[-2].__name__ + trainer.__name__)
def test_each_private_method_that_a_subclass_overrides_is_declared(trainer):
    ours = [cls for cls in trainer.__mro__ if cls.__module__.startswith("finetune.")]
    theirs = [cls for cls in trainer.__mro__ if cls not in ours]
    overridden = {name for cls in ours for name in vars(cls) if any(name in vars(other) for other in theirs)}
    assert {name for name in overridden if is_private(name)} <= {entry.name for entry in DECLARED}
    assert "_save_checkpoint" in overridden


def test_the_names_in_exported_source_are_declared():
    declared = {entry.used_in.rpartition(".")[2] for entry in DECLARED}
    assert declared >= {"ordered", "EpochOrder", "prepared", "keep_gradients"}
    assert {entry.used_in.partition(".")[0] for entry in NAMES} == {"finetune"}


def test_the_profile_has_the_tiles_of_trl():
    from trl.kernels import chunked_logprob
    from trl.trainer import utils

    assert (CHUNK_TOKENS, CHUNK_VOCABULARY) == (chunked_logprob.TOKEN_CHUNK_SIZE, utils._CHUNKED_LOGPROB_CHUNK_SIZE)


def test_compat_imports_no_library_until_it_is_called():
    imported = {
        alias.name
        for node in ast.parse(COMPAT.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    assert imported <= set(sys.stdlib_module_names)


def test_a_view_has_the_key_of_its_storage_and_another_tensor_has_not():
    one, other = torch.zeros(4), torch.zeros(4)
    with compat.fake_tensors():
        fake = torch.zeros(4)
        assert compat.storage_key(fake[1:].untyped_storage()) == compat.storage_key(fake.untyped_storage())
    assert compat.storage_key(one[1:].untyped_storage()) == compat.storage_key(one.untyped_storage())
    assert compat.storage_key(one.untyped_storage()) != compat.storage_key(other.untyped_storage())


def test_leaves_are_all_results_of_an_operation():
    one, other = torch.zeros(1), torch.ones(1)
    assert compat.leaves((one, [other, None])) == [one, other, None]


def test_a_layer_with_a_variant_or_a_bias_is_no_plain_lora():
    from peft import LoraConfig, get_peft_model

    def layer(**options):
        model = get_peft_model(torch.nn.Sequential(torch.nn.Linear(4, 4)), LoraConfig(target_modules=["0"], **options))
        return model.base_model.model[0]

    assert compat.is_plain_lora_layer(layer())
    assert not compat.is_plain_lora_layer(layer(use_dora=True))
    assert not compat.is_plain_lora_layer(layer(lora_bias=True))


def test_an_adapter_reads_what_autocast_reads(tiny_model):
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.bfloat16)
    torch.manual_seed(1)
    model = get_peft_model(base, LoraConfig(target_modules="all-linear", init_lora_weights=False))
    layer = model.get_base_model().model.layers[0].mlp.up_proj
    hidden, read = torch.randn(2, 5, 64, dtype=torch.bfloat16), []
    layer.lora_A["default"].register_forward_pre_hook(lambda _, given: read.append(given[0].dtype))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast_twice = layer(hidden)
        compat.cast_once(model)
        assert torch.equal(layer(hidden), cast_twice)
    assert read == [torch.float32, torch.bfloat16]


def test_trained_tokens_alone_are_scored_and_the_loss_is_the_same(tiny_model, monkeypatch):
    from transformers import AutoModelForCausalLM
    from trl.trainer import utils

    monkeypatch.setattr(utils, "_use_triton", utils._use_triton)  # is put back afterwards
    scored, score = [], utils._ChunkedLogProbFunction.apply
    monkeypatch.setattr(
        utils._ChunkedLogProbFunction, "apply", lambda hidden, *rest: scored.append(len(hidden)) or score(hidden, *rest)
    )
    model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    assert not compat.has_chunked_loss(model)
    utils.add_fused_lm_head(model, outputs=("log_probs", "entropy", "is_top1"))
    assert compat.has_chunked_loss(model)
    ids = torch.arange(2 * 9).view(2, 9)
    labels = ids.masked_fill(torch.arange(9) < 6, -100)

    def learn(labels):
        model.zero_grad()
        output = model(input_ids=ids, labels=labels, fused_lm_head=True)
        output.loss.backward()
        sums = torch.stack([output.loss, output.entropy.sum(), output.is_top1.sum()])
        return torch.cat([sums, model.get_input_embeddings().weight.grad.flatten()]).detach()

    compat.score_trained_tokens_only(lambda device: False)
    assert not compat.scores_trained_tokens_only(model.device)
    whole = learn(labels)
    compat.score_trained_tokens_only(scores_trained_tokens_only)
    assert compat.scores_trained_tokens_only(model.device)
    torch.testing.assert_close(learn(labels), whole)
    assert scored == [2 * 8, 2 * 3]
    assert not learn(torch.full_like(ids, -100)).any()


def test_a_model_without_the_chunked_loss_of_trl_has_its_own_forward(tiny_model):
    from transformers import AutoModelForCausalLM
    from trl.trainer import utils

    model = AutoModelForCausalLM.from_pretrained(tiny_model)
    utils.add_fused_lm_head(model)
    compat.remove_chunked_loss(model)
    assert model.forward.__func__ is type(model).forward
    compat.remove_chunked_loss(model)


def test_tied_weights_are_those_with_two_names(tiny_model):
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tiny_model)
    assert compat.tied_weights(model) == {"lm_head.weight": "model.embed_tokens.weight"}


def test_models_that_are_built_at_the_same_time_leave_no_trace_in_each_other(tiny_model, tmp_path):
    """Transformers puts back what it found: another thread's dtype, and a class without the tying of weights."""
    import json
    import shutil
    from concurrent.futures import ThreadPoolExecutor

    import torch

    from finetune.models.reading import from_files, require_complete
    from finetune.models.skeleton import skeleton

    tied = tmp_path / "tied"
    shutil.copytree(tiny_model, tied)
    config = json.loads((tied / "config.json").read_text()) | {"tie_word_embeddings": True}
    (tied / "config.json").write_text(json.dumps(config))

    def build(n):
        if n % 2:
            model = skeleton(tied, torch.bfloat16)
            return model.get_output_embeddings().weight is model.get_input_embeddings().weight
        model, info = from_files(tied, "tied", dtype=torch.float16)
        require_complete({key: value for key, value in info.items() if key != "unexpected_keys"}, "tied")
        return model.get_output_embeddings().weight is model.get_input_embeddings().weight

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(build, range(48)))
    assert torch.get_default_dtype() == torch.float32 and all(map(build, range(2)))
