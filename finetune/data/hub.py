"""Datasets on the Hugging Face Hub, downloaded as files. Only data files are fetched; no script is ever run."""

import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from functools import lru_cache, partial
from pathlib import Path, PurePosixPath

from finetune.data.readers import HUB_SUFFIXES
from finetune.data.readers.splits import SPLITS
from finetune.data.settings import DataSettings
from finetune.data.table import MAX_BYTES
from finetune.errors import DataError

PREFIX = "hf://"
ADDRESS = re.compile(r"hf://datasets/(?P<id>[\w.-]+/[\w.-]+?)(?:@(?P<revision>[\w.-]+(?:/[\w.-]+)*))?/?", re.ASCII)
DESCRIPTIONS = ("dataset_infos.json", "dataset_info.json")
"""Files with metadata of a dataset, not rows."""
COMPRESSED = (".gz", ".bz2", ".xz", ".zst")
"""How the names of compressed data files end, behind that of the file in them."""
MAX_FILES = 200
"""A dataset in more files is usually a corpus, and takes long to fetch one by one."""
TIMEOUT_S = 15
HINT = "Check the connection, or download the file elsewhere and upload it."


def is_hub(path: str) -> bool:
    """True if ``path`` names a dataset on the Hub, not a file."""
    return path.startswith(PREFIX)


def files(settings: DataSettings, find: Callable[[str], Path], trusted: bool = True) -> list[Path]:
    """The files that ``settings`` name: found by ``find``, or downloaded from the Hub."""
    if is_hub(settings.path):
        return fetch(settings, trusted)
    return [find(path) for path in (settings.path, *settings.also)]


def fetch(settings: DataSettings, trusted: bool = False, endpoint: str | None = None) -> list[Path]:
    """The files of the dataset at ``settings.path``, downloaded; ``DataError`` says why if that fails.

    The newest revision is looked up once per process. Only a ``trusted`` recipe uses this machine's token, which may
    give access to private datasets.
    """
    found = ADDRESS.fullmatch(settings.path)
    if not found:
        raise DataError(
            f'"{settings.path[:200]}" is not the address of a dataset on the Hub.',
            "Write it as hf://datasets/OWNER/NAME.",
        )
    if settings.also:
        raise DataError("Further files cannot be appended to a dataset on the Hub.", "Mix them in instead.")
    return list(_fetched(found["id"], found["revision"], settings.config, settings.split, trusted, endpoint))


@lru_cache(maxsize=64)
def _fetched(
    name: str, revision: str | None, config: str | None, split: str | None, trusted: bool, endpoint: str | None
) -> tuple[Path, ...]:
    from huggingface_hub import HfApi, errors, hf_hub_download

    token = None if trusted else False
    try:
        info = HfApi(endpoint=endpoint, token=token).dataset_info(
            name, revision=revision, files_metadata=True, timeout=TIMEOUT_S
        )
        sizes = {sibling.rfilename: sibling.size or 0 for sibling in info.siblings or () if _is_data(sibling.rfilename)}
        if not sizes:
            raise _no_data(name, [sibling.rfilename for sibling in info.siblings or ()])
        configs = info.card_data.to_dict().get("configs") if info.card_data else None
        chosen = _of_split(name, _of_config(name, configs, config, list(sizes)), split)
        _check_size(name, [sizes[file] for file in chosen])
        get = partial(hf_hub_download, name, repo_type="dataset", revision=info.sha, token=token, endpoint=endpoint)
        return tuple(Path(get(filename=file, etag_timeout=TIMEOUT_S)) for file in chosen)
    except DataError:
        raise
    except (OSError, ValueError, errors.HTTPError, errors.RevisionResolutionError, errors.XetDownloadError) as error:
        raise _hub_error(name, error) from None


def _is_data(file: str) -> bool:
    """True for a file of rows."""
    path = PurePosixPath(file)
    hidden = any(part.startswith((".", "__")) for part in path.parts)
    unpacked = PurePosixPath(path.stem) if path.suffix.lower() in COMPRESSED else path
    return unpacked.suffix.lower() in HUB_SUFFIXES and not hidden and path.name not in DESCRIPTIONS


def _of_config(name: str, configs: object, wanted: str | None, there: list[str]) -> dict[str, list[str]]:
    """Split -> its files, in the ``wanted`` configuration, or in the only or default one."""
    if not isinstance(configs, list) or not configs:
        if wanted not in (None, "default"):
            raise DataError(f'{name} has no configurations, so there is none named "{wanted}".', "Leave it empty.")
        return _by_name(there)
    named = {str(each.get("config_name", "default")): each for each in configs if isinstance(each, dict)}
    usual = [config for config, each in named.items() if each.get("default") or config == "default" or len(named) == 1]
    listed = f"There are: {', '.join(named)}."
    if wanted is None and not usual:
        raise DataError(f"{name} has several configurations; choose one.", listed)
    if wanted is not None and wanted not in named:
        raise DataError(f'{name} has no configuration "{wanted}".', listed)
    return _by_card(named[wanted or usual[0]], there)


def _by_card(config: dict, there: list[str]) -> dict[str, list[str]]:
    """Split -> its files, from ``data_files`` in the dataset card: a mapping, a list, or a single pattern."""
    folder = str(config.get("data_dir") or "").strip("./")
    inside = [file for file in there if not folder or file.startswith(f"{folder}/")]
    declared = config.get("data_files")
    if declared is None:
        return _by_name(inside)
    if isinstance(declared, dict):
        declared = [{"split": split, "path": path} for split, path in declared.items()]
    entries = declared if isinstance(declared, list) else [declared]
    found: dict[str, list[str]] = {}
    for entry in entries:
        split, paths = (entry.get("split", "train"), entry.get("path")) if isinstance(entry, dict) else ("train", entry)
        for pattern in paths if isinstance(paths, list) else [paths]:
            found.setdefault(str(split), []).extend(_matching(str(pattern), folder, inside))
    return {split: list(dict.fromkeys(files)) for split, files in found.items() if files}


def _matching(pattern: str, folder: str, there: list[str]) -> Iterator[str]:
    """The files that match a pattern; ``*`` stays within a folder, ``**`` does not."""
    pattern = pattern.removeprefix("./")
    for file in there:
        inside = file.removeprefix(f"{folder}/") if folder else file
        for tried in {pattern, pattern.replace("**/", "")}:
            deep = "**" in tried or tried.count("/") == inside.count("/")
            if deep and fnmatchcase(inside, tried):
                yield file
                break


def _by_name(there: list[str]) -> dict[str, list[str]]:
    """Split -> its files, by the words in their names, else in those of their folders; else all are train."""
    for words_of in (lambda file: PurePosixPath(file).name, lambda file: PurePosixPath(file).parent.as_posix()):
        found: dict[str, list[str]] = {}
        for file in there:
            words = set(re.split(r"[^a-z]+", words_of(file).lower()))
            for split, names in SPLITS.items():
                if words & set(names):
                    found.setdefault(split, []).append(file)
                    break
        if found:
            return found
    return {"train": there}


def _of_split(name: str, splits: dict[str, list[str]], wanted: str | None) -> list[str]:
    if not splits:
        raise DataError(f"The card of {name} names no data file that exists.", HINT)
    if (wanted or "train") not in splits:
        raise DataError(f'{name} has no split "{wanted or "train"}".', f"There are: {', '.join(splits)}.")
    return sorted(splits[wanted or "train"])


def _check_size(name: str, sizes: list[int]) -> None:
    if len(sizes) > MAX_FILES:
        raise DataError(f"{name} is in {len(sizes):,} files.", f"At most {MAX_FILES} are downloaded; choose a subset.")
    if sum(sizes) > MAX_BYTES:
        raise DataError(
            f"{name} is larger than {MAX_BYTES // 2**20:,} MB ({sum(sizes) // 2**20:,} MB).",
            "Choose another split, or a subset.",
        )


def _no_data(name: str, there: list[str]) -> DataError:
    has_script = any(file.endswith(".py") for file in there)
    instead = " but a loading script, and a script from the Hub is not run" if has_script else ""
    return DataError(
        f"{name} has no data file{instead}.",
        f"Files ending in {', '.join(HUB_SUFFIXES)} are read; save it as one of them elsewhere and upload that.",
    )


def _hub_error(name: str, error: Exception) -> DataError:
    """The error of the Hub or its client, in words."""
    from huggingface_hub import errors

    if isinstance(error, (errors.GatedRepoError, errors.DisabledRepoError)):
        return DataError(
            f"{name} is gated: its owner decides who may download it.",
            "Request access on its page, sign in with `hf auth login` and use the command line; or upload the file.",
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return DataError(f"{name} has no such revision.", "Check what follows the @.")
    if isinstance(error, (errors.RepositoryNotFoundError, errors.HFValidationError)):
        return DataError(f"There is no dataset {name} on the Hub, or it is private.", "Check its name.")
    if isinstance(error, errors.OfflineModeIsEnabled):
        return DataError(f"{name} is on the Hub, and this machine is set to work offline.", HINT)
    if isinstance(error, errors.HfHubHTTPError):
        return DataError(f"The Hub did not give {name}: it answered {error.response.status_code}.", "Try again later.")
    if isinstance(error, OSError) and error.errno and not isinstance(error, ConnectionError):
        return DataError(f"The files of {name} cannot be stored: {error.strerror}.", "Free disk space.")
    return DataError(f"The Hub cannot be reached for {name}.", HINT)
