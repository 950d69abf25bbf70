"""The Method tab: the training method, the model, the settings, and the button that starts the run.

tab             its components and events
presets         named pairs of method and adapter, from ``assets/recipes/``
radios          the presets as radio buttons
models          the models to start from
fit             will it fit, and how long will it take
sweep           a recipe with lists: a hyper-parameter sweep
"""
