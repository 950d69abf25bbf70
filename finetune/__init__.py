"""Finetune Studio: from a data file to a tuned model, with proof of what changed.

Between the trainer and the page there is no object, only a run directory: one side writes events, the other
reads them. So a refresh, a second browser, the command line and a run that ended yesterday all look alike.

One click on "Start training", in the order the files are best read:

    ui/method     the form's values become a Recipe
    jobs          checks the recipe, queues a run, works on it in one thread
    run           the directory: recipe, events, lock, model
    train         recipe -> data -> model -> trainer -> events
    data          file -> rows -> examples -> the tokens that are learnt
    methods       what is learnt from, one file each (and its TRL trainer)
    trainer       what every TRL trainer is given: checkpoints that are whole or not there
    rehearsal     one step with tensors that have no memory (for memory: will it fit)
    probe         one measured step, in a process of its own
    adapters      what is updated, one file each (and its PEFT configuration)
    attention     how attention is computed while a model learns
    arithmetic    what the trainer computes a step with, and why
    reporter      the trainer's callback: what happened, as events
    view          events folded into what readers see
    verdict       what the curve says, in words
    ui/train      draws the view, every second or two
    chat          base and tuned side by side, from one copy of the weights

Around the page, for the life of the program:

    launcher      starts the server, and starts it again if it crashed
    server        the only one on its workspace; what makes it end

A file imports only from rows below its own:

    app
    ui                                the only place that imports gradio; never torch
    __main__
    jobs  script  probe  remedy
    train  chat  export  memory  starter
    reporter  model  plan  presets  rows  ladder  server  rehearsal
    sampler  sides  workspace  ranks  sharding  arithmetic  attention
    run  sweep
    recipe  hardware  libraries  verdict
    methods  adapters  curve  duration
    data  view  trainer
    events  checkpoints  capacity  allowance  heap
    registry  settings  launcher
    errors

The heavy libraries take seconds to import, so they are imported inside the functions that need them.
"""
