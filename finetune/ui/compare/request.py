"""What every question needs: a run, sampling settings, and words for what prevents an answer."""

from pydantic import ValidationError

from finetune.errors import BusyError, FinetuneError, RunError
from finetune.inference.sampling import Sampling
from finetune.runs.run import Run
from finetune.settings import problems_of
from finetune.ui import views
from finetune.ui.studio import Studio


def run_of(studio: Studio, run_id: str | None) -> Run:
    """The run that is compared; ``RunError`` if there is none."""
    run = studio.find_run(run_id)
    if run is None:
        raise RunError(
            "There is no finished run to compare.", "Train one first; it takes a minute or two with a sample."
        )
    return run


def sampling_of(values: dict[str, object], seed: int | None = None) -> Sampling:
    """The sampling settings of the form, with another ``seed`` if given; ``RunError`` if one is out of bounds."""
    try:
        return Sampling(**{**values, **({} if seed is None else {"seed": seed})})
    except ValidationError as error:
        raise RunError("These sampling settings are not valid.", problems=tuple(problems_of(error))) from None


def notice_of(error: FinetuneError) -> str:
    """The notice of ``error``: a calm one while a training has the machine, else a loud one."""
    kind = "info" if isinstance(error, BusyError) else "error"
    return views.notice(error.message, error.hint, error.problems, kind)
