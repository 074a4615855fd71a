"""Shell completion: typer's, over the whole table of commands."""

import typer
from typer.core import TyperGroup

from avtools.cli import COMMANDS, click_command


class AllCommands(TyperGroup):
    def list_commands(self, ctx):
        return list(COMMANDS)

    def get_command(self, ctx, name):
        return click_command(name) if name in COMMANDS else None


def complete(arguments: list[str]) -> int:
    app = typer.Typer(cls=AllCommands, rich_markup_mode=None, add_completion=True)

    @app.callback()
    def avtools() -> None:
        """Tools that connect where a sound comes from with where it is seen."""

    app(arguments, prog_name="avtools")
    return 0
