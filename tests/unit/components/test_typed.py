"""Which arguments let a client read its standard input: the rest of a script is not for it."""

from __future__ import annotations

import shlex

import pytest

from nexusdev.components.component_set import ComponentSet
from nexusdev.components.registry import COMMANDS

ALL = ComponentSet()
CLIENTS = {command: ALL[name] for command, name in COMMANDS.items()}

READING = r"""
psql
psql -U nexus_owner
psql -At -v ON_ERROR_STOP=1
psql -d -c
psql -f -
psql --file=-
psql -f /dev/stdin
psql -qAtf-
psql -c "\\copy fruit from pstdin"
psql -c "COPY fruit FROM STDIN" -c "select 1"
psql --unknown -c "select 1"
redis
redis -n 5
redis --user nexus_admin
redis -x SET greeting
redis -X tag SET greeting tag
redis --pipe
redis --eval /dev/stdin key
redis --cluster fix redis-0:6379
s3 put - s3://nexus-app-data/hello
s3 put --acl-private - s3://nexus-app-data/hello
s3 put --files-from=- s3://nexus-app-data/
s3 get --files-from - s3://a
vault kv put secret/x -
vault kv put secret/x value=-
vault --operator policy write mine -
vault write auth/approle/login @/dev/stdin
vault --operator ssh -mode=otp a@b
"""
NOT_READING = r"""
psql -c "select 1"
psql -tAc "select 1"
psql postgres -c "select 1"
psql --command="select 1"
psql --comm "select 1"
psql -f /tmp/schema.sql
psql -l
psql --version
psql -L /tmp/log -c "select 1"
redis PING
redis GET -
redis -n 5 -r 3 GET a
redis --user nexus_admin INFO replication
redis --raw -h redis-replica GET a
redis --scan --pattern "a*"
redis --eval /tmp/a.lua key
redis --version
s3 ls
s3 ls s3://nexus-app-data
s3 get s3://nexus-app-data/hello -
s3 put /tmp/a s3://nexus-app-data/hello
vault kv get secret/nexus/postgres
vault --operator policy list
vault kv get -format=json secret/x-
vault token lookup
"""


def typed(lines: str) -> list[str]:
    return lines.strip().splitlines()


def reads(line: str) -> bool:
    name, *arguments = shlex.split(line)
    client = CLIENTS[name].client(arguments)
    assert client is not None
    return client.reads_stdin


@pytest.mark.parametrize("command", CLIENTS)
def test_both_tables_list_every_client(command: str) -> None:
    for table in (READING, NOT_READING):
        assert command in {line.split()[0] for line in typed(table)}, f"add lines that begin with {command}"


@pytest.mark.parametrize("line", typed(READING))
def test_piped_input_is_read(line: str) -> None:
    assert reads(line)


@pytest.mark.parametrize("line", typed(NOT_READING))
def test_a_command_with_all_arguments_reads_no_input(line: str) -> None:
    assert not reads(line)
