"""What a function's archive is made of."""

from importlib.metadata import files
from pathlib import Path, PurePosixPath

from pulumi import Archive, Asset, FileAsset

# What an installer writes beside a package differs from one to the next; its licence and its
# version (METADATA) do not, and are needed.
_OF_THE_INSTALLER = {"INSTALLER", "RECORD", "REQUESTED", "WHEEL", "direct_url.json"}


def installed(*distributions: str) -> dict[str, Asset | Archive]:
    """The files of pure Python packages as they are installed here, by their place in an archive.

    Raises:
        importlib.metadata.PackageNotFoundError: one of them is not installed.
    """
    return {
        str(PurePosixPath(file)): FileAsset(str(file.locate()))
        for distribution in distributions
        for file in files(distribution) or ()
        if ".." not in file.parts and file.suffix != ".pyc" and file.name not in _OF_THE_INSTALLER
    }


def sources(root: Path, *folders: str) -> dict[str, Asset | Archive]:
    """The Python files of ``folders`` below ``root``, or the one file that is named."""
    return {
        path.relative_to(root).as_posix(): FileAsset(str(path))
        for folder in folders
        for path in (
            [root / folder] if folder.endswith(".py") else sorted((root / folder).glob("*.py"))
        )
    }
