import click
import pytest
from click.testing import CliRunner

from infra.cli.asking import require_yes


@click.command()
def command() -> None:
    require_yes()
    click.echo("done")


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [("y\n", 0, "done"), ("n\n", 1, "Aborted"), ("", 2, "nobody can answer: --yes does it without asking")],
)
def test_only_a_yes_is_one(given: str, code: int, said: str) -> None:
    done = CliRunner().invoke(command, input=given)
    assert done.exit_code == code
    assert said in done.output
    assert ("done" in done.output) == (code == 0)
