"""A copy of the project with its own state and embedded cloud, driven as a user drives it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from localcloud.paths import Layout
from localcloud.shell import shell_environment
from onboarding.sessions import session
from onboarding.state_files import StateFiles

PROJECT = Path(__file__).resolve().parents[2]
PATIENCE = 300  # seconds that any one command may take
LAST_STATE_ONLY = {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"}

Json = dict[str, Any]


@dataclass(frozen=True)
class Checkout:
    root: Path

    @classmethod
    def make(cls, root: Path) -> Checkout:
        """Copy what git would (and what is not committed yet), and the programs that are built."""
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for name in listed.splitlines():
            source = PROJECT / name
            if source.is_file():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, root / name)
        (root / ".venv").symlink_to(sys.prefix)
        ours, theirs = PROJECT / ".local" / "bin", root / ".local" / "bin"
        theirs.mkdir(parents=True)
        # What is not there the copy finds on PATH, or builds.
        for program in (*ours.glob("pulumi"), *ours.glob("minio-*")):
            shutil.copy(program, theirs)
        return cls(root)

    @property
    def environment(self) -> dict[str, str]:
        """A user's environment without anything of the clouds; modules come from the copy."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "PULUMI_", "TENANCY_", "COLUMNS"))
        }
        return kept | {"PYTHONPATH": str(self.root)}

    @property
    def command(self) -> list[str]:
        return [str(self.root / ".venv" / "bin" / "python"), "-m", "onboarding.cli"]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`tenancy local <arguments>`, whatever becomes of it."""
        return self.tenancy("local", *arguments)

    def tenancy(
        self, *arguments: str, more: Mapping[str, str] | None = None, given: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """`tenancy <arguments>`, whatever becomes of it; there is no terminal.

        ``more``: what the user's environment has beside; ``given``: on standard input.
        """
        return subprocess.run(
            [*self.command, *arguments],
            cwd=self.root,
            env=self.environment | dict(more or {}),
            input=given,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """The same, left running; in a session of its own, as a terminal gives it, and with
        Ctrl-C ignored at first, as a script's background job has it.
        """
        return subprocess.Popen(
            ["/bin/sh", "-c", "trap '' INT; exec \"$@\"", "sh", *self.command, "local", *arguments],
            cwd=self.root,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def shrink(self, tenants: Mapping[str, str]) -> None:
        """Make it a small estate: these tenants, id to tier, and one table each."""
        for path in [
            *self.root.glob("tenants/*.yaml"),
            *self.root.glob("table-templates/*.yaml"),
            *self.root.glob("Pulumi.local-*.yaml"),
        ]:
            if path.stem != "event_stream":
                path.unlink()
        for tenant, tier in tenants.items():
            (self.root / "tenants" / f"{tenant}.yaml").write_text(
                f"tenant: {tenant}\ncontact: ops@{tenant}.example\nisolation: {tier}\n",
                encoding="utf-8",
            )

    def up(self) -> Json:
        """`tenancy local up`, which must succeed; its result.

        Where it is cut short is not looked at here, so the engine writes no state but the last.
        """
        done = self.tenancy("local", "up", "--json", more=LAST_STATE_ONLY)
        assert done.returncode == 0, done.stderr
        result: Json = json.loads(done.stdout)
        return result

    def start_cloud(self, *accounts: str) -> None:
        """The embedded cloud with open accounts, and launch scripts; nothing is deployed."""
        program = (
            "from localcloud.emulator import lifecycle;"
            " from localcloud.engine import ensure_engine;"
            " from localcloud.launchers import install_launchers;"
            f" cloud = lifecycle.ensure(print); [*map(cloud.open_account, {accounts})];"
            " install_launchers(ensure_engine(print))"
        )
        python = self.root / ".venv" / "bin" / "python"
        subprocess.run([python, "-c", program], cwd=self.root, env=self.environment, check=True)

    def refused_up(self, code: int = 6) -> str:
        """`tenancy local up`, which must be refused; what it told. No engine was called."""
        before = self.logs()
        done = self.run("up")
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        assert "remedy" in done.stderr
        assert self.logs() == before, "the engine was called"
        return done.stderr

    def logs(self) -> dict[str, int]:
        """The engine's logs of operations, and when each was last written."""
        return {
            path.name: path.stat().st_mtime_ns
            for path in (self.root / ".local" / "logs").glob("*-*.log")
        }

    def pulumi(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`pulumi <arguments>` as in a shell after `eval "$(tenancy local env)"`."""
        settings = shell_environment(self.root, self.endpoint, self.environment)
        return subprocess.run(
            ["pulumi", "--non-interactive", "--color=never", *arguments],
            cwd=self.root,
            env=self.environment | settings,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def preview(self, stack: str, *arguments: str) -> Json:
        """The steps of a preview that must succeed, as `pulumi preview --json` prints them."""
        done = self.pulumi("preview", "--json", "--stack", stack, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        result: Json = json.loads(done.stdout)
        return result

    def export(self, stack: str) -> Json:
        """The stack's state, as `pulumi stack export` prints it."""
        deployment: Json = self.states.exported(stack)["deployment"]
        return deployment

    @property
    def states(self) -> StateFiles:
        """The states of the local stacks, as the engine last wrote them."""
        return StateFiles(Layout(self.root).state, "tenancy")

    def told_outputs(self, stack: str, **outputs: str) -> None:
        """Make the stack one that has these outputs and nothing else."""
        kind = "pulumi:pulumi:Stack"
        told = {
            "urn": f"urn:pulumi:{stack}::tenancy::{kind}::tenancy-{stack}",
            "custom": False,
            "type": kind,
            "outputs": outputs,
        }
        state = self.root / "told.json"
        state.write_text(json.dumps({"version": 3, "deployment": {"resources": [told]}}))
        done = self.pulumi("stack", "import", "--stack", stack, "--file", str(state))
        assert done.returncode == 0, done.stderr

    def resources(self, stack: str) -> dict[str, Json]:
        """The stack's resources by URN."""
        return {entry["urn"]: entry for entry in self.export(stack)["resources"]}

    @property
    def endpoint(self) -> str:
        """The embedded cloud's URL, from its record: it changes when the cloud is cleared."""
        record = json.loads((self.root / ".local/cloud/cloud.json").read_text(encoding="utf-8"))
        return f"http://127.0.0.1:{record['port']}"

    def session(self, account: str | None = None) -> boto3.Session:
        """Plain boto3: the platform's account, or another through its role."""
        keys: Mapping[str, str] = {
            "AccessKeyId": "AKIALOCALCLOUD000000",
            "SecretAccessKey": "of-the-local-cloud",
        }
        own = _session(keys)
        if account is None:
            return own
        sts = own.client("sts", endpoint_url=self.endpoint)
        role = f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole"
        assumed: Any = sts.assume_role(RoleArn=role, RoleSessionName="test")
        return _session(assumed["Credentials"])

    def client(self, service: str, account: str | None = None) -> Any:
        entered: Any = self.session(account)  # its stubs know services by literal names only
        return entered.client(service, endpoint_url=self.endpoint)

    @contextmanager
    def edited(self, name: str, content: str | None) -> Iterator[None]:
        """The file with other content, or absent for None; put back after."""
        path = self.root / name
        before = path.read_bytes() if path.exists() else None
        if content is None:
            path.unlink()
        else:
            path.write_text(content, encoding="utf-8")
        try:
            yield
        finally:
            if before is None:
                path.unlink()
            else:
                path.write_bytes(before)

    def read(self, name: str) -> str:
        return (self.root / name).read_text(encoding="utf-8")


def _session(keys: Mapping[str, str]) -> boto3.Session:
    return session(
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys.get("SessionToken", ""),
        region_name="us-east-1",
    )
