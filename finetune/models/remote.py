"""A model on the Hugging Face Hub: its commit, its files and their sizes, its license. No file is fetched here."""

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from finetune.errors import ModelError, UnreachableError
from finetune.models import hub
from finetune.recipe import ModelSettings

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
COMMIT = re.compile(r"[0-9a-f]{40}")
WANTED = ["*.json", "*.safetensors", "*.jinja", "*.model", "tokenizer*", "*.txt", "*.tiktoken", "README.md", "LICENSE*"]
"""The files that a download takes, by pattern."""
UNWANTED = ["*/*", "consolidated*", "*.fp16.safetensors", "*.fp32.safetensors", "model.onnx*"]
"""Those of them that it leaves: the same weights once more, in folders and formats of other programs."""
INDEX, SINGLE = "model.safetensors.index.json", "model.safetensors"
TIMEOUT_S = 10.0
"""How long the Hub may be silent within one request."""


@dataclass(frozen=True)
class RemoteFile:
    """A file of a model as the Hub lists it."""

    name: str
    size: int
    """Bytes."""
    key: str
    """Its ETag: SHA-256 of a large file (64 hex digits), git's SHA-1 of any other (40)."""


@dataclass(frozen=True)
class Remote:
    """A model on the Hub at one commit."""

    id: str
    commit: str
    files: tuple[RemoteFile, ...]
    license: str = ""
    is_gated: bool = False
    is_private: bool = False

    @property
    def is_open(self) -> bool:
        """True if anybody may download it."""
        return not (self.is_gated or self.is_private)

    @property
    def cache(self) -> Path:
        """Its folder in the cache of the Hub's client, with ``blobs``, ``refs`` and ``snapshots``."""
        return cache_of(self.id)

    @property
    def folder(self) -> Path:
        """Where its files are on this machine, once they are fetched."""
        return self.cache / "snapshots" / self.commit

    @property
    def small(self) -> tuple[RemoteFile, ...]:
        """What a download takes beside the weights: config, tokenizer, index, card; and no adapter beside a model."""
        beside = [file for file in _wanted(self.files) if not file.name.endswith(".safetensors")]
        is_model = any(file.name == "config.json" for file in beside)
        return tuple(file for file in beside if not (is_model and file.name.startswith("adapter_")))

    @property
    def weights(self) -> tuple[RemoteFile, ...]:
        """The files of weights to take; the ``small`` ones must be there, for a sharded model has an index.

        Where a model has its weights twice, as shards and in a file of another name, the shards of the index count.
        """
        found = [file for file in _wanted(self.files) if file.name.endswith(".safetensors")]
        listed = _shards(self.folder / INDEX)
        if any(file.name in listed for file in found):
            return tuple(file for file in found if file.name in listed)
        return tuple(file for file in found if file.name == SINGLE) or tuple(found)


def _wanted(files: Iterable[RemoteFile]) -> tuple[RemoteFile, ...]:
    from huggingface_hub.utils import filter_repo_objects

    return tuple(
        filter_repo_objects(files, allow_patterns=WANTED, ignore_patterns=UNWANTED, key=lambda file: file.name)
    )


def cache_of(model_id: str) -> Path:
    """The folder of ``model_id`` in the cache of the Hub's client."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    return Path(constants.HF_HUB_CACHE).expanduser() / repo_folder_name(repo_id=model_id, repo_type="model")


def url_of(model_id: str, commit: str, name: str) -> str:
    """The address of a file of a model."""
    from huggingface_hub import constants, hf_hub_url

    return hf_hub_url(model_id, name, revision=commit, endpoint=constants.ENDPOINT)


_recent: dict[tuple[str, str | None], "Remote"] = {}


def recent(settings: ModelSettings) -> Remote | None:
    """The model of ``settings`` as it was last looked up in this process; None if it was not."""
    return _recent.get((settings.id, settings.revision))


def forget() -> None:
    """Forget what was looked up."""
    _recent.clear()


def look_up(settings: ModelSettings, timeout_s: float = TIMEOUT_S) -> Remote:
    """The model of ``settings`` on the Hub, as it is now, in one request; ``ModelError`` says why there is none.

    ``UnreachableError`` if the Hub does not answer, or this machine is set to work offline.
    """
    from huggingface_hub import HfApi, constants

    with hub_errors(settings.id, settings.revision):
        info = HfApi(endpoint=constants.ENDPOINT, token=hub.token()).model_info(
            settings.id, revision=settings.revision, files_metadata=True, timeout=timeout_s
        )
        commit = info.sha or ""
        files = tuple(_file(settings.id, commit, sibling) for sibling in info.siblings or ())
    card = info.card_data.to_dict() if info.card_data else {}
    licensed = str(card.get("license_name") or card.get("license") or "")
    found = Remote(settings.id, commit, files, licensed, bool(info.gated), bool(info.private))
    if not COMMIT.fullmatch(commit):
        raise UnreachableError(f"The Hub does not say which version {settings.id} has.", "Try again later.")
    if not (found.is_open or hub.is_shared()):  # its files may be here, downloaded with the owner's token
        raise _gated(settings.id)
    _recent[settings.id, settings.revision] = found
    return found


def _file(model_id: str, commit: str, sibling) -> RemoteFile:
    size, key = sibling.size, sibling.blob_id
    if sibling.lfs:
        size, key = sibling.lfs.size, sibling.lfs.sha256
    file = RemoteFile(sibling.rfilename, size or 0, key or "")
    if key or not _wanted((file,)):
        return file
    from huggingface_hub import get_hf_file_metadata  # a mirror that lists names alone tells the rest for each file

    found = get_hf_file_metadata(url_of(model_id, commit, file.name), token=hub.token(), timeout=TIMEOUT_S)
    return RemoteFile(file.name, found.size or 0, found.etag or "")


def _shards(index: Path) -> set[str]:
    """The files that an index lists; none without one, or if it is damaged, which whoever reads it reports."""
    try:
        return set(map(str, json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return set()


@contextmanager
def hub_errors(model_id: str, revision: str | None = None) -> Iterator[None]:
    """Turns what the Hub and its client raise about a model into a ``ModelError``."""
    from huggingface_hub import errors

    try:
        yield
    except (errors.HTTPError, errors.HFValidationError, ConnectionError) as error:
        raise _refusal(model_id, revision, error) from None


def _gated(model_id: str) -> ModelError:
    if not hub.is_shared():
        return ModelError(
            f"{model_id} is gated: its owner decides who may download it, and this page is open to others.",
            "Choose a model that anybody may download.",
        )
    return ModelError(
        f"{model_id} is gated: its license must be accepted first.",
        f"Accept it at https://huggingface.co/{model_id}, then log in on this machine with `hf auth login` or set "
        "HF_TOKEN.",
    )


def _refusal(model_id: str, revision: str | None, error: Exception) -> ModelError:
    from huggingface_hub import errors

    if isinstance(error, errors.GatedRepoError):
        return _gated(model_id)
    if isinstance(error, errors.RevisionNotFoundError):
        return ModelError(f"{model_id} has no version “{revision}” on the Hub.", "Check the commit, tag or branch.")
    if isinstance(error, (errors.RepositoryNotFoundError, errors.HFValidationError)):
        private = "; for a private model log in with `hf auth login`" if hub.is_shared() else ""
        return ModelError(
            f"There is no model {model_id} on the Hub, or it is private.", f"Check the spelling{private}."
        )
    if isinstance(error, errors.OfflineModeIsEnabled):
        return UnreachableError(
            f"{model_id} could not be looked up on the Hub: this machine is set to work offline (HF_HUB_OFFLINE).",
            "Use a model that is on this machine, such as the starter.",
        )
    if isinstance(error, errors.HfHubHTTPError):
        status = error.response.status_code
        if status in (401, 403):
            return ModelError(
                f"The Hub does not let this machine read {model_id} (it answered {status}).",
                "Log in with `hf auth login`, with a token that may read it."
                if hub.is_shared()
                else "Choose another model.",
            )
        return UnreachableError(f"{model_id} could not be read from the Hub: it answered {status}.", "Try again later.")
    return UnreachableError(
        f"{model_id} could not be looked up on the Hub, which cannot be reached ({type(error).__name__}).",
        "Check the connection, or use a model that is on this machine, such as the starter.",
    )
