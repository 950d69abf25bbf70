"""The account on the Hub that a push goes to: whose token is used, what it is called, and what a refusal means."""

from collections.abc import Iterator
from contextlib import contextmanager

from finetune.errors import FinetuneError, RunError, UnreachableError, first_sentence
from finetune.models import hub

TIMEOUT_S = 10.0
"""How long the Hub may take to say whose token it is."""
LOG_IN = "Log in with `hf auth login`, with a token that may write, or set HF_TOKEN."
SIGN_IN = "Sign out and in again, and allow this page to create repositories."


def token_or_refuse(given: str | None = None) -> str:
    """The token to push with: ``given``, that of a person, or else that of this machine's owner.

    ``RunError`` if there is none that may be used, or this machine is set to work offline.
    """
    from huggingface_hub import constants, get_token

    if constants.is_offline_mode():
        raise RunError(
            "Nothing can be sent to the Hub: this machine is set to work offline (HF_HUB_OFFLINE).",
            "Unset HF_HUB_OFFLINE and start again, or export into a folder.",
        )
    if given:
        return given
    if not hub.is_shared():
        raise RunError(
            "Nobody is signed in to the Hub here, and the token of this machine's owner is used for nobody else.",
            "Sign in with Hugging Face, or export on the command line of that machine.",
        )
    if found := get_token():
        return found
    raise RunError("This machine is not logged in to the Hub, so nothing can be sent there.", LOG_IN)


def account(token: str) -> str:
    """The name of the account that ``token`` belongs to, as the Hub says; ``FinetuneError`` if it does not say so."""
    from huggingface_hub import constants, get_session
    from huggingface_hub.utils import build_hf_headers, hf_raise_for_status

    with refusals("The Hub", token):
        response = get_session().get(
            f"{constants.ENDPOINT}/api/whoami-v2", headers=build_hf_headers(token=token), timeout=TIMEOUT_S
        )
        hf_raise_for_status(response)
        return str(response.json()["name"])


class HubBusy(UnreachableError):
    """The Hub has had too many requests, and says when to ask again."""

    after_s: float = 0.0


@contextmanager
def refusals(repo: str, token: str | None) -> Iterator[None]:
    """Turns what the Hub and its client raise about ``repo`` into a sentence without the ``token``.

    ``UnreachableError`` where trying again may help, ``RunError`` where it does not.
    """
    try:
        yield
    except FinetuneError:
        raise
    except Exception as error:
        if (words := _words(repo, _cause(error), token)) is None:
            raise
        raise words from None


def _cause(error: BaseException) -> BaseException:
    """What the client wraps in an error of its own, where it does."""
    return error.__cause__ if isinstance(error, RuntimeError) and error.__cause__ else error


def _words(repo: str, error: BaseException, token: str | None) -> FinetuneError | None:
    from huggingface_hub import errors

    if isinstance(error, errors.HFValidationError):
        return RunError(
            f"No repository of the Hub can be called “{repo}”.",
            "Its name is ACCOUNT/NAME, of letters, digits, dots, dashes and underscores.",
        )
    if isinstance(error, errors.OfflineModeIsEnabled):
        return RunError("This machine is set to work offline (HF_HUB_OFFLINE).", "Unset it and start again.")
    if isinstance(error, errors.HfHubHTTPError):
        return _refused(repo, error, token)
    if isinstance(error, (errors.HTTPError, ConnectionError, TimeoutError)) or _is_of_storage(error):
        return UnreachableError(
            f"{repo}: the connection to the Hub broke off ({type(error).__name__}).",
            "Check the connection and start again: what has arrived is not sent again.",
        )
    if isinstance(error, (ValueError, KeyError)):
        return RunError(f"{repo}: the Hub's answer is not understood ({_said(error, token)}).", "Try again later.")
    return None


def _refused(repo: str, error, token: str | None) -> FinetuneError:
    status, is_of_person = error.response.status_code, not hub.is_shared()
    log_in = SIGN_IN if is_of_person else LOG_IN
    if status == 401 and not error.response.headers.get("X-Error-Code"):
        return RunError("The Hub does not know this token, or it has expired.", log_in)
    if status in (401, 403, 404):
        return RunError(f"{repo}: this account may not write there (the Hub answered {status}).", log_in)
    if status == 409:
        return RunError(f"{repo} changed on the Hub meanwhile, or is being created just now.", "Try again in a minute.")
    if status == 429:
        busy = HubBusy(f"{repo}: the Hub has had too many requests of this account.", "Try again later.")
        after = error.response.headers.get("Retry-After", "")
        busy.after_s = float(after) if after.isdecimal() else 0.0
        return busy
    if status >= 500:
        return UnreachableError(f"{repo}: the Hub has a fault of its own (it answered {status}).", "Try again later.")
    return RunError(f"{repo}: the Hub refuses it ({status}): {_said(error, token)}", "Nothing was changed there.")


def _is_of_storage(error: BaseException) -> bool:
    """True for what the client of the Hub's storage raises, which has no base class of its own."""
    return type(error).__module__.partition(".")[0] == "hf_xet" or isinstance(error, RuntimeError)


def _said(error: BaseException, token: str | None) -> str:
    said = first_sentence(error)
    return said.replace(token, "[hidden]") if token else said
