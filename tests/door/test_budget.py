from dataclasses import asdict

import pytest

from finetune.door.budget import Budget
from finetune.door.options import Door


def test_others_get_no_more_than_the_owner_of_a_machine():
    local, shared = asdict(Budget.local()), asdict(Budget.shared())
    assert [name for name in local if shared[name] > local[name]] == []
    assert shared != local


@pytest.mark.parametrize("budget", [Budget.local(), Budget.shared(), Budget.shared(is_behind_proxy=True)])
def test_the_figures_agree_with_each_other(budget):
    assert (
        budget.file_bytes <= budget.upload_bytes <= budget.arriving_bytes and budget.upload_bytes <= budget.hour_bytes
    )
    for each, total in (
        (budget.uploads_each, budget.uploads),
        (budget.streams_each, budget.streams),
        (budget.at_work_each, budget.at_work),
        (budget.connections_each, budget.connections),
    ):
        assert each <= total
    assert budget.streams < budget.connections, "who only listens must not keep others from asking"


def test_one_visitor_of_a_shared_server_cannot_take_everything():
    budget = Budget.shared()
    assert budget.uploads_each < budget.uploads and budget.streams_each < budget.streams
    assert budget.at_work_each < budget.at_work and budget.connections_each < budget.connections


def test_a_large_data_file_fits_where_nobody_else_comes_in():
    assert Door().budget.file_bytes == 2 * 2**30
    assert Door(is_shared=True).budget.file_bytes <= 256 * 2**20


def test_behind_a_proxy_all_connections_come_from_one_address():
    assert Door(is_shared=True, is_space=True).budget.connections_each == Budget.shared().connections
