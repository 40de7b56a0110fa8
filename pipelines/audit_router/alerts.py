"""What is told when a tenant's role reached for what is another's."""

from __future__ import annotations

import json

from pipelines.audit_router.routing import Record, Route, Routes, resources

_ALERT = "cross-tenant access"
_MOST_RESOURCES = 20  # of up to 1 KiB each; SNS takes 256 KiB a message


def subject(route: Route, whose: str) -> str:
    """The subject of the e-mail: ids only, since SNS takes 100 ASCII characters."""
    return f"Cross-tenant access: {route.actor} to {whose}"


def message(record: Record, route: Route, whose: str, routes: Routes) -> str:
    """Who did what to whose resource, with what outcome, and where the record lies."""
    identity = record.get("userIdentity") or {}
    refused = record.get("errorCode")
    return json.dumps(
        {
            "alert": _ALERT,
            "who": identity.get("arn") or identity.get("principalId"),
            "tenant": route.actor,
            "what": f"{record.get('eventSource')} {record.get('eventName')}",
            "whose": whose,
            "outcome": f"refused: {refused}" if refused else "allowed",
            "resources": resources(record)[:_MOST_RESOURCES],
            "event_id": route.event_id,
            "event_time": record.get("eventTime"),
            "source_ip": record.get("sourceIPAddress"),
            "records": [
                f"s3://{routes.bucket}/{route.key(destination)}"
                for destination in route.destinations(routes)
            ],
        },
        indent=2,
    )


def log_line(route: Route, whose: str) -> str:
    """What the function logs of an alert, one line: the alarm counts these."""
    return json.dumps(
        {"alert": _ALERT, "tenant": route.actor, "whose": whose, "event_id": route.event_id}
    )


def topics(route: Route, whose: str, routes: Routes) -> list[str]:
    """Who is told: the operators, the contacts of both tenants, those on call."""
    both = [routes.tenants[id_] for id_ in (whose, route.actor or "") if id_ in routes.tenants]
    found = [routes.alerts_topic_arn, *(tenant.topic_arn for tenant in both)]
    if any(tenant.incidents for tenant in both):
        found.append(routes.incidents_topic_arn)
    return [topic for topic in found if topic]
