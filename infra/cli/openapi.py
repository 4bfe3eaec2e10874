"""``./arena openapi``: the API's document, without a running cloud."""

import json
from pathlib import Path

import click


@click.command("openapi")
@click.option("--out", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="Write to FILE instead.")
def command(out: Path | None) -> None:
    """Print the OpenAPI 3.1 document of the API, the one GET /openapi.json answers."""
    # The application is imported only here: every other command starts without it.
    from app import documentation

    text = json.dumps(documentation.document, indent=2, ensure_ascii=False) + "\n"
    if out is None:
        click.echo(text, nl=False)
    else:
        try:
            out.write_text(text, encoding="utf-8")
        except OSError as error:
            raise click.ClickException(f"{out}: {error.strerror}") from error
        click.echo(f"{len(documentation.document['paths'])} paths written to {out}", err=True)
