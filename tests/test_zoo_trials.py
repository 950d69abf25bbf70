"""The trials of the table of architectures, on one of them; ``python -m tests.zoo_table`` runs them on all."""

import pytest

from tests.zoo_table import is_bad
from tests.zoo_trials import Trials


@pytest.mark.parametrize("name", ["cohere2"])
def test_every_trial_of_an_architecture_ends_as_the_plain_libraries_do(name, tmp_path):
    cells = Trials(name, tmp_path).cells()
    assert set(cells) == {"lora", "qlora", "full", "estimate", "packing", "compare", "export"}
    assert not {trial: words for trial, words in cells.items() if is_bad(words)}
