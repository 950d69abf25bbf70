"""The life of the program: from its start to its end, whatever it trains.

preflight   all that is wrong with a recipe, before any GPU work
limits      how many runs may wait
queue       the queued runs, and the worker thread that trains them
ballots     asks the prompts of blind tests in the background
notices     tells an address of the person's own that a run has ended
worker      trains one run to its end: the one place that catches everything
sharing     how a run and the answers of models share the machine
desk        does what people ask of runs, one job after the other
handing_over  writes a finished run where it will be used, and checks that it answers the same
scoring     evaluates base and tuned at the end of a run, and when asked
janitor     removes what nobody needs any more from the workspace
server      the only server of its workspace, and the reasons to end it
launcher    starts the server, and restarts it after a crash
"""
