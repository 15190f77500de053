"""The gateway's names. The proxies come from the stack."""

from __future__ import annotations

NAME = "gateway"
# HAProxy's metrics and health page, as in compose/gateway/.
PORT = 8404
