"""Runs PostgreSQL without Patroni, for a server that has no peers (profile lite): it needs no election, and no etcd to hold one.

The settings are those of Patroni's own configuration, of the cluster and of the node, so that both servers behave the same.
"""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import yaml

DATA = Path("/data/postgresql")
# There while the database is created: what an interrupted creation left is removed.
UNFINISHED = Path("/data/unfinished")
# The container's tmpfs.
SOCKETS = Path("/tmp/postgresql")  # noqa: S108
PASSWORD_FILE = SOCKETS / "superuser"


def read(folder):
    """Patroni's configuration, merged from every file of the folder."""
    merged = {}
    for file in sorted(Path(folder).glob("*.yml")):
        merge(merged, yaml.safe_load(file.read_text()))
    return merged


def merge(into, more):
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = value


def initdb_options(configuration):
    """The options of initdb: Patroni writes them as names, or as pairs of name and value."""
    for option in configuration["bootstrap"]["initdb"]:
        if isinstance(option, dict):
            yield from (f"--{name}={value}" for name, value in option.items())
        else:
            yield f"--{option}"


def settings(configuration):
    """The lines of postgresql.conf. What the node sets comes last, and holds."""
    address, _, port = configuration["postgresql"]["listen"].rpartition(":")
    shared = configuration["bootstrap"]["dcs"]["postgresql"]["parameters"]
    own = configuration["postgresql"]["parameters"]
    values = {"listen_addresses": address, "port": port, "hba_file": SOCKETS / "pg_hba.conf", **shared, **own}
    return "".join(f"{name} = {quoted(value)}\n" for name, value in values.items())


def quoted(value):
    return "'" + str(value).replace("'", "''") + "'"


def create(configuration):
    """Create the database, once."""
    if UNFINISHED.exists():
        print("removes what an interrupted first start left on its volume", flush=True)
        shutil.rmtree(DATA, ignore_errors=True)
    if (DATA / "PG_VERSION").exists():
        return
    UNFINISHED.touch()
    user = configuration["postgresql"]["authentication"]["superuser"]
    with os.fdopen(os.open(PASSWORD_FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(user["password"])
    initdb = [program(configuration, "initdb"), f"--pgdata={DATA}", f"--username={user['username']}"]
    try:
        subprocess.run([*initdb, f"--pwfile={PASSWORD_FILE}", *initdb_options(configuration)], check=True)
    finally:
        PASSWORD_FILE.unlink()
    UNFINISHED.unlink()


def program(configuration, name):
    return f"{configuration['postgresql']['bin_dir']}/{name}"


def serve(folder):
    """Run the server until it ends, and return its exit status."""
    configuration = read(folder)
    shutil.rmtree(SOCKETS, ignore_errors=True)
    SOCKETS.mkdir(mode=0o700)
    create(configuration)
    (SOCKETS / "pg_hba.conf").write_text("".join(f"{line}\n" for line in configuration["postgresql"]["pg_hba"]))
    (DATA / "postgresql.conf").write_text(settings(configuration))
    server = subprocess.Popen([program(configuration, "postgres"), "-D", str(DATA)])
    # On SIGTERM, PostgreSQL itself would wait until every client has disconnected.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.send_signal(signal.SIGINT))
    return server.wait()
