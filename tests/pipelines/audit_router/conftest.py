"""The routes of a small estate: acme soft, globex medium, initech in an account of its own."""

from __future__ import annotations

import pytest

from pipelines.audit_router.routing import Routes, read_tenant
from tenancy.audit_routes import routes as routes_document
from tenancy.estate import StackPlan, load_estate
from tenancy.names import PLATFORM
from tenancy.registry import audit_route
from tests.estates import FILES, write_estate

ASKED = "audit: {retention_days: 2555, siem: true, realtime: true, incident_response: true}\n"


@pytest.fixture(scope="session")
def plan(tmp_path_factory: pytest.TempPathFactory) -> StackPlan:
    files = {"tenants/globex.yaml": FILES["tenants/globex.yaml"] + ASKED}
    return load_estate(write_estate(tmp_path_factory.mktemp("estate"), files)).stack("prod")


@pytest.fixture(scope="session")
def routes(plan: StackPlan) -> Routes:
    tenants = {each.id: read_tenant(each.id, audit_route(each)) for each in plan.tenants}
    return Routes.read(routes_document(plan.names, PLATFORM)).serving(tenants)
