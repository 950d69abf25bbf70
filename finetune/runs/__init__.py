"""A run is a directory, and everything anyone knows of it is in there.

run         the directory: written by the holder of its lock, readable by anyone
events      everything a run can report, one small class each
view        events folded into what readers see
checkpoints enough to resume; each whole or not there
curve       the numbers of a run, ready to be judged
diagnosis   what the curve says, in words
workspace   the folder of all runs, uploads and local models

How to add an event:

1. A class in ``events`` with its fields and their help.
2. A rule in ``view`` that folds it, if a reader needs it.
"""
