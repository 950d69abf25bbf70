"""The door: who may come in, as whom, and what is answered at all. ASGI alone; it knows neither the page nor gradio.

    options      what the command line and the environment say about the door
    headers      what a page may do, who may frame it, and nothing that a visitor sent
    hosts        the names this server answers to, and the web pages that may send it requests
    paths        the addresses that are offered; everything else is not found
    visitor      who sends a request, and what they may see, change and start
    members      the people who may sign in, by password or with Hugging Face
    passwords    passwords as hashes, and how they are compared
    throttle     attempts that are slowed down after failures
    cookies      what a browser keeps of a sign-in, signed by this workspace's key
    sign_in      the pages to sign in and out
    huggingface  signing in with Hugging Face, on a Space
    tokens       their access tokens to the Hub, in this process and in no cookie
    identity     puts the visitor of each request into its scope, or refuses it
    sessions     a session of the page belongs to the visitor who opened it
    refusal      what a refused request is told
    limits       sizes, amounts and times of requests, for each visitor and for all
    budget       the figures of these limits
    activity     what each visitor is doing, and how much was asked lately
    body         the body of a request: checked, counted, and in time
    excess       a request that asks for too much, and its answer
    parts        the temporary files of a request, deleted with it
    pages        pages that are made once and sent to everyone
    connection   how many connections, and how long each may be silent
    serving      the server that all of this runs in

A request passes ``headers``, ``hosts``, ``paths``, ``identity``, ``limits``, ``sessions`` and ``pages``; then the
page sees it.
"""
