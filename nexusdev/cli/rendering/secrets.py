"""What ``secrets list``, ``secrets show`` and ``secrets rotate`` show."""

from __future__ import annotations

from nexusdev.cli.output import Rendered, Table
from nexusdev.operations.secrets import RotateResult, SecretResult, SecretsResult
from nexusdev.stack.model import SecretRecipe


def _list(result: SecretsResult) -> Rendered:
    rows = tuple((each.name, _in_words(each.recipe), ", ".join(each.mounted_by)) for each in result.secrets)
    secrets = [
        {
            "name": each.name,
            "kind": _kind_of(each.recipe),
            "length": each.recipe.password or each.recipe.key or None,
            "mounted_by": list(each.mounted_by),
        }
        for each in result.secrets
    ]
    return Rendered(
        data={"folder": str(result.folder), "secrets": secrets},
        output=(Table(columns=("secret", "kind", "mounted by"), rows=rows),),
    )


def _show(result: SecretResult) -> Rendered:
    return Rendered(data={"name": result.name, "value": result.value}, output=(result.value,))


def _rotate(result: RotateResult) -> Rendered:
    table = Table(columns=("component", "changed"), rows=result.changes)
    return Rendered(
        data={"changes": [{"component": who, "what": what} for who, what in result.changes]},
        output=(table, f"wrote {result.env_file}") if result.changes else ("nothing to rotate",),
    )


def _kind_of(recipe: SecretRecipe) -> str:
    """One word, for programs: password (of so many characters), key (of so many bytes), runtime, derived."""
    if recipe.password:
        return "password"
    if recipe.key:
        return "key"
    return "runtime" if recipe.runtime else "derived"


def _in_words(recipe: SecretRecipe) -> str:
    """The same for people."""
    if recipe.password:
        return f"password, {recipe.password} characters"
    if recipe.key:
        return f"key, {recipe.key} bytes"
    return "written by the server" if recipe.runtime else "derived"


RENDERERS = {SecretsResult: _list, SecretResult: _show, RotateResult: _rotate}
