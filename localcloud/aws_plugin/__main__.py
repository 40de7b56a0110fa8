"""Start the plugin as the engine expects: the port on the first line of stdout, then serve.

It ends when the engine does. An engine that was killed cannot tell its plugins to stop, so the
parent process is watched; a call under way is still finished, for what it makes exists anyway.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

from localcloud import garbage
from localcloud.aws_plugin.server import serve


def main() -> None:
    """Serve until the engine says to stop, or is gone."""
    garbage.look_rarely()
    stopped = threading.Event()
    # At the end the engine interrupts its plugins and waits seconds for those that stay. A user's
    # Ctrl-C does not arrive here: plugins have process groups of their own.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    parent = os.getppid()
    server, port = serve(stopped)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    while not stopped.wait(0.5):
        if os.getppid() != parent:
            break
    server.stop(grace=10).wait()


if __name__ == "__main__":
    main()
