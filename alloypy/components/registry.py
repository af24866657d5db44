"""Every component kind of alloypy, one import a line; there is no other way in."""

from __future__ import annotations

from alloypy.components.local import file
from alloypy.components.pyroscope import receive_http, relabel, write
from alloypy.runtime.contract.component import Registration

REGISTRATIONS: tuple[Registration, ...] = (
    file.registration,
    receive_http.registration,
    relabel.registration,
    write.registration,
)
