"""The Train tab: a run at work, or one that ended, read from its directory.

tab             its panes, buttons and events
actions         what can be asked of a run, and what the buttons do
progress        the head of a run: state, bar, figures; its sample answers, choices and notes
outcome         what has become of a run, and the next step
standing        what the directory and the queue say of a run beside its events
chart           what shows whether the model learns: loss or measures
curves          the charts in a fold: further measures, learning rate, gradient norm
log             the events of a run as readable lines
judgements      what a judge said of its answers
notify          a notice of the browser's once a run has ended
handover        a finished run in the form in which it will be used
folds           folds that are drawn only while they are open
overlay         several runs in one chart
runs            several runs in one table
queue           the queue, and the runs that were interrupted

To add a button under a run's head: one entry in ``actions.ACTIONS``. A pane: one entry in ``tab.PANES``, or in
``tab.FOLDS`` if it is drawn only while it is open. A figure under the bar: one entry in ``progress.FIGURES``, and the
event that reports it (``finetune.runs.events``). A measure of the machine: one entry in
``finetune.machine.gauges.GAUGES``.
"""
