"""The routes of a small estate: acme soft, globex medium, initech in an account of its own."""

from __future__ import annotations

import pytest

from pipelines.audit_router.routing import Routes
from tenancy.audit_routes import routes as routes_document
from tenancy.estate import load_estate
from tenancy.names import PLATFORM
from tests.estates import FILES, write_estate

ASKED = "audit: {retention_days: 2555, siem: true, realtime: true, incident_response: true}\n"


@pytest.fixture(scope="session")
def routes(tmp_path_factory: pytest.TempPathFactory) -> Routes:
    files = {"tenants/globex.yaml": FILES["tenants/globex.yaml"] + ASKED}
    plan = load_estate(write_estate(tmp_path_factory.mktemp("estate"), files)).stack("prod")
    return Routes.read(routes_document(plan.names, PLATFORM, plan.tenants))
