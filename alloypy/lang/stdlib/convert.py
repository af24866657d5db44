"""`convert`: from one type to another on purpose."""

from __future__ import annotations

from alloypy.lang.functions import TypedFunction
from alloypy.lang.types import SecretType
from alloypy.lang.values import Secret


def _nonsensitive(secret: Secret) -> str:
    return secret.reveal()


NONSENSITIVE = TypedFunction("convert.nonsensitive", (SecretType(),), _nonsensitive)
