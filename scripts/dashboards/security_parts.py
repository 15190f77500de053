"""Security below its first row: Vault, what was refused, who has privileges, how old secrets are."""

from .common import HERE, or_0
from .model import Bars, Colour, Graph, Meaning, Query, Row, Step, Timeline

NODES = 'instance!="vault-unseal"'

VAULT = Row(
    title="Vault: quorum, tokens, leases",
    panels=(
        Timeline(
            title="Active node over time",
            what="One band per node, blue while it was active. A change is a failover.",
            do="None is blue: all nodes are sealed, or two of three are down. `nexusdev status`, `nexusdev up`.",
            unit="none",
            queries=(Query(expr="nexus:vault_active"),),
            base=Colour.GREY,
            meanings={0: Meaning(text="standby", colour=Colour.GREY), 1: Meaning(text="active", colour=Colour.BLUE)},
            alerts=("VaultNoActiveNode",),
        ),
        Timeline(
            title="Nodes that may fail",
            what="Number of nodes that may fail before Vault loses its leader, according to the active node. Normally 1.",
            do="0: start the missing node: `nexusdev up`.",
            unit="none",
            queries=(Query(expr=f"max(vault_autopilot_failure_tolerance{{{NODES}}})", legend="nodes"),),
            base=Colour.RED,
            steps=(Step(value=1, colour=Colour.GREEN, alert="VaultNoFailureTolerated"),),
        ),
        Graph(
            title="Tokens created",
            what="Tokens that each node issued in the last 5 minutes, by auth method.",
            do="Many: log in once and renew the token instead of logging in for each request.",
            unit="none",
            queries=(
                Query(expr="max by (instance) (increase(vault_token_create_count[5m]))"),
                Query(
                    expr=or_0(f"sum by (auth_method) (increase(vault_token_creation{{{NODES}}}[5m]))"),
                    legend="by {{auth_method}}",
                ),
            ),
            steps=(Step(value=300, colour=Colour.RED, alert="VaultTokensGrowing"),),
        ),
        Graph(
            title="Leases over time",
            what="Active leases of Vault, and leases that it cannot revoke.",
            do="Irrevocable ones: their database was down. Start it; Vault retries.",
            unit="none",
            queries=(
                Query(expr=f"sum(vault_expire_num_leases{{{NODES}}})", legend="kept"),
                Query(expr=f"sum(vault_expire_num_irrevocable_leases{{{NODES}}})", legend="irrevocable"),
            ),
            steps=(Step(value=500, colour=Colour.YELLOW, alert="VaultLeasesGrowing"),),
            alerts=("VaultLeasesIrrevocable",),
        ),
        Graph(
            title="Requests and logins",
            what="Requests per second that the active node handled, and logins among them.",
            do="As many logins as requests: the application should keep its token.",
            unit="reqps",
            queries=(
                Query(
                    expr=f"sum(rate(vault_core_handle_request_count{{{NODES}}}[$__rate_interval]))", legend="requests"
                ),
                Query(
                    expr=f"sum(rate(vault_core_handle_login_request_count{{{NODES}}}[$__rate_interval]))",
                    legend="logins",
                ),
            ),
        ),
    ),
)

REFUSED = Row(
    title="Failed logins and denials",
    panels=(
        Graph(
            title="Failed logins by product",
            what="Logins that PostgreSQL, Redis (by node) and MinIO (all nodes) refused in the last 2 minutes. PgBouncer logs its own.",
            do="After a rotation: an application uses an old env file. The client is in `nexusdev logs postgresql-0 pgbouncer`.",
            unit="none",
            queries=(
                Query(
                    expr="max by (instance, reason) (increase(nexus_pg_refused_logins_total[2m]))",
                    legend="{{instance}} {{reason}}",
                ),
                Query(expr="max by (instance) (increase(redis_acl_access_denied_auth_total[2m]))"),
                Query(
                    expr='sum(increase(minio_s3_requests_rejected_auth_total{job="minio-node"}[2m]))', legend="MinIO"
                ),
            ),
            steps=(Step(value=5, colour=Colour.RED, alert="RedisLoginsFailing"),),
            alerts=("PostgresLoginsFailing", "PostgresPlaintextRefused", "MinioRequestsRefused"),
        ),
        Graph(
            title="Denied by Redis's user lists",
            what="Commands, keys and channels that a user may not use, in the last 2 minutes.",
            do="`nexusdev redis --user nexus_admin ACL LOG` shows user and command. nexus_app has no rights of administrators.",
            unit="none",
            queries=tuple(
                Query(expr=f"sum(increase(redis_acl_access_denied_{kind}_total[2m]))", legend=word)
                for kind, word in (("cmd", "command"), ("key", "key"), ("channel", "channel"))
            ),
            steps=(Step(value=5, colour=Colour.RED, alert="RedisAccessDenied"),),
        ),
        Graph(
            title="Denied by Vault",
            what="Requests that Vault answered with 403 (forbidden by a policy or token) or 400 (such as a failed login), in the last 5 minutes.",
            do="A policy is missing, a token has expired, or a secret id is old: `nexusdev vault token lookup`, `nexusdev env --write`.",
            unit="none",
            queries=(
                Query(
                    expr=or_0(
                        'sum by (instance, code) (increase(vault_core_response_status_code{code=~"400|403"}[5m]))'
                    ),
                    legend="{{instance}} {{code}}",
                ),
            ),
        ),
    ),
)

PRIVILEGES = Row(
    title="Privileges and audit",
    panels=(
        Graph(
            title="Privileged roles in use",
            what="Network sessions with a superuser role of PostgreSQL, by node.",
            do="0 except during a repair. pgaudit logs their statements: `nexusdev logs` of the node.",
            unit="none",
            queries=(Query(expr=f"nexus_pg_privileged_connections{{{HERE}}}"),),
            steps=(Step(value=1, colour=Colour.YELLOW, alert="SuperuserConnected"),),
        ),
        Graph(
            title="Root tokens created",
            what="Root tokens that Vault issued in the last hour. nexusdev creates one at the first `up` and revokes it.",
            do="Any other: revoke it by its accessor, and find out who used the recovery keys.",
            unit="none",
            queries=(Query(expr=or_0(f"sum(increase(vault_token_create_root{{{NODES}}}[1h]))"), legend="root tokens"),),
        ),
        Graph(
            title="Audit log",
            what="Entries per second that Vault wrote to its audit log, and failed ones.",
            do="Failed: the volume is full or the device is missing. Vault then refuses requests.",
            unit="ops",
            queries=(
                Query(expr="sum(rate(vault_audit_log_request_count[$__rate_interval]))", legend="written"),
                Query(expr="sum(rate(vault_audit_log_request_failure[$__rate_interval]))", legend="failed"),
            ),
            alerts=("VaultAuditFailing",),
        ),
    ),
)

AGES = Row(
    title="Age of secrets",
    panels=(
        Bars(
            title="Age, by secret",
            what="Age of each secret of this instance.",
            do="`nexusdev secrets rotate` sets new ones, without interruption for live secrets.",
            unit="s",
            queries=(Query(expr="sort_desc(time() - nexusdev_secret_created_timestamp_seconds)", legend="{{secret}}"),),
            steps=(Step(value=31536000, colour=Colour.YELLOW, alert="SecretOld"),),
            decimals=1,
            width=24,
            height=14,
        ),
    ),
)
