import pytest

from finetune.exports.llama_cpp import writing
from tests.exports.llama_cpp.tiny_families import write_family


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    """Writes a tiny model of a family and its GGUF file in f16; gives the folder and the file."""
    from transformers import AutoTokenizer

    done = {}

    def write(name: str):
        if name not in done:
            folder = write_family(name, tmp_path_factory.mktemp("family"))
            file = folder.with_suffix(".gguf")
            writing.write(folder, AutoTokenizer.from_pretrained(folder), file, "f16", name)
            done[name] = folder, file
        return done[name]

    return write
