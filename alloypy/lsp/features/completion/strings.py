"""Inside of strings: the texts that an attribute accepts, and the paths of files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from alloypy.lang import types as wanted
from alloypy.lsp.cursor.place import Place
from alloypy.lsp.cursor.sight import Sight
from alloypy.lsp.features.choices import choices_at
from alloypy.lsp.features.completion.offers import Offer, OfferKind, Offers
from alloypy.lsp.features.completion.target_labels import label_names, wants_label
from alloypy.schema.spec import AttributeSpec

_MOST_FILES = 500
"""Files of one directory that are offered; a longer list helps nobody."""

_FILE_NAMES = re.compile(r"(?:.*_)?(?:file|filename)\Z")
_FILES = {("import.file", "filename"), ("local.file", "filename")}
_TEXTS = wanted.StringType | wanted.SecretType | wanted.OptionalSecretType


def string_offers(place: Place, sight: Sight) -> Offers:
    """What can be written inside of a string."""
    if _names_file(place):
        return _files(place)
    if wants_label(place):
        return Offers(place.start, place.stop, tuple(label_names(place, sight)))
    choices = (Offer(each, OfferKind.CHOICE, each, 0) for each in choices_at(place))
    return Offers(place.start, place.stop, tuple(choices))


def _names_file(place: Place) -> bool:
    """Whether the string is the path of a file of this machine."""
    member = place.member
    if not isinstance(member, AttributeSpec) or not isinstance(place.wanted, _TEXTS) or not place.blocks:
        return False
    if (place.blocks[-1].block.full_name, member.name) in _FILES:
        return True
    return member.name.endswith("_file") and _FILE_NAMES.match(member.name) is not None


def _files(place: Place) -> Offers:
    """The files and folders in the directory whose path is written before the cursor."""
    directory, _, _ = place.written.rpartition("/")
    start = place.start + len(f"{directory}/".encode()) if "/" in place.written else place.start
    after = place.document.data.find(b"/", place.offset, place.stop)
    stop = after if after >= 0 else place.stop
    if "\0" in directory or "\\" in directory:
        return Offers(start, stop)
    path = f"{directory}/" if "/" in place.written else ""
    bases = _bases(place, path)
    base = next((each for each in bases if os.path.isdir(each)), None)  # noqa: PTH112 -- never raises
    if base is None:
        return Offers(start, stop)
    names, cut = _listed(base)
    folders = place.written.endswith("/") or place.written.rpartition("/")[2].startswith(".")
    found = []
    for name, is_folder in names:
        if name.startswith(".") and not (folders and place.written.endswith(".")):
            continue
        kind = OfferKind.FOLDER if is_folder else OfferKind.FILE
        text = f"{name}/" if is_folder and after < 0 else name
        found.append(Offer(text, kind, _quoted(text), 1 if is_folder else 0))
    return Offers(start, stop, tuple(found), incomplete=cut)


def _bases(place: Place, path: str) -> Iterator[Path]:
    """Where a relative path may begin: where Alloy is started, or else beside the file."""
    directory = Path(place.document.path).parent
    for each in (place.workspace.started_in(str(directory)), directory):
        yield Path(each, path)


def _listed(directory: Path) -> tuple[list[tuple[str, bool]], bool]:
    """The names in a directory, with whether each is a directory; and whether there are more."""
    found: list[tuple[str, bool]] = []
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                if len(found) == _MOST_FILES:
                    return sorted(found), True
                found.append((entry.name, entry.is_dir()))
    except OSError:
        return [], False
    return sorted(found), False


def _quoted(name: str) -> str:
    return name.replace("\\", "\\\\").replace('"', '\\"')
