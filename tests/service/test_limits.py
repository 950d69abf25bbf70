import pytest

from finetune.errors import RunError
from finetune.service.limits import Limits

FEW = Limits(each=2, in_all=4)


@pytest.mark.threat("T41", "S4")
def test_one_person_leaves_room_for_others(owner="ana"):
    FEW.require_room(["ana", "ben", "ben"], owner)
    with pytest.raises(RunError, match=r"^2 runs of yours wait already; at most 2 may\. Try again"):
        FEW.require_room(["ana", "ana"], owner)
    FEW.require_room(["ana", "ana"], "ben")


@pytest.mark.threat("T41", "S4")
def test_all_together_leave_waiting_only_so_many():
    for owner in ("dan", None):
        with pytest.raises(RunError, match=r"^4 runs wait already; at most 4 may\."):
            FEW.require_room(["ana", "ben", "cem", None], owner)


def test_where_nobody_signs_in_only_the_sum_counts_and_the_largest_sweep_fits():
    FEW.require_room([None] * 3, None)
    Limits().require_room([None] * 30, None, 64)
    with pytest.raises(RunError, match="1 run waits already, and these are 4 more; at most 4 may"):
        FEW.require_room([None], None, 4)
