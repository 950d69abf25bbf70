"""The Train tab.

tab             its components and events
progress        the head of a run: state, bar, figures
outcome         what has become of it, and the next step
standing        what can be asked of it now
chart           loss and measures
overlay         several runs in one chart
runs            several runs in one table
queue           the runs that wait, and those that were interrupted
"""
