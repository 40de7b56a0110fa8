"""The launcher of runs: starts each as the task that the platform fixed for the run's tenant.

It is part of the trusted base. The launcher that it is made from does what a run's tags and its
code location's container context say: both may name another task definition, role, image or
network. Here they may say nothing; only the run tag ``tenant`` counts, and it only chooses among
task definitions that the platform made, each with its tenant's role in it.
"""

import json

from dagster import DagsterInstance, DagsterRun, Field, Noneable, StringSource
from dagster._core.launcher.base import LaunchRunContext, ResumeRunContext
from dagster._grpc.types import ExecuteRunArgs, ResumeRunArgs
from dagster._serdes import ConfigurableClassData
from dagster._utils.backoff import backoff
from dagster_aws.ecs import EcsRunLauncher
from dagster_aws.ecs.container_context import EcsContainerContext
from dagster_aws.ecs.launcher import Tags
from dagster_aws.ecs.utils import RetryableEcsException

from pipelines.registry import REGISTRY, place_of
from pipelines.runs import TASK_FAMILY, RunRefusedError, launched_tenant, no_tenant_of

RUN_CONTAINER = "run"
"""The name of the container in every task definition of runs."""

_RUN_ID = "dagster/run_id"


class TenantEcsRunLauncher(EcsRunLauncher[DagsterInstance]):
    """Starts runs on Fargate in one cluster and network, each from its tenant's task definition.

    ``registry``: where the tenants' entries are, each with the ``task_family`` of its runs; the
    one of the run's tenant is read when it is started. ``network``: JSON,
    ``{"subnets": [...], "security_groups": [...]}``. Both are meant to come from environment
    variables: the configuration travels in every run's command, which ECS limits to 8,192
    characters (Amazon ECS API Reference, RunTask).

    ``secrets_tag`` must be null: the stock launcher mounts every secret that has this tag.
    """

    def __init__(
        self,
        registry: str,
        cluster: str,
        network: str,
        secrets_tag: str | None = None,
        inst_data: ConfigurableClassData | None = None,
    ) -> None:
        if secrets_tag is not None:
            raise ValueError("secrets_tag must be null: a run's secrets are in its task definition")
        places = json.loads(network)
        self._cluster = cluster
        self.registry = place_of({REGISTRY: registry})
        super().__init__(
            inst_data=inst_data,
            container_name=RUN_CONTAINER,
            secrets_tag=None,  # type: ignore[arg-type]
            use_current_ecs_task_config=False,
            run_task_kwargs={
                "cluster": cluster,
                "launchType": "FARGATE",
                "networkConfiguration": {
                    "awsvpcConfiguration": {
                        "subnets": places["subnets"],
                        "securityGroups": places["security_groups"],
                        "assignPublicIp": "DISABLED",
                    }
                },
                "enableExecuteCommand": False,
                # The task then carries the tenant's tag, as its definition does.
                "propagateTags": "TASK_DEFINITION",
            },
        )

    @classmethod
    def config_type(cls) -> dict[str, Field]:
        """Its own options only: the stock launcher's would let a file choose roles and images."""
        return {
            "registry": Field(StringSource, description="s3://<bucket>/<prefix>/ or a folder"),
            "cluster": Field(StringSource, description="name of the ECS cluster"),
            "network": Field(StringSource, description="JSON: subnets and security_groups"),
            "secrets_tag": Field(
                Noneable(StringSource), is_required=False, default_value=None, description="null"
            ),
        }

    def launch_run(self, context: LaunchRunContext) -> None:
        """Start the run.

        Raises:
            RunRefusedError: its tags or its code location ask for what they may not, or it is of
                no tenant here.
            RegistryError: what there is to know of its tenant cannot be read.
        """
        self._start(context.dagster_run, ExecuteRunArgs)

    def resume_run(self, context: ResumeRunContext) -> None:
        """Start the run anew where its task died, under the same conditions."""
        self._start(context.dagster_run, ResumeRunArgs)

    def _start(
        self, run: DagsterRun, args_type: type[ExecuteRunArgs] | type[ResumeRunArgs]
    ) -> None:
        """Start the tenant's task with nothing added but the command, which names the run.

        Nothing here is the stock launcher's, so nothing that it may learn to read from a run in a
        later version counts either.
        """
        family = TASK_FAMILY.look_up(self.registry, launched_tenant(run))
        if family is None:
            raise no_tenant_of(run)
        origin = run.job_code_origin
        if origin is None:
            raise RunRefusedError(f"run {run.run_id} does not say which job it is of")
        args = args_type(
            job_origin=origin, run_id=run.run_id, instance_ref=self._instance.get_ref()
        )
        container = {"name": RUN_CONTAINER, "command": [*args.get_command_args()]}
        task = backoff(
            self._run_task,
            retry_on=(RetryableEcsException,),
            kwargs={
                **self.run_task_kwargs,
                "taskDefinition": family,
                "overrides": {"containerOverrides": [container]},
                "tags": self.build_ecs_tags_for_run_task(run, EcsContainerContext()),
            },
        )
        self._set_run_tags(run.run_id, cluster=task["clusterArn"], task_arn=task["taskArn"])
        self.report_launch_events(run, task["taskArn"], task["clusterArn"])

    def _get_run_tags(self, run_id: str) -> Tags:
        """Where the run's task is, if that task says itself that it is this run's.

        A run that names another's task in its tags would else have that one stopped.
        """
        tags = super()._get_run_tags(run_id)
        if tags.arn is None:
            return tags
        tasks = self.ecs.describe_tasks(cluster=self._cluster, tasks=[tags.arn], include=["TAGS"])[
            "tasks"
        ]
        if any({"key": _RUN_ID, "value": run_id} in task.get("tags", []) for task in tasks):
            return Tags(tags.arn, self._cluster, None, None)
        return Tags(None, None, None, None)
