"""The commands of ``python -m finetune``: one file for each group of them.

data        check
estimate    fit
rewards     rewards, prefer
training    train, resume
runs        runs, show, events, stop, pause, delete, compare
evaluation  evaluate
models      chat, export
serving     serve
report      report
benchmarks  benchmark
uploads     uploads
people      password
command     what all commands share: options, settings from the command line, the answer on stdout
judge       the judge that a command names
progress    how far a command has come, on stderr

A new command:

1. Write ``def words(options, workspace) -> int`` in the file of its group; it ends with ``return answer(…)``.
2. Add it to the group's ``add``, with its help and its options. The table in README.md comes from there.

A new group is a file with an ``add``, listed in ``GROUPS`` of ``finetune/__main__.py``.
"""
