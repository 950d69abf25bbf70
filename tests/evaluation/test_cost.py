import pytest

from finetune.evaluation.cost import POWER, cost, energy_kwh
from finetune.runs.events import Ended, Started, Stepped
from finetune.runs.view import fold


def steps(*readings):
    """Steps at (seconds, watts); None for a step without a reading."""
    return [
        Stepped(
            step=n, epoch=0, loss=1, learning_rate=0, elapsed_s=seconds, gauges={} if watts is None else {POWER: watts}
        )
        for n, (seconds, watts) in enumerate(readings, 1)
    ]


def test_energy_is_power_over_the_training_time():
    assert energy_kwh(steps((0, 1000), (3600, 1000))) == pytest.approx(1.0)
    assert energy_kwh(steps((1800, 100), (3600, 300))) == pytest.approx((1800 * 100 + 1800 * 200) / 3.6e6)
    assert energy_kwh(steps((0, 500), (1800, None), (3600, 500))) == pytest.approx(0.5)


def test_a_machine_that_does_not_tell_its_power_gives_no_energy():
    assert energy_kwh(steps((10, None), (20, None))) is None and energy_kwh(steps((10, 100))) is None


def test_money_is_for_the_whole_run_and_only_at_a_price():
    view = fold([Started(at=100.0, device="CPU"), *steps((10, None)), Ended(at=1900.0, state="done")])
    assert cost(view).money is None
    found = cost(view, price=4.0)
    assert (found.training_s, found.total_s, found.money) == (10, 1800, 2.0)


def test_a_run_that_has_not_ended_costs_what_it_has_trained():
    found = cost(fold([Started(at=100.0, device="CPU"), *steps((36, None))]), price=100.0)
    assert found.total_s is None and found.money == 1.0
