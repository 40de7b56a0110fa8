"""AWS CloudTrail. The emulator records nothing: a trail is its settings."""

# A class is its table, `resource` documents the methods.
# ruff: noqa: ANN401, D101, D102, S105

from __future__ import annotations

import re
from typing import Any, ClassVar, Final

from localcloud.aws_plugin.cloud import Cloud
from localcloud.aws_plugin.mapping import from_api
from localcloud.aws_plugin.registry import register
from localcloud.aws_plugin.resource import ApiResource, Property, declare, tag_map
from localcloud.aws_plugin.values import Properties

# CloudTrail API Reference, CreateTrail: Name.
NAME: Final = r"(?!.*[._-]{2})[A-Za-z0-9][A-Za-z0-9._-]{1,126}[A-Za-z0-9]"
SELECTORS: Final = "advancedEventSelectors"
# What a trail records unless told otherwise (CloudTrail API Reference, PutEventSelectors).
_EVERYTHING: Final = {"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": []}


@register
class Trail(ApiResource):
    token = "aws:cloudtrail/trail:Trail"
    service = "cloudtrail"
    id_format = "{arn}"
    properties = declare(
        name=Property(required=True, replace=True),
        advancedEventSelectors=Property(unordered=True),
        cloudWatchLogsGroupArn=Property(api="CloudWatchLogsLogGroupArn"),
        cloudWatchLogsRoleArn=Property(),
        enableLogFileValidation=Property(default=False),
        enableLogging=Property(default=True, by_hand=True),
        includeGlobalServiceEvents=Property(default=True),
        isMultiRegionTrail=Property(default=False),
        isOrganizationTrail=Property(default=False),
        kmsKeyId=Property(),
        s3BucketName=Property(required=True),
        s3KeyPrefix=Property(),
        snsTopicName=Property(),
        tags=Property(default={}, api="TagsList"),
    )
    outputs = ("arn", "homeRegion", "snsTopicArn")
    create_call = "create_trail"
    update_call = "update_trail"
    read_call = "get_trail"
    read_path = "Trail"
    delete_call = "delete_trail"
    renames: ClassVar = {
        f"{name}s": f"{name[0].upper()}{name[1:]}"
        for name in ("startsWith", "endsWith", "notStartsWith", "notEndsWith")
    }

    def validate(self, inputs: Properties) -> list[tuple[str, str]]:
        wrong = []
        if isinstance(name := inputs["name"], str) and not re.fullmatch(NAME, name):
            told = "3 to 128 letters, digits, periods, underscores and hyphens, no two of these"
            wrong.append(("name", f"{told} in a row, none of them at an end"))
        group, role = "cloudWatchLogsGroupArn", "cloudWatchLogsRoleArn"
        missing = [one for one in (group, role) if not inputs.get(one)]
        if len(missing) == 1:
            wrong.append((missing[0], "a log group and its role go together"))
        if isinstance(arn := inputs.get(group), str) and not arn.endswith(":*"):
            wrong.append((group, "the log group's ARN must end with :* (its streams)"))
        globally = inputs.get("includeGlobalServiceEvents") is not False
        if inputs.get("isMultiRegionTrail") is True and not globally:
            wrong.append(("includeGlobalServiceEvents", "a multi-Region trail includes them"))
        return wrong

    def predict(self, cloud: Cloud, inputs: Properties) -> Properties:
        region, path = inputs.get("region") or cloud.region, f"trail/{inputs['name']}"
        arn = cloud.arn("cloudtrail", path, region=region, account=cloud.account)
        return {"arn": arn, "homeRegion": region}

    def make(self, cloud: Cloud, urn: str, inputs: Properties) -> str:
        arn = super().make(cloud, urn, inputs)
        if inputs.get(SELECTORS):
            self._select(cloud, arn, inputs)
        if inputs.get("enableLogging") is not False:
            self.client(cloud, inputs).start_logging(Name=arn)
        return arn

    def _select(self, cloud: Cloud, arn: str, inputs: Properties) -> None:
        if selectors := inputs.get(SELECTORS):
            values = {SELECTORS: selectors, "region": inputs.get("region")}
            self.call(cloud, "put_event_selectors", values, TrailName=arn)
        else:
            self.client(cloud, inputs).put_event_selectors(
                TrailName=arn, EventSelectors=[_EVERYTHING]
            )

    def call(self, cloud: Cloud, call: str, values: Any, **fixed: Any) -> Any:
        if call in (self.read_call, self.delete_call):
            fixed["Name"] = values["arn"]
        return super().call(cloud, call, values, **fixed)

    def live(self, client: Any, found: Any, known: Any) -> Properties:
        arn = found["TrailARN"]
        shape = self.input_shape(client, "put_event_selectors").members["AdvancedEventSelectors"]
        selected = client.get_event_selectors(TrailName=arn).get("AdvancedEventSelectors") or []
        live = {
            **super().live(client, found, known),
            "arn": arn,
            "homeRegion": arn.split(":")[3],
            "snsTopicArn": found.get("SnsTopicARN"),
            "enableLogFileValidation": found["LogFileValidationEnabled"],
            "enableLogging": client.get_trail_status(Name=arn)["IsLogging"],
            SELECTORS: from_api(selected, shape, self.names, known.get(SELECTORS)),
        }
        listed = client.list_tags(ResourceIdList=[arn])["ResourceTagList"]
        live["tags"] = tag_map(listed[0].get("TagsList") or [])
        return live

    def change(
        self, cloud: Cloud, identifier: str, state: Properties, inputs: Properties, what: set[str]
    ) -> None:
        client = self.client(cloud, inputs)
        if "tags" in what:
            self._tag(client, identifier, state.get("tags") or {}, inputs.get("tags") or {})
        if SELECTORS in what:
            self._select(cloud, identifier, inputs)
        if "enableLogging" in what:
            stop = inputs.get("enableLogging") is False
            (client.stop_logging if stop else client.start_logging)(Name=identifier)
        if settings := what - {"tags", SELECTORS, "enableLogging"}:
            # What goes back to its default is said: "" where there is none.
            values: Properties = {"region": inputs.get("region")}
            for name in settings:
                default = self.table[name].default
                given = default if inputs.get(name) is None else inputs[name]
                values[name] = "" if given is None else given
            self.call(cloud, "update_trail", values, Name=identifier)

    @staticmethod
    def _tag(client: Any, arn: str, old: Properties, new: Properties) -> None:
        def listed(tags: Properties) -> list[dict[str, str]]:
            return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]

        if gone := {key: value for key, value in old.items() if key not in new}:
            client.remove_tags(ResourceId=arn, TagsList=listed(gone))
        if new:
            client.add_tags(ResourceId=arn, TagsList=listed(new))
