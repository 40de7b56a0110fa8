"""The partitions: one for each tenant that this Dagster serves."""

from collections.abc import Iterable, Mapping

from dagster import DagsterInstance, DynamicPartitionsDefinition

from pipelines.runs import TENANT_TAG

NAME = "tenant"


class TenantPartitions(DynamicPartitionsDefinition):
    """Partitions that are tenants: a run of one carries the tag `TENANT_TAG`, by which it is
    queued and started.
    """

    def get_tags_for_partition_key(self, partition_key: str) -> Mapping[str, str]:
        """The tags of a run of the partition."""
        return {**super().get_tags_for_partition_key(partition_key), TENANT_TAG: partition_key}


tenants = TenantPartitions(name=NAME)


def register(instance: DagsterInstance, ids: Iterable[str]) -> tuple[str, ...]:
    """Make the tenants partitions of the instance; those that were none before, sorted.

    None is ever removed: how its runs fared stays to be seen, and new ones are refused by the
    launcher once the tenant is no longer deployed.
    """
    new = sorted(set(ids) - set(instance.get_dynamic_partitions(NAME)))
    if new:
        instance.add_dynamic_partitions(NAME, new)
    return tuple(new)
