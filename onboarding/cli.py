"""The `tenancy` command: arguments, display and exit codes around functions that a script can call.

Exit codes: 0 done, 1 the operation failed, 2 bad input, 130 interrupted; commands have more.
Results go to standard output, progress and errors to standard error.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from localcloud import shell
from localcloud.emulator import lifecycle
from localcloud.engine import ensure_engine
from localcloud.errors import LocalCloudError
from localcloud.paths import Layout
from onboarding import local, progress, standing_cli, up_cli
from onboarding.add_cli import add
from onboarding.busy import Busy
from onboarding.check_cli import check
from onboarding.commands import Json, print_json, project_root
from onboarding.data_plane_cli import dagster, start, stop
from onboarding.deploy import Unfinished
from onboarding.erase import ErasureError
from onboarding.errors import OperationFailed
from onboarding.import_cli import import_
from onboarding.offboard_cli import offboard, verify
from onboarding.pipeline_cli import pipeline
from onboarding.plan_cli import plan
from onboarding.prove_cli import prove
from onboarding.reshard_cli import reshard
from onboarding.verify import Missing
from tenancy.errors import InvalidInput

FAILED = 1
REFUSED = 2
INTERRUPTED = 130

app = typer.Typer(
    name="tenancy",
    help="Fenced multi-tenant data lakehouses, from one YAML file per tenant.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
local_app = typer.Typer(
    help="The local stacks, on an embedded cloud that needs no account.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(local_app, name="local")
local_app.command(epilog="Example: tenancy local start --data-plane")(start)
local_app.command(epilog="Example: tenancy local dagster --of federal-dhs")(dagster)
local_app.command(epilog="Example: tenancy local stop --data-plane --clear")(stop)
receipts_app = typer.Typer(
    help="What an offboarding leaves: signed receipts.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(receipts_app, name="receipts")
receipts_app.command(epilog="Example: tenancy receipts verify acme")(verify)
app.command(epilog="Example: tenancy offboard acme --to suspended")(offboard)
app.command(epilog="Example: tenancy add initech --tier medium")(add)
app.command("import", epilog="Example: tenancy import tenant_config.yaml")(import_)
app.command(epilog="Example: tenancy pipeline --rounds 1")(pipeline)
app.command(epilog="Example: tenancy plan --markdown")(plan)
app.command(epilog="Example: tenancy up --tenant initech --yes")(up_cli.up)
app.command(epilog="Example: tenancy status --json")(standing_cli.status)
app.command(epilog="Example: tenancy drift --tenant acme")(standing_cli.drift)
app.command(epilog="Example: tenancy reshard --stack prod --yes")(reshard)
app.command(epilog="Example: tenancy check --sarif findings.sarif")(check)
app.command(epilog="Example: tenancy prove acme.json platform.json --json")(prove)


@app.callback()
def _tenancy() -> None:
    # Makes `local` a word of its own also while it is the only sub-command.
    pass


@local_app.command(epilog="Example: tenancy local up --json")
def up(*, as_json: Json = False) -> None:
    """Deploy every local stack, and get or start whatever that needs: `tenancy up --yes`."""
    up_cli.run(yes=True, as_json=as_json)


@local_app.command(epilog="Example: tenancy local down --clear")
def down(
    *,
    clear: Annotated[
        bool, typer.Option("--clear", help="Also forget the stacks' state: start over.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Stop the embedded cloud. What was in it is gone; the next `up` builds it again."""
    stopped = local.down(project_root(), progress.reporter_for(_errors()), clear=clear)
    if as_json:
        print_json({"stopped": stopped, "cleared": clear})
        return
    _console().print(
        ("the embedded cloud is stopped" if stopped else "no embedded cloud was running")
        + (", and the state of its stacks is cleared" if clear else "")
    )


@local_app.command(epilog="Example: tenancy local engine")
def engine(*, as_json: Json = False) -> None:
    """Get the Pulumi engine: from PATH, by download, or built from source. `up` does it too."""
    command = ensure_engine(progress.reporter_for(_errors()).say, Layout(project_root()))
    if as_json:
        print_json({"pulumi": str(command)})
        return
    _console().print(str(command), highlight=False)


@local_app.command(epilog='Example: eval "$(tenancy local env)"')
def env(*, as_json: Json = False) -> None:
    """Print what makes pulumi, aws and boto3 in a shell talk to the local stacks."""
    root = project_root()
    status = lifecycle.status(Layout(root))
    if not status.running:
        raise LocalCloudError("the embedded cloud is not running", "run `make up`, then this again")
    settings = shell.shell_environment(root, status.endpoint)
    if as_json:
        print_json(settings)
        return
    sys.stdout.write(shell.render_exports(settings))


@local_app.command(epilog="Example: tenancy local status --json")
def status(*, as_json: Json = False) -> None:
    """Show whether the embedded cloud runs, and what is deployed."""
    found = local.status(project_root())
    if as_json:
        print_json(found.to_json())
        return
    _show_status(_console(), found)


def main() -> None:
    """Entry point of the `tenancy` command; exits as the module says."""
    # `kill <pid>` means what Ctrl-C means: let the engine finish what it is at, then end. A shell
    # without job control starts what it runs in the background with Ctrl-C ignored, and Python
    # keeps it so.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    code = FAILED
    try:
        _run()
    except SystemExit as ended:
        code = int(ended.code or 0)
    with suppress(BrokenPipeError):  # the reader of our output has seen enough
        sys.stdout.flush()
        sys.stderr.flush()
    # What a command made, the end of the process frees at once; the interpreter would take it apart
    # first, for up to half a second.
    os._exit(code)


def _run() -> None:
    """Run the command; ends with SystemExit, or a traceback for a fault of ours."""
    try:
        app()
    except InvalidInput as error:
        _fail(str(error), REFUSED)
    except (LocalCloudError, OperationFailed, Busy, Unfinished, Missing, ErasureError) as error:
        _fail(str(error), FAILED)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILED)


def _fail(text: str, code: int) -> None:
    console = _errors()
    console.print("error: ", style="bold red", end="")
    console.print(text, markup=False, highlight=False, soft_wrap=True)
    sys.exit(code)


def _console() -> Console:
    return Console(soft_wrap=not sys.stdout.isatty())


def _errors() -> Console:
    return Console(stderr=True)


def _show_status(console: Console, found: local.Status) -> None:
    cloud = found.cloud
    if cloud.running and cloud.started is not None:
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(cloud.started))
        line = f"embedded cloud: {cloud.endpoint}, process {cloud.pid}, since {since}"
        console.print(line, highlight=False)
        console.print(f"  instance {cloud.instance}", highlight=False)
        console.print(f"  accounts {', '.join(found.accounts)}", highlight=False)
    else:
        console.print("embedded cloud: not running (make up starts it)", highlight=False)
    if not found.stacks:
        console.print("no stack is deployed")
        return
    table = Table("stack", "tenants", "resources", "last update", "state", box=None)
    for stack in found.stacks:
        table.add_row(
            stack.stack,
            ", ".join(stack.tenants),
            str(stack.resources),
            stack.updated[:19].replace("T", " "),
            _condition(stack),
        )
    console.print(table)


def _condition(stack: local.StackStatus) -> str:
    if stack.lock:
        return f"{'in work' if stack.lock_alive else 'killed'}: {stack.lock}"
    if stack.unrecorded:
        return f"{stack.unrecorded} operations not recorded: make up mends it"
    return "deployed" if stack.current else "not in this cloud: make up rebuilds it"


if __name__ == "__main__":
    main()
