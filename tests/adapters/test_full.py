from finetune.adapters.full import Full


def test_full_trains_the_base_and_quantises_nothing():
    full = Full()
    assert full.trains_base() and full.peft_config() is None and full.quantization() is None
