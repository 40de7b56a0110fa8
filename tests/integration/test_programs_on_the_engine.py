"""The language host under a real engine: programs, errors, policy packs, and killed engines."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from localcloud import engine, launchers, shell
from localcloud.paths import Layout
from localcloud.processes import wait_until
from onboarding.state_files import StateFiles

pytestmark = pytest.mark.integration

PROGRAM = """
import pulumi

class Thing(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("test:index:Thing", name)
        self.register_outputs({})

for number in range(3):
    Thing(f"thing-{number}")
pulumi.export("setting", pulumi.Config().get("setting"))
print("said by the program")
"""

# A policy pack is a gRPC server that prints its port: this one needs no more than the SDK.
POLICY_PACK = """
import concurrent.futures, sys, threading
import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import analyzer_pb2 as a, analyzer_pb2_grpc, plugin_pb2

class Pack(analyzer_pb2_grpc.AnalyzerServicer):
    def GetAnalyzerInfo(self, request, context):
        policy = a.PolicyInfo(name="few-things", enforcementLevel=a.MANDATORY)
        return a.AnalyzerInfo(name="pack", version="1.0.0", policies=[policy],
                              supportsConfig=True)
    def GetPluginInfo(self, request, context):
        return plugin_pb2.PluginInfo(version="1.0.0")
    def Configure(self, request, context):
        return empty_pb2.Empty()
    def Analyze(self, request, context):
        if request.name != "thing-2":
            return a.AnalyzeResponse()
        return a.AnalyzeResponse(diagnostics=[a.AnalyzeDiagnostic(
            policyName="few-things", policyPackName="pack", policyPackVersion="1.0.0",
            message="one thing too many", enforcementLevel=a.MANDATORY, urn=request.urn)])
    def AnalyzeStack(self, request, context):
        return a.AnalyzeResponse()

server = grpc.server(concurrent.futures.ThreadPoolExecutor())
analyzer_pb2_grpc.add_AnalyzerServicer_to_server(Pack(), server)
print(server.add_insecure_port("127.0.0.1:0"), flush=True)
server.start()
server.wait_for_termination()
"""


class Project:
    """A throw-away Pulumi project with a `.local` of its own and the checkout's engine."""

    def __init__(self, folder: Path, pulumi: Path) -> None:
        self.folder, self.pulumi = folder, pulumi
        layout = Layout(folder).make()
        launchers.install_launchers(layout.bin / "pulumi", layout)
        self.environ = dict(os.environ)
        shell.enter(folder, "http://127.0.0.1:9", self.environ)
        (folder / "Pulumi.yaml").write_text(
            "name: hosted\n"
            f"runtime: {{name: python, options: {{virtualenv: {Path(sys.prefix)}}}}}\n",
            encoding="utf-8",
        )
        self.program(PROGRAM)
        self.run("stack", "init", "local")

    def program(self, source: str) -> None:
        (self.folder / "__main__.py").write_text(source, encoding="utf-8")

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.pulumi), "--non-interactive", *command],
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )

    def left(self) -> list[psutil.Process]:
        """Processes that still run for this project."""
        mine = []
        for process in psutil.process_iter(["cmdline", "environ", "status"]):
            environ = process.info["environ"] or {}
            if environ.get("PULUMI_HOME") == self.environ["PULUMI_HOME"]:
                mine.append(process)
        return mine


@pytest.fixture(scope="module")
def pulumi() -> Path:
    return engine.ensure_engine(print)


@pytest.fixture
def project(tmp_path: Path, pulumi: Path) -> Project:
    return Project(tmp_path, pulumi)


def test_a_stack_lives_from_preview_to_destroy(project: Project) -> None:
    project.run("config", "set", "setting", "on")
    preview = project.run("preview")
    assert preview.returncode == 0, preview.stdout
    assert "+ 4 to create" in preview.stdout
    assert "said by the program" in preview.stdout
    up = project.run("up", "--yes")
    assert up.returncode == 0, up.stdout
    assert project.run("stack", "output", "setting").stdout == "on\n"
    again = project.run("up", "--yes", "--expect-no-changes")
    assert again.returncode == 0, again.stdout
    refresh = project.run("refresh", "--yes", "--expect-no-changes")
    assert refresh.returncode == 0, refresh.stdout
    about = project.run("about")
    assert f"executable='{sys.executable}'" in about.stdout
    destroy = project.run("destroy", "--yes")
    assert destroy.returncode == 0, destroy.stdout
    assert project.left() == []


def test_the_backend_keeps_no_file_that_a_kill_can_leave_half_written(project: Project) -> None:
    assert project.run("up", "--yes").returncode == 0
    state = Layout(project.folder).state
    assert list(state.rglob("local.json"))
    assert not list(state.rglob("*.attrs"))


def test_a_state_tells_the_line_that_made_a_resource_and_no_stack_of_this_machine(
    project: Project,
) -> None:
    assert project.run("up", "--yes").returncode == 0
    resources = json.loads(project.run("stack", "export").stdout)["deployment"]["resources"]
    (thing,) = (one for one in resources if one["urn"].endswith("::thing-2"))
    line = PROGRAM[: PROGRAM.index("    Thing(f")].count("\n") + 1
    assert thing["sourcePosition"] == f"project:///__main__.py#{line}"
    assert "stackTrace" not in thing


def test_what_a_program_leaves_for_its_end_happens(project: Project) -> None:
    leaving = "import atexit\nfrom pathlib import Path\natexit.register(Path('left').touch)\n"
    project.program(leaving)
    assert project.run("preview").returncode == 0
    assert (project.folder / "left").exists()


def test_states_read_where_they_lie_are_what_the_engine_exports(project: Project) -> None:
    files = StateFiles(Layout(project.folder).state, "hosted")
    for stack in ("another", "local"):  # the other one holds nothing
        if stack == "local":
            assert project.run("up", "--yes").returncode == 0
        else:
            project.run("stack", "init", stack, "--no-select")
        told = project.run("stack", "export", "--stack", stack).stdout
        assert files.exported(stack) == json.loads(told)
    listed = json.loads(project.run("stack", "ls", "--json").stdout)
    assert files.stacks() == tuple(sorted(stack["name"] for stack in listed))


def test_the_engine_keeps_no_log_of_its_own(project: Project) -> None:
    assert project.run("preview").returncode == 0
    assert not list(Layout(project.folder).pulumi_home.rglob("*.log"))


def test_debug_messages_of_a_program_are_shown_where_they_are_asked_for(project: Project) -> None:
    project.program("import pulumi\npulumi.log.debug('told in detail')\npulumi.log.info('told')\n")
    assert "told in detail" not in (brief := project.run("preview", "--debug").stdout)
    assert "told" in brief
    assert "told in detail" in project.run("preview", "--debug", "--logflow", "-v=1").stdout


def test_an_exception_is_shown_once_from_the_programs_own_frame_on(project: Project) -> None:
    project.program("def inner():\n    raise ValueError('the reason')\n\ninner()\n")
    text = project.run("preview").stdout
    diagnostics = text[text.index("Diagnostics:") :]
    assert diagnostics.count("ValueError: the reason") == 1
    assert "in inner" in diagnostics
    assert "runpy" not in text
    assert "localcloud" not in diagnostics
    assert "unhandled error occurred" not in text


def test_a_run_error_is_only_its_message(project: Project) -> None:
    project.program("import pulumi\nraise pulumi.RunError('give the tenant a contact')\n")
    result = project.run("preview")
    assert result.returncode != 0
    assert "error: give the tenant a contact" in result.stdout
    assert "Traceback" not in result.stdout
    assert "unhandled" not in result.stdout


def test_a_program_that_exits_by_itself_is_reported_with_its_code(project: Project) -> None:
    project.program("import sys\nsys.exit(3)\n")
    result = project.run("preview")
    assert result.returncode != 0
    assert "the program ended with exit code 3" in result.stdout


def test_an_import_made_late_finds_the_programs_own_modules(project: Project) -> None:
    (project.folder / "engine.py").write_text("NAME = 'own'\n", encoding="utf-8")
    project.program(
        "import pulumi\n"
        "def late(_):\n    import engine\n    return engine.NAME\n"
        "pulumi.export('late', pulumi.Output.from_input(1).apply(late))\n"
    )
    result = project.run("preview")
    assert 'late: "own"' in result.stdout


def test_a_mandatory_policy_fails_the_preview(project: Project) -> None:
    pack = project.folder / "pack"
    pack.mkdir()
    (pack / "PulumiPolicy.yaml").write_text(
        f"runtime: {{name: python, options: {{virtualenv: {Path(sys.prefix)}}}}}\n",
        encoding="utf-8",
    )
    (pack / "__main__.py").write_text(POLICY_PACK, encoding="utf-8")
    result = project.run("preview", "--policy-pack", str(pack))
    assert result.returncode != 0
    assert "one thing too many" in result.stdout
    assert "Traceback" not in result.stdout
    project.program("")
    result = project.run("preview", "--policy-pack", str(pack))
    assert result.returncode == 0, result.stdout
    assert project.left() == []


def test_nothing_lives_on_when_the_engine_is_killed(project: Project) -> None:
    running = project.folder / "running"
    project.program(f"import time\nopen({str(running)!r}, 'w').close()\ntime.sleep(60)\n")
    killed = subprocess.Popen(
        [str(project.pulumi), "--non-interactive", "preview"],
        cwd=project.folder,
        env=project.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert wait_until(running.exists, 30)
    assert len(project.left()) >= 3  # engine, host, program
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    began = time.monotonic()
    assert wait_until(lambda: project.left() == [], 10), project.left()
    assert time.monotonic() - began < 5
