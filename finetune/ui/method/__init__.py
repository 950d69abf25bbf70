"""The Method tab.

tab             its components and events
presets         named pairs of method and adapter, from ``assets/recipes/``
cards           the presets as radio buttons
models          the models to start from
fit             will it fit, and how long will it take
sweep           a recipe with lists
"""
