"""Names of parameters: in statements with `_`, in OpenTelemetry's code in camel case."""

from __future__ import annotations

import re


def field_name(name: str) -> str:
    """The field that an argument's name stands for: `replacement_format` for `ReplacementFormat`.

    As OpenTelemetry converts them: capitals also follow digits, and of several in a row the first one counts.
    """
    made, capital, after_capital = "", True, False
    for index, character in enumerate(name):
        upper = "A" <= character <= "Z"
        if character.isdigit():
            made, capital = made + character, True
        elif character == "_":
            capital = True
        else:
            if capital:
                made += character.upper()
            elif upper and (after_capital or index == 0):
                made += character.lower()
            else:
                made += character
            capital = False
        after_capital = upper
    return made


def parameter_name(field: str) -> str:
    """The name by which a statement can give a field: `source_i_p` for `SourceIP`."""
    usual = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", field).lower()
    return usual if field_name(usual) == field else re.sub(r"(?<!^)(?=[A-Z])", "_", field).lower()
