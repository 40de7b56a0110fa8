"""Where the embedded cloud keeps what it makes: one ignored folder, `.local/`, in the project."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parent.parent
"""The folder that holds this checkout."""


@dataclass(frozen=True)
class Layout:
    """The folders under `<root>/.local`.  Deleting `.local` forgets everything and breaks nothing.

    Attributes:
        root: the project's folder, absolute.
    """

    root: Path = PROJECT_ROOT

    @property
    def home(self) -> Path:
        """The ignored folder itself."""
        return self.root / ".local"

    @property
    def bin(self) -> Path:
        """The engine and the launch scripts of its plugins; first on PATH."""
        return self.home / "bin"

    @property
    def pulumi_home(self) -> Path:
        """PULUMI_HOME: the engine's own settings and plugin cache, apart from the user's."""
        return self.home / "pulumi-home"

    @property
    def state(self) -> Path:
        """The file backend that holds the local stacks' state."""
        return self.home / "state"

    @property
    def backend(self) -> str:
        """PULUMI_BACKEND_URL: `state`, without the files of attributes beside each state.

        Nothing needs what those say, they are not replaced as a whole, and one that a kill left
        empty fails every command on the project with nothing but "EOF".
        """
        return f"file://{self.state}?metadata=skip"

    @property
    def cloud(self) -> Path:
        """The emulator's record (`cloud.json`) and log (`cloud.log`)."""
        return self.home / "cloud"

    @property
    def logs(self) -> Path:
        """Logs of the engine, its build and the provider plugin."""
        return self.home / "logs"

    def make(self) -> Layout:
        """Create every folder that is not there yet; returns itself."""
        for folder in (self.bin, self.pulumi_home, self.state, self.cloud, self.logs):
            folder.mkdir(parents=True, exist_ok=True)
        # A file where the engine would make a folder.  There it keeps an encrypted debug log of
        # each command, for Pulumi's support to read: an eighth of a preview's time, and no setting
        # turns it off (3.255, pkg/cmd/pulumi/pulumi.go).  `-v=9 --logtostderr` shows the same.
        (self.pulumi_home / "logs").touch()
        return self
