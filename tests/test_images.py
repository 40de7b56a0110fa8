"""The images hold what the tasks of the components start, and what runs on this machine is that."""

import json
import re
import subprocess
import sys
from importlib.metadata import distributions, entry_points, packages_distributions
from pathlib import Path

import pytest
import yaml

from localcloud.servers import gateway
from localcloud.servers.kept import Program
from localcloud.servers.nessie import NESSIE_JAR
from onboarding import local_registry
from onboarding.local_dagster import LAUNCHER, LocalDagster, command_here
from pipelines.lakehouse.registrations import registered
from tenancy import dagster, nessie
from tenancy.dagster import HOME, DagsterPlan, run_task
from tenancy.estate import load_estate
from tenancy.nessie import gateway_task, nessie_task
from tenancy.registry import REGISTRY
from tests.estates import write_estate

ROOT = Path(__file__).parents[1]
CALLED = re.compile(r"[-_.]+")


class Image:
    """A Dockerfile: its instructions, each an upper-case word and the rest of it."""

    def __init__(self, name: str) -> None:
        text = (ROOT / "images" / f"{name}.Dockerfile").read_text().replace("\\\n", " ")
        lines = (line for line in text.splitlines() if line and not line.startswith("#"))
        self.instructions = [tuple(line.split(" ", 1)) for line in lines]

    def all(self, instruction: str) -> list[str]:
        return [rest for word, rest in self.instructions if word == instruction]

    @property
    def copied(self) -> set[str]:
        """The folders of the project that are in it, as packages."""
        found = (copied.split() for copied in self.all("COPY"))
        return {source for source, target in (each[-2:] for each in found) if "/app/" in target}

    @property
    def packages(self) -> set[str]:
        """The distributions of its lock."""
        (lock,) = (name for name in " ".join(self.all("COPY")).split() if name.endswith(".lock"))
        locked = re.findall(r"^([a-z0-9][\w.-]*)==", (ROOT / lock).read_text(), re.MULTILINE)
        return {CALLED.sub("-", name).lower() for name in locked}


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> list[DagsterPlan]:
    """The platform's Dagster, and a hard tenant's own."""
    estate = load_estate(write_estate(tmp_path_factory.mktemp("estate")))
    stacks = [estate.stack(name) for name in ("prod", "prod-initech")]
    return [DagsterPlan(each.names, each.owner, each.tenants, each.environment) for each in stacks]


def imported(image: Image, *modules: str) -> set[str]:
    """The project's packages that importing the modules loads, where only what the image has can
    be imported.
    """
    absent = sorted(
        name
        for name, owners in packages_distributions().items()
        if not {CALLED.sub("-", owner).lower() for owner in owners} & image.packages
        and name not in image.copied
    )
    program = (
        "import sys, json, importlib\n"
        f"sys.modules.update(dict.fromkeys({absent!r}))\n"  # an import of None fails
        f"for name in {modules!r}: importlib.import_module(name)\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    names = json.loads(done.stdout.splitlines()[-1])
    return {name for name in names if (ROOT / name / "__init__.py").exists()} - set(absent)


@pytest.mark.parametrize(
    ("image", "modules"),
    [
        ("gateway", ("pipelines.gateway.__main__",)),
        (
            "dagster",
            (
                dagster.CODE_MODULE,
                "pipelines.coordinator",
                "pipelines.launcher",
                "pipelines.lakehouse.register",
                "pipelines.lakehouse.materialize",
            ),
        ),
    ],
)
def test_an_image_holds_all_that_its_programs_import(image: str, modules: tuple[str, ...]) -> None:
    found = Image(image)
    assert imported(found, *modules) == found.copied


def test_the_image_of_dagster_has_every_program_of_its_tasks(plans: list[DagsterPlan]) -> None:
    image = Image("dagster")
    assert not image.all("ENTRYPOINT")
    scripts = {
        script.name: CALLED.sub("-", script.dist.metadata["Name"]).lower()
        for script in entry_points(group="console_scripts")
        if script.dist is not None
    }
    for plan in plans:
        for spec in (plan.webserver, plan.daemon, plan.code_server):
            shell = spec.command[0] == "sh"
            program = spec.command[4] if shell else spec.command[0]
            assert scripts[program] in image.packages
        for settings in plan.tenants:
            assert run_task(settings, plan.environment).command == ()
    assert image.all("USER") == ["nobody"]
    assert HOME.startswith("/tmp/")


def test_images_have_the_certificates_where_tasks_look_for_them() -> None:
    for image, place in (
        ("dagster", dagster.DATABASE_AUTHORITIES),
        ("nessie", nessie.DATABASE_AUTHORITIES),
    ):
        made = Image(image)
        assert any(place in rest for rest in (*made.all("RUN"), *made.all("COPY")))
    authorities = ROOT / "pipelines" / "database_users" / "authorities"
    assert all("BEGIN CERTIFICATE" in file.read_text() for file in authorities.glob("*.pem"))


def test_what_runs_here_is_started_as_in_the_images(
    plans: list[DagsterPlan], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (entry,) = Image("gateway").all("ENTRYPOINT")
    started: list[list[str]] = []

    class StoppedError(Exception):
        pass

    def launch(program: Program, log: Path) -> None:
        started.append(program.command)
        raise StoppedError

    monkeypatch.setattr(gateway, "launch", launch)
    with pytest.raises(StoppedError):
        gateway.start_gateway({}, tmp_path / "log")
    assert started == [[sys.executable, *json.loads(entry)[1:]]]
    assert [f"nessie:{NESSIE_JAR.version}"] == [
        rest.rpartition("/")[2] for rest in Image("nessie").all("ARG")
    ]
    for plan in plans:
        for spec in (plan.webserver, plan.daemon, plan.code_server):
            here = command_here(spec, Path("/home/instance"), 1)
            changed = {
                (there, word)
                for there, word in zip(spec.command, here, strict=True)
                if there != word
            }
            assert changed <= {
                ("0.0.0.0", "127.0.0.1"),
                ("3000", "1"),
                ("4000", "1"),
                (f"{HOME}/workspace.yaml", "/home/instance/workspace.yaml"),
            }


def test_a_dagster_here_is_configured_as_in_the_cloud_but_for_its_launcher_and_addresses(
    plans: list[DagsterPlan], tmp_path: Path
) -> None:
    for plan in plans:
        here = LocalDagster(plan, tmp_path / "home", tmp_path / "registry", tmp_path, {}, {})
        ours, theirs = (yaml.safe_load(text) for text in (here.dagster_yaml, plan.dagster_yaml))
        assert ours.pop("run_launcher")["class"] == LAUNCHER["class"]
        assert theirs.pop("run_launcher")["class"] == "TenantEcsRunLauncher"
        assert ours == theirs
        environment = here.environment(1)
        for name, value in plan.daemon.environment.items():
            if name not in {REGISTRY, "DAGSTER_HOME", "DAGSTER_YAML", "WORKSPACE_YAML"}:
                assert name in environment
                assert environment[name] == value
        local_registry.write(here.registry, plan.tenants)
        there = [each.id for each in plan.tenants if not each.suspended]
        assert registered(environment) == tuple(sorted(there))


def test_services_write_only_where_the_image_lets_them(plans: list[DagsterPlan]) -> None:
    plan = plans[0]
    assert gateway_task(plan.names, plan.environment).read_only
    assert not nessie_task(None, plan.names, plan.environment).command
    assert {"dagster-webserver", "dagster"} <= {each.name for each in distributions()}
