"""Before and after: is the tuned model better, at what, and what did it cost?

scores      what an evaluation found, as it stands in the run directory
statistics  intervals and tests: could the difference be chance?
"""
