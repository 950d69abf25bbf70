"""Finetune Studio: from a data file to a tuned model, with proof of what changed.

Between the trainer and the page there is no object, only a run directory: one side writes events, the other
reads them. So a refresh, a second browser, the command line and a run that ended yesterday all look alike.

One click on "Start training", in the order the files are best read:

    ui/method     the form's values become a Recipe
    service       preflight checks the recipe; the queue hands the run to a worker, which catches everything
    runs          the directory: recipe, events, lock, checkpoints, model
    training      recipe -> data -> model -> adapter -> trainer -> events
    data          file -> rows -> examples -> the tokens that are trained on
    methods       the objective, one file each (and its TRL trainer)
    rewards       what counts as a good answer, one file each
    adapters      the trainable parameters, one file each (and its PEFT configuration)
    ui/train      folds the events into a view and draws it, every second or two
    inference     base and tuned side by side, from one copy of the weights
    evaluation    base against tuned on rows that neither has seen: scores, votes, the report

A package is a room, and its docstring is the map of it: every file in a line, and how to add one. Each imports only
from rows below its own, also inside functions; files that stand alone are rooms of one:

    app
    ui                        the page: a folder per tab; the only place that imports gradio, and never torch
    __main__                  the command line: the same engine without a page
    commands                  its commands, a file for each group of them
    serving                   a finished run behind an OpenAI-compatible address, for other programs
    starter                   how the model and the samples that ship with the program were made
    door                      who may come in, as whom, and what is answered at all
    service                   the life of the program: queue, preflight, worker, server, launcher
    fit  exports              will it fit, and how long will it take; what leaves the program
    evaluation                before and after: scores, forgetting, blind votes, the report
    training                  one run, from its recipe to its model
    inference                 base and tuned, asked the same
    sweep  models             several recipes from one; the base model and tokenizer in, the tuned model out
    runs                      a run is a directory: events, view, checkpoints, workspace, diagnosis
    advice                    what to train, asked in four questions
    recipe                    everything that decides a run
    methods  adapters         what is trained on; which parameters are trained
    rewards                   what counts as a good answer, checked by a program
    data                      from files to examples and their tokens
    machine                   what this machine has, and what it allows
    compat  in_place          every private name of a library that is read, replaced or overridden
    private                   what is declared of such a name
    settings  registry        how settings are described; how a new file of a package is found
    csv_file  terminal        a table for spreadsheets; text for a terminal
    yaml_text                 YAML, read within a budget
    errors  paths  format
    modes                     which accounts of the machine may read what is written
    redaction                 no password, key or token in what is written

The heavy libraries take seconds to import, so they are imported inside the functions that need them.
"""
