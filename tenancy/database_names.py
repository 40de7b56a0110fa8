"""Names within a database server: the program and the function that makes them must agree.

This module travels in the function's archive: it needs nothing but the standard library.
"""


def database_name(owner: str, kind: str) -> str:
    """The database of one service of ``owner``, and the role that owns what lies in it.

    An owner's id has no two hyphens in a row, so neither this nor a login of it is another's.
    PostgreSQL takes 63 bytes for a name ("Identifiers and Key Words"); ids have at most 20.
    """
    return f"{kind}_{owner.replace('-', '_')}"


def logins(database: str) -> tuple[str, str]:
    """The two users of ``database``. Each rotation gives the other one a new password, so that what
    was started before it keeps its own until the next.
    """
    return (f"{database}__1", f"{database}__2")


def removal(database: str) -> tuple[str, ...]:
    """What an administrator of the server runs to be rid of ``database`` and its users."""
    return (
        f"DROP DATABASE IF EXISTS {database} WITH (FORCE);",
        f"DROP ROLE IF EXISTS {', '.join((*logins(database), database))};",
    )
