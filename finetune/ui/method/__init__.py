"""The Method tab: the training method, the model, the settings, and the button that starts the run.

tab             its components and events
presets         named pairs of method and adapter, from ``assets/recipes/``
radios          the presets as radio buttons
advisor         the fold “Help me choose”
axes            the fold “All methods”: its components and events
catalog         all methods and all adapters as two lists of cards
rewards         the fold “Rewards”: what counts as a good answer, and what the base earns
costs           what each card costs against SFT with LoRA
models          the models to start from
fit             will it fit, and how long will it take
recipe_box      the recipe in YAML, with the ways in and out
sweep           a recipe with lists: a hyper-parameter sweep
"""
