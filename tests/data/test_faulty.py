import pickle

import pytest

from finetune.data.faulty import Faulty
from finetune.data.formats.format import RowError, cell, optional_text


def test_a_fault_is_judged_when_its_value_is_read():
    row = {"prompt": "x", "score": Faulty("It contains NaN.")}
    assert optional_text(row, "prompt") == "x"
    for read in (cell, optional_text):
        with pytest.raises(RowError, match=r'Column "score": It contains NaN\.'):
            read(row, "score")


def test_it_is_stored_as_it_is():
    fault = Faulty("It is nested too deeply.")
    assert pickle.loads(pickle.dumps(fault)) == fault and str(fault) == "It is nested too deeply."
