"""A run is a directory, and everything known about it is in there.

run             the directory: written by the holder of its lock, read by anyone
numbering       the numbers of runs, none of which is given twice
heartbeat       whether a trainer on another machine lives
events          everything a run reports, one small class each
view            events folded into what readers see
checkpoints     enough to resume a run, each with a manifest
kept            rows that a person makes of answers: kept as they are, or corrected
job             what is asked of a run and done later, in a folder of it
owners          who brought a file, and whose a run is
lineage         the runs that a run comes from
lines           files of JSON lines of which none is lost
links           secrets in addresses that show one view of one run
fingerprint     what a run was made from, so that nothing else is taken for it
figures         its steps and evaluations as a table, for spreadsheets and notebooks
curve           losses and gradient norms of a run, prepared for the diagnosis
diagnosis       what the learning curve shows, in words
measures        the rules of it that look at a method's measures
verdict         what a diagnosis is, and what all its rules share
early_stopping  when a run no longer improves
tries           work that is taken up again after a crash, but not for ever
uploads         the files that people brought, and their end
workspace       the folder of all runs, uploads and local models

How to add an event:

1. A class in ``events`` with its fields and their help.
2. A rule in ``view`` that folds it, if a reader needs it.
"""
