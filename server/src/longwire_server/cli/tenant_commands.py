"""``longwire-server tenant``: shares and quotas of tenants, set and listed in the store itself.

A server that runs on the same store heeds them within a second or two.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from longwire_server.cli.account_store import change_accounts, read_accounts
from longwire_server.cli.options import ConfigOption, DataDirOption, fail, load

if TYPE_CHECKING:
    from longwire_server.store.tenant_table import TenantRow

app = typer.Typer(
    help="Sets and lists the shares and quotas of tenants, whether or not the server runs.",
    no_args_is_help=True,
)

CountOption: TypeAlias = Annotated[int | None, typer.Option(min=1, help=r"As in \[quotas].")]
NumberOption: TypeAlias = Annotated[float | None, typer.Option(min=1e-9, help=r"As in \[quotas].")]


@app.command("set")
def set_tenant(
    name: Annotated[str, typer.Argument(help="The tenant.")],
    weight: Annotated[
        float, typer.Option(help="Its share of the workers, relative to the others'.")
    ] = 1.0,
    unfinished_jobs: CountOption = None,
    jobs_per_second: NumberOption = None,
    program_bytes: CountOption = None,
    circuits: CountOption = None,
    qubits: CountOption = None,
    shots: CountOption = None,
    run_seconds: NumberOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Sets the share and the quotas of a tenant, all of them: what is not given is the server's."""
    from longwire.v1 import account_pb2
    from longwire_server.accounts.tenants import tenant_row
    from longwire_server.refusals import RequestRefusedError

    quotas = account_pb2.Quotas(
        unfinished_jobs=unfinished_jobs,
        jobs_per_second=jobs_per_second,
        program_bytes=program_bytes,
        circuits=circuits,
        qubits=qubits,
        shots=shots,
        run_seconds=run_seconds,
    )
    if not weight > 0:
        fail(f"--weight {weight:g}: write a number above 0")
    try:
        row = tenant_row(account_pb2.Tenant(name=name, weight=weight, quotas=quotas))
    except RequestRefusedError as error:
        fail(error.message)
    facts = {"method": "longwire-server tenant set", "about_tenant": row.name}
    change_accounts(
        load(config, data_dir=data_dir), lambda found: found.tenants.set(row), lambda _: facts
    )
    typer.echo(_line(_document(row)))


@app.command("list")
def list_tenants(
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Lists the tenants for whom anything is set, and that alone."""
    rows = read_accounts(load(config, data_dir=data_dir), lambda found: found.tenants.all())
    documents = [_document(row) for row in rows]
    if as_json:
        typer.echo(json.dumps(documents, indent=2))
        return
    if not documents:
        typer.echo("nothing is set for any tenant: [quotas] holds for all, with equal shares")
    for document in documents:
        typer.echo(_line(document))


def _document(row: TenantRow) -> dict[str, Any]:
    from longwire.v1 import account_pb2

    quotas = account_pb2.Quotas.FromString(row.quotas)
    set_quotas = {field.name: value for field, value in quotas.ListFields()}
    return {"name": row.name, "weight": row.weight, **set_quotas}


def _line(document: dict[str, Any]) -> str:
    shown = (f"{name} = {value:.15g}" for name, value in document.items() if name != "name")
    return f"{document['name']}: {', '.join(shown)}"
