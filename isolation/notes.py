"""What a decision took for granted, and what it did not understand."""


class Notes:
    """Sentences for the report, each once, in the order they came up."""

    def __init__(self) -> None:
        self._unknown: dict[str, None] = {}
        self._assumed: dict[str, None] = {}

    def unknown(self, sentence: str) -> None:
        """Note something not understood, which therefore counted as allowed."""
        self._unknown[sentence] = None

    def assumed(self, sentence: str) -> None:
        """Note an assumption in the caller's favour."""
        self._assumed[sentence] = None

    def add(self, other: "Notes") -> None:
        """Take over what other notes say."""
        self._unknown |= dict.fromkeys(other.unknowns)
        self._assumed |= dict.fromkeys(other.assumptions)

    @property
    def unknowns(self) -> tuple[str, ...]:
        """All that was not understood."""
        return tuple(self._unknown)

    @property
    def assumptions(self) -> tuple[str, ...]:
        """All that was assumed."""
        return tuple(self._assumed)
