"""Minimal protocol clients on the standard library, for code that must start quickly.

``nexusdev env`` answers with proof in 150 ms, and readiness looks every 50-100 ms; the client libraries take longer than that to
be imported. CPU time of an import, Python 3.11 on two cores, the least of five (the interpreter itself: 17 ms):

    redis 431 ms   minio 198   psycopg 179   hvac 162   typer 58   rich 49   |   http.client 18   dataclasses 15   this package 3

So here is just what a question needs: TLS, a login, a query, a command, a signature. What changes something, and the proof at the end of
``up``, goes the way that an application goes: through the libraries, in ``nexusdev/components``.

tls        a connection to a server that shows this instance's CA and the right name
scram      SCRAM-SHA-256: the login and the verifier
postgres   one query, or only the handshake
resp       commands of Redis and of its sentinels
s3         the signature of a request
http       GET, once
"""


class ServerError(Exception):
    """The server answered, but not with what was asked for."""


class ClockSkew(ServerError):
    """The server refused a request while its clock and this machine's differ by minutes."""
