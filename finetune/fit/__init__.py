"""Will it fit, and how long will it take: told before a run begins, and measured on request.

estimate    memory and time of a recipe from the model's config alone
profile     the memory of one step, from a dry run with tensors that have no memory
time        how long a run takes, from the amounts of its work
capacity    fits, tight or won't fit: on this machine and on the usual GPUs
suggest     the smallest change of a recipe that makes it fit
relative    what each method and each adapter costs against SFT with LoRA
probe       a few real steps, measured in a process of their own
"""
