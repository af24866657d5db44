"""Every kind of component in alloypy, one import per line; nothing else registers components."""

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
