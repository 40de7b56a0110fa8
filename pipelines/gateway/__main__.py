"""``python -m pipelines.gateway``: the gateway, configured by its environment.

SIGTERM ends it: it takes no new request, and ends when those that it has are answered.
"""

from __future__ import annotations

import json
import logging
import os
import sys

import uvicorn

from pipelines.gateway.app import application
from pipelines.gateway.audit import LOG
from pipelines.gateway.settings import Misconfigured, Settings

DRAINING = 25
"""Seconds for requests that are under way at the end; ECS kills after 30."""
KEPT_ALIVE = 75
"""Seconds that an idle connection stays: longer than a load balancer's 60, which reuses it."""
MOST_AT_ONCE = 512
"""Connections; more are answered with 503."""

_LOG = logging.getLogger(__name__)


class _Lines(logging.Formatter):
    """One JSON object a line; the audit log's are that already."""

    def format(self, record: logging.LogRecord) -> str:
        if record.name == LOG.name:
            return record.getMessage()
        return json.dumps(
            {"event": "log", "level": record.levelname, "message": super().format(record)}
        )


def main() -> int:
    """Serve until told to end; the exit code."""
    output = logging.StreamHandler(sys.stdout)
    output.setFormatter(_Lines())
    logging.basicConfig(level=logging.INFO, handlers=[output])
    logging.getLogger("httpx").setLevel(logging.WARNING)  # would tell every URL
    try:
        settings = Settings.read(os.environ)
    except Misconfigured as error:
        _LOG.critical("%s", error)
        return 2
    uvicorn.run(
        application(settings),
        host=settings.host,
        port=settings.port,
        http="h11",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MOST_AT_ONCE,
        timeout_keep_alive=KEPT_ALIVE,
        timeout_graceful_shutdown=DRAINING,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
