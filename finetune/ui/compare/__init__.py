"""The Compare tab: is the tuned model better than its base?

tab             the choice of a run, and the row of views
ask             the same question to base and tuned
scores          both on held-out rows: the verdict, the metrics, the rows
verdict         the verdict and the metrics, as HTML
score_rows      the rows with both answers, as HTML
blind           a blind test: its questions, its votes, and the next round
booth           where a voter judges, here and on the page of an invitation
result          what a blind test found, with names revealed
report          the run on one page: to read, to download, to share
"""
