"""The door: what comes before the page, whoever asks.

limits       sizes, amounts and times of requests, for each visitor and for all
budget       the figures of these limits
visitors     what each visitor is doing, and how much was asked lately
body         the body of a request: checked, counted, and in time
refusal      a request that is refused, and the answer that says why
parts        the temporary files of a request, deleted with it
connection   how many connections, and how long each may be silent
"""
