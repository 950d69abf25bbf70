import ast
import json
import shutil
import struct
import time

import pytest

from finetune.errors import ModelError
from finetune.models.files import has_weights, read_config, require_files, require_safe_adapter, text_config
from finetune.models.loading import with_adapter
from finetune.paths import PROJECT
from tests.models.damage import POINTER


def refused(folder) -> str:
    with pytest.raises(ModelError) as caught:
        read_config(folder, "mine")
        require_files(folder, "mine")
    assert caught.value.hint
    return str(caught.value)


def test_a_whole_folder_is_accepted(tiny_model):
    assert read_config(tiny_model, "tiny")["model_type"] == "qwen2"
    require_files(tiny_model, "tiny")
    assert has_weights(tiny_model)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json"])
def test_a_pointer_of_git_is_called_what_it_is(broken, name):
    (broken / name).write_text(POINTER)
    assert f"{name} of the model mine is not the file itself but a pointer" in refused(broken)
    assert "git lfs pull" in refused(broken)


@pytest.mark.parametrize("left", [0.1, 0.5, 0.999])
def test_a_file_that_is_cut_off_is_said_with_its_sizes(broken, left):
    path = broken / "model.safetensors"
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * left)])
    assert "is incomplete: " in refused(broken) and "MB are there" in refused(broken)


@pytest.mark.parametrize("content", [b"", b"\x00" * 4, b"<!DOCTYPE html><html>", b"\xff" * 64, b"\x02\0\0\0\0\0\0\0[]"])
def test_what_is_no_safetensors_file_is_refused(broken, content):
    (broken / "model.safetensors").write_bytes(content)
    assert "is not a whole safetensors file" in refused(broken)


def test_a_missing_file_of_a_sharded_model_is_named(broken):
    weights = {"a": "model.safetensors", "b": "model-00002-of-00003.safetensors"}
    (broken / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weights}))
    assert "model-00002-of-00003.safetensors of the model mine is missing" in refused(broken)
    assert not has_weights(broken)


@pytest.mark.parametrize("index", ["[]", "{", '{"weight_map": []}', "null"])
def test_a_damaged_index_is_refused(broken, index):
    (broken / "model.safetensors.index.json").write_text(index)
    assert "model.safetensors.index.json of the model mine is damaged" in refused(broken)


def test_a_model_without_a_tokenizer_is_refused(broken):
    for file in broken.glob("*token*"):
        file.unlink()
    assert "has no tokenizer" in refused(broken)


def test_an_adapter_is_no_model(tmp_path):
    (tmp_path / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "owner/base"}))
    (tmp_path / "adapter_model.safetensors").write_bytes(b"")
    assert "mine is an adapter for owner/base, not a model" in refused(tmp_path)
    (tmp_path / "adapter_config.json").write_text("[")
    assert "mine is an adapter, not a model" in refused(tmp_path)


def test_a_gguf_file_is_no_model_that_can_be_trained(tmp_path):
    (tmp_path / "model-Q4_K_M.gguf").write_bytes(b"GGUF")
    assert "is a GGUF file" in refused(tmp_path)


@pytest.mark.parametrize("content", [None, "", "[]", "{", "\xff"])
def test_a_folder_without_a_readable_config_is_refused(broken, content):
    (broken / "config.json").unlink() if content is None else (broken / "config.json").write_text(content)
    assert "has no readable config.json" in refused(broken)


def test_other_formats_are_refused(broken):
    shutil.move(broken / "model.safetensors", broken / "pytorch_model.bin")
    assert "no safetensors weights" in refused(broken) and not has_weights(broken)


def test_the_text_part_of_a_config_is_found():
    assert text_config({"vocab_size": 3}) == {"vocab_size": 3}
    assert text_config({"text_config": {"vocab_size": 5}, "vision_config": {}}) == {"vocab_size": 5}


ELSEWHERE = [
    "pytorch_model.bin",
    "model.bin",
    "model.pt",
    "../other/model.safetensors",
    "../../model.safetensors",
    "/etc/passwd",
    "/tmp/model.safetensors",
    "sub/model.safetensors",
    "..\\other\\model.safetensors",
    "C:\\model.safetensors",
    "file:///tmp/model.safetensors",
    "model.safetensors\n",
    ".safetensors",
    "..safetensors",
    "model.safetensors/../../x.safetensors",
    "",
]


@pytest.mark.threat("S8", "T19")
@pytest.mark.parametrize("shard", ELSEWHERE)
def test_an_index_that_names_another_folder_or_a_pickle_is_refused(broken, shard):
    weights = {"a": "model.safetensors", "b": shard}
    (broken / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weights}))
    assert "which is no safetensors file beside it" in refused(broken)
    with pytest.raises(ModelError):
        has_weights(broken)


@pytest.mark.threat("S8")
@pytest.mark.parametrize(
    "index", ['{"weight_map": {"a": 1}}', '{"weight_map": {"a": ["x"]}}', "[" * 100_000, '{"weight_map": {"a": null}}']
)
def test_an_index_of_another_kind_is_refused(broken, index):
    (broken / "model.safetensors.index.json").write_text(index)
    assert "model.safetensors.index.json of the model mine" in refused(broken)


@pytest.mark.threat("T19")
@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "model.pkl", "model.ckpt", "training_args.bin"])
def test_a_pickle_beside_the_weights_is_never_opened(broken, tmp_path, name):
    import pickle

    from finetune.models.inspection import inspect

    class Canary:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    (broken / name).write_bytes(pickle.dumps(Canary()))
    assert inspect(broken, "mine").weights.tensors and not (tmp_path / "ran").exists()
    (broken / "model.safetensors").unlink()
    assert "has no safetensors weights" in refused(broken)


def written(header: object, data: int = 8, length: int | None = None) -> bytes:
    """A safetensors file with this header, and so many bytes behind it."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + b"\0" * data


def tensor(shape, start, end, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


HEADERS = {
    "a length of exabytes": written({"a": tensor([2], 0, 8)}, length=2**63),
    "a length of all bits": written({"a": tensor([2], 0, 8)}, length=2**64 - 1),
    "a length beyond the file": written({"a": tensor([2], 0, 8)}, length=10**6),
    "a length of a gigabyte": written({"a": tensor([2], 0, 8)}, length=10**9),
    "overlapping tensors": written({"a": tensor([2], 0, 8), "b": tensor([2], 0, 8)}),
    "tensors that overlap in part": written({"a": tensor([2], 0, 8), "b": tensor([2], 4, 12)}, 12),
    "an end before its start": written({"a": tensor([2], 8, 0)}),
    "negative places": written({"a": tensor([2], -8, 0)}),
    "more numbers than bytes": written({"a": tensor([10**15], 0, 8)}),
    "fewer numbers than bytes": written({"a": tensor([1], 0, 8)}),
    "a negative shape": written({"a": tensor([-2], 0, 8)}),
    "a shape of fractions": written({"a": tensor([2.0], 0, 8)}),
    "a shape of a thousand dimensions": written({"a": tensor([1] * 1000, 0, 4)}),
    "numbers of 5,000 digits": written(b'{"a": {"dtype": "F32", "shape": [' + b"9" * 5000 + b"]}}"),
    "a deep header": written(b"[" * 100_000),
    "a header without tensors": written({"__metadata__": {"format": "pt"}}),
    "places that are none": written({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0]}}),
}


@pytest.mark.threat("T27", "T19")
@pytest.mark.parametrize("content", HEADERS.values(), ids=HEADERS)
def test_a_header_that_lies_is_refused_at_once(broken, content):
    (broken / "model.safetensors").write_bytes(content)
    started = time.process_time()
    assert "is not a whole safetensors file" in refused(broken)
    assert time.process_time() - started < 1


@pytest.fixture
def adapter(tmp_path):
    """The folder of an adapter, without its weights."""
    from safetensors.torch import save_file
    from torch import zeros

    folder = tmp_path / "run" / "model"
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA", "auto_mapping": null}')
    save_file({"a": zeros(2, 2)}, folder / "adapter_model.safetensors")
    return folder


@pytest.mark.threat("T20")
def test_an_adapter_without_safetensors_is_refused_whether_it_is_harmless_or_not(adapter):
    import torch

    require_safe_adapter(adapter)
    (adapter / "adapter_model.safetensors").unlink()
    torch.save({"a": torch.zeros(2, 2)}, adapter / "adapter_model.bin")
    for call in (require_safe_adapter, lambda folder: with_adapter(None, folder)):
        with pytest.raises(ModelError, match="no adapter_model.safetensors"):
            call(adapter)


@pytest.mark.threat("T21")
@pytest.mark.parametrize(
    "config",
    [
        {"auto_mapping": {"parent_library": "os", "base_model_class": "system"}},
        {"megatron_config": {"a": 1}},
        {"megatron_core": "os.path"},
        {"auto_mapping": {"parent_library": "transformersx.evil", "base_model_class": "X"}},
    ],
)
def test_an_adapter_that_names_a_module_is_refused(adapter, config):
    (adapter / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", **config}))
    with pytest.raises(ModelError, match="names code to be loaded"):
        with_adapter(None, adapter)


def test_what_peft_writes_itself_names_no_code(adapter):
    usual = {"parent_library": "transformers.models.llava.modeling_llava", "base_model_class": "Llava"}
    config = {"peft_type": "LORA", "auto_mapping": usual, "megatron_core": "megatron.core", "megatron_config": None}
    (adapter / "adapter_config.json").write_text(json.dumps(config))
    assert require_safe_adapter(adapter) is None


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000])
def test_an_adapter_without_a_config_is_refused(adapter, text):
    (adapter / "adapter_config.json").write_text(text)
    with pytest.raises(ModelError, match="no readable adapter_config.json"):
        require_safe_adapter(adapter)


@pytest.mark.threat("T19", "T20", "T22")
def test_every_model_is_read_from_safetensors_and_runs_no_code_of_its_own():
    """Whatever loads a model or a tokenizer says so; exported scripts, which others run, are not meant."""
    loose = []
    for path in sorted((PROJECT / "finetune").rglob("*.py")):
        if "exports" in path.parts or "starter" in path.parts or path.name in ("usage.py", "bottleneck_adapter.py"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = node.func if isinstance(node, ast.Call) else None
            if not isinstance(called, ast.Attribute) or called.attr not in ("from_pretrained", "load", "from_config"):
                continue
            owner, given = ast.unparse(called.value), {each.arg: ast.unparse(each.value) for each in node.keywords}
            if owner == "torch":
                loose += [] if given.get("weights_only") == "True" else [f"{path.name}:{node.lineno}"]
            elif called.attr == "from_pretrained" and "Peft" not in owner:
                is_model = "Model" in owner or "auto_class" in owner
                wanted = {"trust_remote_code": "False", "local_files_only": "True"}
                wanted |= {"use_safetensors": "True"} if is_model else {}
                loose += [f"{path.name}:{node.lineno} {key}" for key in wanted if given.get(key) != wanted[key]]
    assert not loose
