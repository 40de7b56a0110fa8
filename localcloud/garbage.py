"""How often Python looks for garbage in the servers of the embedded cloud."""

import gc


def look_rarely() -> None:
    """Look a hundred times less often than Python does by itself.

    An update makes hundreds of thousands of objects that stay: looking among them, with Python's
    own thresholds, is a fifth of what it costs.
    """
    gc.set_threshold(100_000, 50, 50)
