"""A request that is refused, in the words and the shape that clients of OpenAI's API read."""

from starlette.responses import JSONResponse

INVALID, WRONG_KEY, TOO_MANY, OVERLOADED, FAILED = (
    "invalid_request_error",
    "authentication_error",
    "rate_limit_error",
    "overloaded_error",
    "server_error",
)
"""Kinds of errors: the ``type`` in an answer."""


class Refused(Exception):
    """A request that is not answered: its status, one sentence or two, and what a program reads of it."""

    def __init__(
        self,
        status: int,
        sentence: str,
        param: str | None = None,
        code: str | None = None,
        kind: str = INVALID,
        retry_s: int = 0,
    ):
        super().__init__(sentence)
        self.status, self.sentence = status, sentence
        self.param = param
        """The parameter that it concerns, e.g. ``messages[0].content``."""
        self.code = code
        """What is wrong, as a word for programs, e.g. ``context_length_exceeded``."""
        self.kind, self.retry_s = kind, retry_s

    @property
    def facts(self) -> dict:
        """The error as clients read it."""
        return {"error": {"message": self.sentence, "type": self.kind, "param": self.param, "code": self.code}}

    def response(self) -> JSONResponse:
        """The whole answer."""
        headers = {"Cache-Control": "no-store"}
        if self.retry_s:
            headers["Retry-After"] = str(self.retry_s)
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return JSONResponse(self.facts, self.status, headers=headers)
