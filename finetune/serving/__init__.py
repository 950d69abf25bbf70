"""A finished run behind an OpenAI-compatible address: base and tuned as models, for programs that know that API.

api           the addresses, and how an answer is sent
gate          which requests are answered at all: host, origin, key, size
key           the key that programs send, kept as its hash
parameters    what a request asks for; what is not supported is refused in words
conversation  its messages, as the models are asked them
models        base and tuned in memory, sharing the base's weights
engine        the models at work: a request in, the pieces of its answer out
turns         one answer at a time, first come, first served, and a bound on how many wait
answer        one answer, as pieces of text that are settled
wire          the shapes of OpenAI's API: one object, or the chunks of a stream
refused       an error in the shape that clients read
announcement  what is printed once it listens

A request passes ``gate`` and ``api``, is read by ``parameters`` and ``conversation``, waits in ``turns``, is computed
by ``answer`` in a thread, and leaves in the shapes of ``wire``. The door's pieces do what they do for the page:
connections, bodies, names of hosts, headers.
"""
