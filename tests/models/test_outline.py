"""The outline of a model on a stub of the Hub: what Transformers sees of it, and how few bytes it takes."""

import json
import struct

import pytest

from finetune.errors import ModelError, UnreachableError
from finetune.models.inspection import inspect
from finetune.models.outline import FIRST_BYTES, draw, header
from finetune.models.remote import look_up
from finetune.recipe import ModelSettings
from tests.hub_stub import Repo

MODEL = ModelSettings(id="me/model")
WEIGHTS = "model.safetensors"


@pytest.fixture
def outline(tmp_path):
    """An empty folder."""
    folder = tmp_path / "outline"
    folder.mkdir()
    return folder


def large(folder, files, **changes):
    """The tiny model with a hidden size of 2048, its weights in a sparse file: gigabytes that take no space."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    config = json.loads(files["config.json"]) | {
        "hidden_size": 2048,
        "intermediate_size": 8192,
        "num_hidden_layers": 24,
    }
    config = {key: value for key, value in (config | changes).items() if key != "layer_types"}
    (folder / "config.json").write_text(json.dumps(config))
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder))
    tensors, end = {}, 0
    for name, tensor in model.named_parameters():
        tensors[name] = {"dtype": "BF16", "shape": list(tensor.shape), "data_offsets": [end, end + 2 * tensor.numel()]}
        end += 2 * tensor.numel()
    text = json.dumps(tensors).encode()
    path = folder / WEIGHTS
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + end)
    return {**files, "config.json": json.dumps(config).encode(), WEIGHTS: path}


def test_a_model_of_gigabytes_is_judged_by_less_than_a_percent_of_them(serve, files, tmp_path, outline):
    there = large(tmp_path, files)
    whole = there[WEIGHTS].stat().st_size
    with serve(Repo(there)) as hub:
        folder = draw(look_up(MODEL), outline)
        assert inspect(folder, "me/model").weights == inspect_plain(tmp_path)
    assert whole > 2 * 10**9 and hub.bytes_of(WEIGHTS) < whole / 1000
    assert sum(count for _, _, count in hub.sent) < whole / 100
    assert (folder / WEIGHTS).stat().st_size == whole and (folder / WEIGHTS).stat().st_blocks * 512 < 2**20


def inspect_plain(folder):
    """The facts by the plain library, from the file on this machine."""
    from math import prod

    from safetensors import safe_open

    from finetune.models.files import Weights

    with safe_open(folder / WEIGHTS, "pt") as opened:
        shapes = [opened.get_slice(name).get_shape() for name in opened.keys()]  # noqa: SIM118
    return Weights((folder / WEIGHTS).stat().st_size, sum(map(prod, shapes)), len(shapes), "BF16")


@pytest.mark.parametrize("has_ranges", [True, False])
def test_a_long_header_is_read_to_its_end(serve, files, has_ranges):
    names = {f"layer.{n}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for n in range(4000)}
    text = json.dumps(names).encode()
    whole = struct.pack("<Q", len(text)) + text
    assert len(whole) > 2 * FIRST_BYTES
    with serve(Repo({**files, WEIGHTS: whole + b"x" * 1000}, has_ranges=has_ranges)):
        remote = look_up(MODEL)
        assert header(remote, *remote.weights) == whole


@pytest.mark.parametrize(
    "content, words",
    [
        (b"", "is not a whole safetensors file"),
        (b"\x80\x02}q\x00X", "is not a whole safetensors file"),
        (b"\xff" * 2000, "is not a whole safetensors file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 988097824\n", "a pointer to it"),
    ],
)
def test_a_file_that_is_no_safetensors_is_refused_by_its_first_bytes(serve, files, outline, content, words):
    with serve(Repo({**files, WEIGHTS: content})), pytest.raises(ModelError) as caught:
        inspect(draw(look_up(MODEL), outline), "me/model")
    assert words in caught.value.message


def test_a_hub_that_breaks_off_is_nothing_against_the_model(serve, files, outline):
    with serve(Repo(files, breaks=[10])) as hub, pytest.raises(UnreachableError, match="was inspected"):
        draw(look_up(MODEL), outline)
    assert hub.bytes_of(WEIGHTS) == 10


def test_the_headers_of_many_shards_are_read_at_once(serve, files, outline):
    shards = {f"model-{n:05}-of-00030.safetensors": files[WEIGHTS] for n in range(30)}
    index = {"model.safetensors.index.json": json.dumps({"weight_map": {name: name for name in shards}}).encode()}
    small = {name: each for name, each in files.items() if name != WEIGHTS}
    with serve(Repo({**small, **shards, **index})) as hub:
        folder = draw(look_up(MODEL), outline)
    assert {path.name for path in folder.glob("*.safetensors")} == shards.keys()
    assert all(0 < hub.bytes_of(name) <= FIRST_BYTES for name in shards)
