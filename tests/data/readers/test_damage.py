from pathlib import Path

import pytest
from pyarrow.lib import ArrowMemoryError

from finetune.data.readers.damage import damaged
from finetune.errors import DataError

PATH = Path("folder/rows.pdf")


@pytest.mark.parametrize("error", [ValueError("No end. More."), KeyError("No end"), ArrowMemoryError("No end")])
def test_whatever_is_raised_becomes_a_sentence_with_what_to_do(error):
    with pytest.raises(DataError, match=r"^rows\.pdf is a damaged PDF document: .*No end") as caught:
        with damaged(PATH, "PDF document", "Save it again."):
            raise error
    assert caught.value.hint == "Save it again."


@pytest.mark.parametrize("error", [DataError("It has no rows.", "Add some."), MemoryError()])
def test_what_is_no_fault_of_the_file_stays_as_it_is(error):
    with pytest.raises(type(error)) as caught, damaged(PATH):
        raise error
    assert caught.value is error
