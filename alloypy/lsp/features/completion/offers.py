"""What completion answers with."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class OfferKind(Enum):
    """What is offered."""

    COMPONENT = "component"
    BLOCK = "block"
    ATTRIBUTE = "attribute"
    REFERENCE = "reference"
    VARIABLE = "variable"
    FUNCTION = "function"
    NAMESPACE = "namespace"
    CONSTANT = "constant"
    CHOICE = "choice"
    VALUE = "value"
    LABEL = "label"
    FILE = "file"
    FOLDER = "folder"


class Topic(NamedTuple):
    """What the documentation of an offer is about, as plain data that a client can send back.

    component: of the component or block, or "" for a function. path: of the setting in it.
    """

    component: str = ""
    path: tuple[str, ...] = ()
    function: str = ""


class Offer(NamedTuple):
    """One offer.

    text: what is inserted; snippet: the same with placeholders, for clients that have them; empty if there
    are none. rank: offers with a lower one come first. detail: a few words on what it is.
    commits: characters that also accept it.
    """

    label: str
    kind: OfferKind
    text: str
    rank: int
    detail: str = ""
    snippet: str = ""
    deprecated: bool = False
    preselected: bool = False
    commits: str = ""
    topic: Topic | None = None


class Offers(NamedTuple):
    """What can replace the bytes from `start` to `stop`. incomplete: whether further letters bring more."""

    start: int
    stop: int
    items: tuple[Offer, ...] = ()
    incomplete: bool = False
