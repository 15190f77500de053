"""Toy's variables for applications."""

from __future__ import annotations

from collections.abc import Sequence

from nexusdev.components.contract import Variable
from nexusdev.interfaces import InstanceAccess, View
from tests.toy.components.toy import names


def variables(access: InstanceAccess, view: View) -> Sequence[Variable]:
    """Return the URL and the token."""
    return (
        Variable(name="TOY_URL", value=f"https://{access.address_in(view, names.server(access), names.PORT)}"),
        Variable(name="TOY_TOKEN", value=access.secrets.read(names.TOKEN), secret=True),
    )
