"""The fixed cost of each tier's services, and that the document tells it."""

from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError

from tenancy.cost import PRICES, Prices, Resource, monthly, prices_of, unpriced
from tests.estates import run_on, write_estate

DOCUMENT = Path(__file__).parents[2] / "docs" / "costs.md"
# owner in the estate of the tests -> what the document calls it
COLUMNS = {"platform": "the platform", "acme": "soft", "globex": "medium", "initech": "hard"}
SERVICE, TASK = "aws:ecs/service:Service", "aws:ecs/taskDefinition:TaskDefinition"
ACME = {"tags": {"tenant": "acme"}}


@pytest.fixture(scope="module")
def prices() -> Prices:
    return Prices.read()


@pytest.fixture(scope="module")
def costs(
    prices: Prices, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Decimal]]:
    """Of an environment with one tenant of each tier."""
    resources = [
        Resource(resource.type, resource.inputs)
        for stack in ("prod", "prod-initech")
        for resource in run_on(write_estate(tmp_path_factory.mktemp(stack)), stack).values()
    ]
    return monthly(resources, prices)


def test_the_document_tells_what_the_program_makes(costs: dict[str, dict[str, Decimal]]) -> None:
    by_column = {name: costs.get(owner, {}) for owner, name in COLUMNS.items()}
    items = sorted({item for of_owner in costs.values() for item in of_owner})
    rows = [[item, *(of_owner.get(item, 0) for of_owner in by_column.values())] for item in items]
    rows.append(["**all**", *(sum(of_owner.values()) for of_owner in by_column.values())])
    lines = [f"| a month, USD | {' | '.join(by_column)} |", f"| --- |{' ---: |' * len(by_column)}"]
    lines += [f"| {name} | {' | '.join(f'{value:.2f}' for value in row)} |" for name, *row in rows]
    assert "\n".join(lines) in DOCUMENT.read_text("utf-8"), lines


def test_a_soft_tenant_costs_nothing_by_being_there(costs: dict[str, dict[str, Decimal]]) -> None:
    assert "acme" not in costs
    assert 0 < sum(costs["globex"].values()) < sum(costs["initech"].values())


def test_a_service_costs_its_size_by_the_number_of_its_tasks(prices: Prices) -> None:
    task = Resource(TASK, {"family": "nessie", "cpu": "2048", "memory": "4096"})
    for count in (0, 1, 3):
        service = Resource(SERVICE, {"name": "nessie", "desiredCount": count, **ACME})
        hour = 2 * prices.fargate.vcpu_hour + 4 * prices.fargate.gb_hour
        assert monthly([task, service], prices) == {"acme": {"Fargate": count * 730 * hour}}


def test_a_standby_doubles_a_database(prices: Prices) -> None:
    def price(*, standby: bool) -> Decimal:
        inputs = {"instanceClass": "db.t4g.small", "allocatedStorage": 20, "multiAz": standby}
        database = Resource("aws:rds/instance:Instance", inputs | ACME)
        return monthly([database], prices)["acme"]["PostgreSQL"] - prices.secret_month

    assert price(standby=True) == 2 * price(standby=False)


def test_a_gateway_endpoint_is_free_and_an_interface_costs_in_each_zone(prices: Prices) -> None:
    kind = "aws:ec2/vpcEndpoint:VpcEndpoint"
    for subnets in ([], ["subnet-1", "subnet-2"]):
        found = monthly([Resource(kind, {"subnetIds": subnets, **ACME})], prices)
        assert found["acme"]["interface endpoints"] == Decimal("7.30") * len(subnets)


@pytest.mark.parametrize(
    ("good", "bad"),
    [("key_month: 1.00", ""), ("key_month: 1.00", "key_month: one"), ("currency", "currencies")],
)
def test_a_price_that_is_missing_or_no_number_is_refused(
    good: str, bad: str, tmp_path: Path
) -> None:
    told = PRICES.read_text("utf-8")
    assert good in told
    path = tmp_path / "aws.yaml"
    path.write_text(told.replace(good, bad), "utf-8")
    with pytest.raises(ValidationError):
        Prices.read(path)


def test_a_region_without_prices_has_none_and_that_is_told() -> None:
    assert prices_of("us-east-1") == Prices.read()
    assert prices_of("us-gov-west-1") is None
    assert "no list prices of us-gov-west-1 are known, only those of us-east-1" in unpriced(
        "us-gov-west-1"
    )
