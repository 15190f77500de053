"""The variables and the files that they refer to as Kubernetes Secrets, for the pods of an application. Pure and deterministic.

There are two: the first is for ``envFrom``, the second is mounted as a folder. One would not do, because Kubernetes makes a variable of every
key of the first, and the bundle of authorities is larger than Linux allows for a variable (128 KiB).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

from nexusdev.env.companions import FILE_ONLY
from nexusdev.env.formats import checked

#: The name of this format.
STYLE = "k8s-secret"
#: The Secret with the variables.
VARIABLES = "nexusdev"
#: The Secret with the files.
FILES = "nexusdev-files"


def render(values: Mapping[str, str], files: Mapping[str, bytes], *, namespace: str = "") -> str:
    """Return both Secrets as one JSON document for ``kubectl apply --server-side -f -``.

    Args:
        values: Name → value, of the view in which pods use them.
        files: Name → content, of the folder that the values refer to.
        namespace: The application's namespace; '' for that of kubectl's context.

    Raises:
        InvalidConfig: A name or value is not portable.
    """
    variables = {name: value for name, value in checked(values).items() if name not in FILE_ONLY}
    encoded = {name: base64.b64encode(files[name]).decode() for name in sorted(files)}
    secrets = [
        _secret(VARIABLES, namespace, {"stringData": variables}),
        _secret(FILES, namespace, {"data": encoded}),
    ]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": secrets}, indent=2) + "\n"


def _secret(name: str, namespace: str, content: Mapping[str, Mapping[str, str]]) -> Mapping[str, object]:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", **content}
