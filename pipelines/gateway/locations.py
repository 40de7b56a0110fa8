"""S3 URLs that mean one thing to every reader: no escapes, no dots, no other spelling of a scheme.

What one program decodes, another takes as it stands; so a location with anything to decode is no
location here, rather than decoded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote

# Bucket names: Amazon S3 User Guide, "General purpose bucket naming rules".
_LOCATION = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,62}(?:/[A-Za-z0-9_=+:,.-]+)+/?")
_ABSOLUTE = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*:)?[/\\]", re.IGNORECASE)
_UNESCAPING = 5  # rounds, after which nobody means well
_DATA_KEYS = frozenset(
    # Iceberg, "Table properties": where clients put data files.
    {"write.data.path", "write.object-storage.path", "write.folder-storage.path"}
)
_PLACE_KEY = re.compile(r"(?:.*[._-])?(?:location|path|paths|uri|url|endpoint|dir|warehouse)")
_SWITCH = frozenset({"true", "false"})
_PROSE = frozenset({"comment", "description"})


def is_location(text: str) -> bool:
    """Whether the text is an S3 URL of a folder or an object, in its one plain form."""
    return bool(_LOCATION.fullmatch(text)) and not {".", ".."} & set(text.split("/"))


def is_below(location: str, folder: str) -> bool:
    """Whether the location is the folder or in it; ``folder`` ends with a slash."""
    return is_location(location) and f"{location}/".startswith(folder)


def points_somewhere(text: str) -> bool:
    """Whether somebody could take the text for an absolute path or URL, however escaped."""
    for _ in range(_UNESCAPING):
        if _ABSOLUTE.match(text):
            return True
        text, before = unquote(text), text
        if text == before:
            return False
    return True


def foreign_property(properties: Mapping[str, str], metadata: str, data: str) -> str | None:
    """The first property that leads out of the two folders, None when none does.

    A property leads somewhere when its name says that it is a place (``location``,
    ``write.data.path``, in any case), or when its value is one.
    """
    for key, value in properties.items():
        name = key.strip().lower()
        if name in _PROSE or (value in _SWITCH and name != "location"):
            continue
        names_place = _PLACE_KEY.fullmatch(name) is not None
        if not names_place and not points_somewhere(value):
            continue
        in_data = is_below(value, data) and (name in _DATA_KEYS or not names_place)
        if not (is_below(value, metadata) or in_data):
            return key
    return None
