"""`alloypy queue drain`: a configuration that delivers what waits in a queue, and takes nothing new."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from alloypy.queueing.errors import QueueError
from alloypy.queueing.looking import Look
from alloypy.syntax.letters import quote

_WRITE = re.compile(r"pyroscope\.write\.([A-Za-z_][A-Za-z0-9_]*)")
_HEAD = """\
// Delivers what waits in a queue, and takes nothing new.
//
// Save this as drain.alloy{urls}.
// Stop the alloypy that has this queue open{process}, and run
//   alloypy run --stability.level=experimental drain.alloy
// with --server.http.listen-addr=127.0.0.1:12346 if another alloypy runs on this machine.
// Stop it with Ctrl-C when this shows that nothing waits:
//   alloypy queue ls {path}
"""


def configuration(queue: Look, url: str) -> str:
    """The configuration, with the destinations under their names. Raises QueueError."""
    path = str(Path(queue.path).absolute())
    names = [
        name
        for name, each in sorted(queue.accounts.items())
        if each.left is None or queue.waiting(name).records
    ]
    if not names:
        raise QueueError(f"{path} has no destinations: nothing waits in it")
    found = {name: _WRITE.fullmatch(name) for name in names}
    other = [name for name, match in found.items() if match is None]
    if other:
        raise QueueError(
            f"{other[0]} is not a pyroscope.write of a configuration without modules: run your own "
            "configuration without the components that forward to the queue, which drains it as well"
        )
    process = f" (process {queue.holder})" if queue.holder else ""
    urls = "" if url else ", and set the URLs and credentials"
    text = _HEAD.format(urls=urls, process=process, path=_word(path))
    receivers = ", ".join(f"{name}.receiver" for name in names)
    text += f"""
alloypy.queue "drain" {{
	forward_to = [{receivers}]
	max_age    = "0s"

	disk {{
		path     = {quote(path)}
		min_free = "0"
	}}

	dead_letter {{
		max_size = "1TiB"
		max_age  = "0s"
	}}
}}
"""
    for match in found.values():
        if match is not None:
            text += f"""
pyroscope.write "{match[1]}" {{
	endpoint {{
		url = {quote(url or "http://pyroscope:4040")}
	}}
}}
"""
    return text


def _word(path: str) -> str:
    """A path as a word of a shell's command, on one line."""
    if path.isprintable():
        return shlex.quote(path)
    return "$'" + quote(path)[1:-1].replace("'", "\\'") + "'"
