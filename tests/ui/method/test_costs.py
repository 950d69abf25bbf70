import pytest

from finetune.adapters import ADAPTERS
from finetune.data.counts import Counts
from finetune.data.settings import DataSettings
from finetune.fit.relative import Cost
from finetune.methods import METHODS
from finetune.recipe import ModelSettings
from finetune.ui.data.desk import Chosen
from finetune.ui.method import costs
from finetune.ui.method.costs import against

LORA = Cost(2 * 2**30, 100.0)
CHATS = Chosen(DataSettings(path="x.jsonl"), "x", "chat", Counts(300, 60, 9000))
STARTER = ModelSettings(id="starter")


@pytest.mark.parametrize(
    "one, words",
    [
        (Cost(2**30, 140.0), "0.5 × the memory and 1.4 × the time of SFT with LoRA."),
        (Cost(30 * 2**30, 100.0), "15 × the memory and 1.0 × the time of SFT with LoRA."),
        (Cost(0, 140.0), "1.4 × the time of SFT with LoRA. Its memory can only be measured."),
        (Cost(2**30, None), "0.5 × the memory of SFT with LoRA. Its time can only be measured."),
        (Cost(), "Its memory and time can only be measured."),
    ],
)
def test_a_cost_is_told_against_that_of_sft_with_lora(one, words):
    assert against(one, LORA) == words


def test_sft_with_lora_itself_has_its_figures():
    assert against(LORA, LORA) == "About 2.0 GB of memory and 2 min here; the others are compared with this."
    assert against(Cost(), Cost()) == "Memory and time can only be measured."


@pytest.fixture
def estimated(monkeypatch):
    """What was estimated: (length, pair), each at a cost of its own."""
    asked = []

    def cost(setting, pair, workspace):
        asked.append((setting.length, pair))
        return Cost(2**20 * len(asked), 10.0)

    monkeypatch.setattr(costs, "cost", cost)
    monkeypatch.setattr(costs, "EVERY_S", 0.0)
    return asked


def test_every_card_is_estimated_once_for_each_length_and_shows_so_before(studio, estimated):
    first, *_, last = costs.costs(studio, True, CHATS, STARTER, 512)
    cards = len(METHODS) + len(ADAPTERS)
    assert first.count(costs.WAITING) == cards and costs.WAITING not in last and last.count("data-cost=") == cards
    assert len(estimated) == len(set(estimated))
    before = len(estimated)
    list(costs.costs(studio, True, CHATS, STARTER, 512))
    assert len(estimated) == before
    list(costs.costs(studio, True, CHATS, STARTER, 256))
    assert len(estimated) == 2 * before


def test_nothing_is_estimated_while_the_fold_is_closed_or_there_is_no_data(studio, estimated):
    assert list(costs.costs(studio, False, CHATS, STARTER, 512)) == []
    (only,) = costs.costs(studio, True, None, STARTER, 512)
    assert costs.NO_DATA in only and estimated == []


def test_a_model_that_was_not_inspected_says_so(studio, estimated):
    (only,) = costs.costs(studio, True, CHATS, ModelSettings(id="nobody/nothing"), 512)
    assert costs.UNKNOWN in only and estimated == []
