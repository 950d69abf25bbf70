"""A saved adapter, to be trained further."""


def trainable_adapter(base, folder):
    """A ``PeftModel``: ``base`` with the adapter that was saved in ``folder``, to be trained further.

    PEFT refuses to load a prefix for training; its values go into a new one. An exported script repeats this source.
    """
    from peft import PeftConfig, PeftModel, get_peft_model, load_peft_weights, set_peft_model_state_dict

    config = PeftConfig.from_pretrained(str(folder))
    if not config.is_prompt_learning:
        return PeftModel.from_pretrained(base, str(folder), is_trainable=True)
    config.inference_mode = False
    tuned = get_peft_model(base, config)
    set_peft_model_state_dict(tuned, load_peft_weights(str(folder), device="cpu"))
    return tuned
