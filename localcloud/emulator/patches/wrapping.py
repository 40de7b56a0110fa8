"""How a function of moto's is wrapped."""

# Moto's functions take and give anything.
# ruff: noqa: ANN401

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

Function = Callable[..., Any]


def around(owner: type, name: str) -> Callable[[Callable[..., Any]], None]:
    """Replace ``owner.name`` by the decorated function, which gets the original first.

    Raises AttributeError when moto no longer defines it there.
    """
    original = vars(owner).get(name)
    if original is None:
        raise AttributeError(f"moto's {owner.__module__}.{owner.__qualname__} has no {name}")

    def install(wrapper: Callable[..., Any]) -> None:
        @wraps(original)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            return wrapper(original, *args, **kwargs)

        setattr(owner, name, wrapped)

    return install


def added(owner: type, name: str, function: Function) -> None:
    """Give ``owner`` a method that moto lacks. Raises AttributeError when it has one by now."""
    if hasattr(owner, name):
        raise AttributeError(f"moto's {owner.__qualname__} has its own {name} now: remove ours")
    setattr(owner, name, function)
