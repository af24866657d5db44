"""`convert`: explicit conversions between types."""

from __future__ import annotations

from alloypy.lang.evaluation.functions import Example, Manual, TypedFunction
from alloypy.lang.types import SecretType
from alloypy.lang.values import Secret


def _nonsensitive(secret: Secret) -> str:
    return secret.reveal()


NONSENSITIVE = TypedFunction(
    "convert.nonsensitive",
    (SecretType(),),
    _nonsensitive,
    Manual(
        ("value: secret",),
        "string",
        "Turns a secret into a string, for settings that do not accept a secret. From then on the value is "
        "shown wherever values are shown: use it only for what is not really secret, such as a user name "
        "that `local.file` reads.",
        (Example('convert.nonsensitive("alice")', '"alice"'),),
    ),
)
