"""What keeps the proof from an answer."""


class PolicyError(ValueError):
    """A policy document that AWS would refuse, or that cannot be read.

    ``policy`` is its name as the reader knows it, ``path`` the place in it
    (``Statement[1].Action``; empty for the document as a whole), ``rule`` what is wrong.
    """

    def __init__(self, policy: str, path: str, rule: str) -> None:
        super().__init__(policy, path, rule)
        self.policy = policy
        self.path = path
        self.rule = rule

    def __str__(self) -> str:
        return f"{self.policy}: {self.path}: {self.rule}" if self.path else self.rule_of_all

    @property
    def rule_of_all(self) -> str:
        """The message for the document as a whole."""
        return f"{self.policy}: {self.rule}"


class Undecided(Exception):
    """The question is past the bound of the search: neither yes nor no."""


class StateError(ValueError):
    """A file that is no exported state, or cannot be read.

    ``file`` is its name, ``place`` where in it (empty for the file as a whole), ``rule`` what is
    wrong.
    """

    def __init__(self, file: str, place: str, rule: str) -> None:
        super().__init__(file, place, rule)
        self.file = file
        self.place = place
        self.rule = rule

    def __str__(self) -> str:
        return (
            f"{self.file}: {self.place}: {self.rule}" if self.place else f"{self.file}: {self.rule}"
        )
