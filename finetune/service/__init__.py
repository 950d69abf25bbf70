"""The life of the program, whatever it trains.

preflight   all that is wrong with a recipe, before any GPU work
queue       the runs that wait, and the one thread that works on them
worker      one run to its end: the one place that catches everything
server      the only one on its workspace; what makes it end
launcher    starts the server, and starts it again if it crashed
"""
