"""Groups of options as typer sees them: a tool takes a dataclass, the command line its fields."""

import inspect
from collections.abc import Callable
from dataclasses import fields, is_dataclass

from avtools.commands.options import Manner


def expanded(function: Callable) -> Callable:
    """`function` as typer sees it: its own options first, then each group in its single ones."""
    groups, own, shared = {}, [], []
    for p in inspect.signature(function).parameters.values():
        if is_dataclass(p.annotation):
            groups[p.name] = p.annotation
            shared += [
                inspect.Parameter(
                    f.name, inspect.Parameter.KEYWORD_ONLY, annotation=f.type, default=f.default
                )
                for f in fields(p.annotation)
            ]
        else:
            own.append(p.replace(kind=inspect.Parameter.KEYWORD_ONLY))
    parameters = own + shared

    def command(**values):
        gathered = {
            name: group(**{f.name: values.pop(f.name) for f in fields(group)})
            for name, group in groups.items()
        }
        for group in gathered.values():
            if isinstance(group, Manner):
                group.obey()
        return function(**gathered, **values)

    command.__name__ = function.__name__
    command.__doc__ = function.__doc__
    command.__signature__ = inspect.Signature(parameters)
    command.__annotations__ = {p.name: p.annotation for p in parameters}
    return command
