"""Checkouts of the project, deployed by the real engine to an embedded cloud of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.checkout import Checkout

HERE = Path(__file__).parent

LONGEST = ("offboard", "kill", "deployed", "up", "data-plane")
"""The groups that take minutes: begun first, so that no worker is left with one at the end."""


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.integration)
            # Two workers share the tests: those on one deployed checkout stay together.
            if not item.get_closest_marker("xdist_group"):
                item.add_marker(pytest.mark.xdist_group("deployed"))
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    group = item.get_closest_marker("xdist_group")
    name = group.args[0] if group else ""
    return LONGEST.index(name) if name in LONGEST else len(LONGEST)


@pytest.fixture(scope="session")
def new_checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Checkout]]:
    made: list[Checkout] = []

    def make() -> Checkout:
        checkout = Checkout.make(tmp_path_factory.mktemp("checkout"))
        made.append(checkout)
        return checkout

    yield make
    for checkout in made:
        checkout.run("down", "--clear")


@pytest.fixture(scope="session")
def deployed(new_checkout: Callable[[], Checkout]) -> Checkout:
    """The project, deployed. A test that changes it puts it back.

    Without the tenant whose account is vended: what is special to it, `test_offboard` tries with
    fewer tenants, and two more stacks would cost every test here that deploys.
    """
    checkout = new_checkout()
    (checkout.root / "tenants" / "nevada-health.yaml").unlink()
    checkout.up()
    return checkout


@pytest.fixture(scope="session")
def empty(new_checkout: Callable[[], Checkout]) -> Checkout:
    """The project with an embedded cloud that holds nothing."""
    checkout = new_checkout()
    checkout.start_cloud("123456789012", "210987654321")
    return checkout
