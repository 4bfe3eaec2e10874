"""Draws every picture anew: ``python -m infra.drawings``."""

import click

from infra.drawings.pictures import IMAGES, pictures


def main() -> None:
    for name, source in pictures(lambda line: click.echo(line, err=True)).items():
        (IMAGES / name).write_text(source, encoding="utf-8")
        click.echo(f"docs/images/{name}")


if __name__ == "__main__":
    main()
