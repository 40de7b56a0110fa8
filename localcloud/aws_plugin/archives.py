"""Assets and archives: files that the engine only names, packed where a resource needs them.

An asset is a text or a file, an archive a folder, a zip file or a map of names to assets and
archives. The engine hashes what they hold (pulumi ``sdk/go/common/resource/{asset,archive}``): two
with one hash are the same, wherever their files lie.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ASSET: Final = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE: Final = "0def7320c3a5731c473e5ecbe6d01bc7"
_FILE_MODE: Final = 0o644
_BEGIN: Final = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip file can tell


@dataclass(frozen=True)
class Bundle:
    """An asset or an archive, told by its ``signature``.

    ``fields`` as the engine names them: ``hash``, and one of ``text``, ``path``, ``uri`` and
    ``assets``. What lies in the cloud is known by a hash alone.
    """

    signature: str
    fields: Mapping[str, Any]

    @property
    def hash(self) -> str:
        """Of what it holds; "" where the engine did not tell, as of one in an archive."""
        return str(self.fields.get("hash", ""))

    def files(self, place: str = "") -> Iterator[tuple[str, bytes]]:
        """The name and the content of each file, below ``place``.

        Raises:
            ValueError: a file cannot be read, or it is of a form that is not unpacked here.
        """
        if (assets := self.fields.get("assets")) is not None:
            for name, one in assets.items():
                yield from one.files(f"{place}/{name}" if place else name)
        elif (text := self.fields.get("text")) is not None:
            yield place, str(text).encode()
        elif path := self.fields.get("path"):
            yield from self._read(Path(path), place)
        else:
            where = self.fields.get("uri") or "it lies nowhere on this machine"
            raise ValueError(f"the content of {place or 'the archive'} cannot be read: {where}")

    def _read(self, path: Path, place: str) -> Iterator[tuple[str, bytes]]:
        prefix = f"{place}/" if place else ""
        try:
            if self.signature == ASSET:
                yield place, path.read_bytes()
            elif path.is_dir():
                for file in path.rglob("*"):
                    if file.is_file():
                        yield prefix + file.relative_to(path).as_posix(), file.read_bytes()
            else:
                with zipfile.ZipFile(path) as packed:
                    for entry in packed.infolist():
                        if not entry.is_dir():
                            yield prefix + entry.filename, packed.read(entry)
        except (OSError, zipfile.BadZipFile) as error:
            raise ValueError(f"{path}: {error}") from error

    def zipped(self) -> bytes:
        """A zip file of it, the same bytes whenever it holds the same."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for name, content in sorted(self.files()):
                entry = zipfile.ZipInfo(name, _BEGIN)
                entry.external_attr = _FILE_MODE << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, content)
        return packed.getvalue()
