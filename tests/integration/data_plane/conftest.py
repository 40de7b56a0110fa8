"""The running data plane that the tests of this folder share."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.checkout import Checkout
from tests.integration.data_plane.plane import Plane, data_plane


@pytest.fixture(scope="package")
def plane() -> Iterator[Plane]:
    """A running data plane. A test that kills a server starts it again."""
    # Not pytest's own folder, which PostgreSQL's user may not enter.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        root = Path(folder) / "checkout"
        root.mkdir()
        try:
            yield data_plane(root)
        finally:
            Plane(Checkout(root)).checkout.run("stop", "--data-plane")
