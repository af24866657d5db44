"""How uvicorn serves the admin port. Import it inside `parts_of("uvicorn")`."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, cast

from uvicorn.config import Config

from alloypy.net.server.config import ServerConfig, Timeouts
from alloypy.services.admin.messages import ASGI


class AdminConfig(Config):
    """uvicorn's configuration, with what our connections need in addition.

    app: answers the requests. http: the protocol class of a connection. log: gets uvicorn's lines, too.
    timeouts: see `net.server.config`.
    """

    def __init__(
        self, app: ASGI, http: type[asyncio.Protocol], *, log: logging.Logger, timeouts: Timeouts
    ) -> None:
        super().__init__(
            cast("Any", app),
            interface="asgi3",
            http=http,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            workers=1,
            timeout_keep_alive=int(timeouts.idle),
        )
        self.log = log
        self.timeouts = timeouts
        self.listening = ServerConfig(app, logger=log, timeouts=timeouts)
        self.strangers = self.listening.strangers
