"""The Compare tab: is the tuned model better than its base?

tab             the choice of a run, and the row of views
ask             the same question to base and tuned
"""
