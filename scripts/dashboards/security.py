"""Security: does anybody speak plain text, does anybody fail to log in, does anything expire."""

from .common import HERE, alerts_of
from .model import Bars, Colour, Dashboard, Graph, Query, Row, Stat, Step, Timeline
from .security_parts import AGES, PRIVILEGES, REFUSED, VAULT

FAILED_LOGINS = " + ".join(
    f"sum(increase({counter}[2m]))"
    for counter in (
        "nexus_pg_refused_logins_total",
        "redis_acl_access_denied_auth_total",
        'minio_s3_requests_rejected_auth_total{job="minio-node"}',
    )
)

#: The alerts of this dashboard: all of Vault, and of the others those that rules/security.yml holds.
GUARDS = (
    'alertname=~"Vault.*|Certificate.*|Plaintext.*|Superuser.*|Postgres(Logins|Plaintext).*|Redis(Logins|Access).*'
    '|MinioRequestsRefused|SecretOld"'
)

WELL = Row(
    title="Overview: encryption, logins, seals, certificates",
    panels=(
        Stat(
            title="Without TLS",
            what="Current unencrypted network connections to PostgreSQL. Must be 0.",
            do="'Connections by encryption' names the node; find the client in pg_stat_ssl. Its sslmode must be verify-full.",
            unit="none",
            queries=(Query(expr='sum(nexus_pg_connections{state="plaintext"})'),),
            steps=(Step(value=1, colour=Colour.RED, alert="PlaintextConnection"),),
        ),
        Stat(
            title="Failed logins",
            what="Logins that PostgreSQL, Redis and MinIO refused in the last 2 minutes, on all nodes.",
            do="Usually an old env file: `nexusdev env --write`. Clients: `nexusdev logs postgresql-0`, `nexusdev redis --user nexus_admin ACL LOG`.",
            unit="none",
            queries=(Query(expr=FAILED_LOGINS),),
            steps=(
                Step(value=1, colour=Colour.YELLOW),
                Step(value=5, colour=Colour.RED, alert="RedisLoginsFailing"),
            ),
            alerts=("PostgresLoginsFailing", "PostgresPlaintextRefused", "MinioRequestsRefused"),
            decimals=0,
        ),
        Stat(
            title="Certificate ends",
            what="Days until the first server certificate expires.",
            do="`nexusdev up` renews expiring certificates and restarts only their servers.",
            unit="d",
            queries=(Query(expr="min(nexus:certificate_left:days)"),),
            base=Colour.RED,
            steps=(
                Step(value=0, colour=Colour.YELLOW, alert="CertificateExpired"),
                Step(value=14, colour=Colour.GREEN, alert="CertificateExpiring"),
            ),
            decimals=0,
            minimum=None,
        ),
        Stat(
            title="Vault unsealed",
            what="Unsealed nodes of three, without the unsealer.",
            do="A sealed node unseals itself within seconds when vault-unseal answers: `nexusdev up`.",
            unit="none",
            queries=(Query(expr='count(nexus:vault_unsealed{instance=~"vault-[0-9]+"} == 1)'),),
            base=Colour.RED,
            steps=(Step(value=2, colour=Colour.YELLOW, alert="VaultBelowQuorum"), Step(value=3, colour=Colour.GREEN)),
            maximum=3,
            alerts=("VaultSealed",),
        ),
        Stat(
            title="Audit failures",
            what="Requests that Vault could not write to its audit log in the last 2 minutes. Must be 0.",
            do="Vault refuses requests without a working audit device. Check whether its volume is full, and `nexusdev logs` of the active node.",
            unit="none",
            queries=(
                Query(
                    expr="sum(increase(vault_audit_log_request_failure[2m])) + sum(increase(vault_audit_log_response_failure[2m]))"
                ),
            ),
            steps=(Step(value=1, colour=Colour.RED, alert="VaultAuditFailing"),),
        ),
        Stat(
            title="Leases",
            what="Active leases of Vault: tokens and database users that it will revoke.",
            do="If it only grows, an application logs in for each request and never revokes.",
            unit="none",
            queries=(Query(expr="max(vault_expire_num_leases)"),),
            steps=(Step(value=500, colour=Colour.YELLOW, alert="VaultLeasesGrowing"),),
            trend=True,
        ),
        Stat(
            title="Superusers",
            what="Network sessions with a superuser role of PostgreSQL. 0 except during a repair.",
            do="Applications must use nexus_app. `nexusdev psql` shows the sessions: select * from pg_stat_activity.",
            unit="none",
            queries=(Query(expr="sum(nexus_pg_privileged_connections)"),),
            steps=(Step(value=1, colour=Colour.YELLOW, alert="SuperuserConnected"),),
        ),
        Stat(
            title="Oldest secret",
            what="Age of the oldest password of this instance.",
            do="`nexusdev secrets rotate` sets new ones, without a restart where the server supports it.",
            unit="s",
            queries=(Query(expr="max(time() - nexusdev_secret_created_timestamp_seconds)"),),
            steps=(Step(value=31536000, colour=Colour.YELLOW, alert="SecretOld"),),
            decimals=0,
        ),
    ),
)

ENCRYPTION = Row(
    title="Encryption and certificates",
    panels=(
        Graph(
            title="Connections by encryption",
            what="Network connections to PostgreSQL, with and without TLS.",
            do="'plaintext' must be 0. Otherwise pg_hba.conf, which forbids it, was changed.",
            unit="none",
            queries=(Query(expr=f"nexus_pg_connections{{{HERE}}}", legend="{{instance}} {{state}}"),),
        ),
        Bars(
            title="Days left, by certificate",
            what="Days until each group's certificate expires.",
            do="Yellow or red: `nexusdev up` renews it.",
            unit="d",
            queries=(Query(expr="sort(nexus:certificate_left:days)", legend="{{group}}"),),
            base=Colour.RED,
            steps=(
                Step(value=0, colour=Colour.YELLOW, alert="CertificateExpired"),
                Step(value=14, colour=Colour.GREEN, alert="CertificateExpiring"),
            ),
            decimals=0,
        ),
        Graph(
            title="TLS handshakes at the gateway",
            what="New TLS connections per second that the gateway terminates, and resumed ones.",
            do="Many without resumption: an application connects for each request.",
            unit="none",
            queries=(
                Query(expr="rate(haproxy_process_ssl_connections_total[$__rate_interval])", legend="{{instance}} new"),
                Query(
                    expr="rate(haproxy_process_ssl_cache_lookups_total[$__rate_interval])",
                    legend="{{instance}} resumed",
                ),
            ),
        ),
    ),
)

SEALS = Timeline(
    title="Vault nodes over time",
    what="One band per node: unsealed or sealed.",
    do="A node stays sealed: check `nexusdev logs vault-unseal`, which has its key.",
    unit="none",
    queries=(Query(expr="nexus:vault_unsealed"),),
    base=Colour.RED,
    steps=(Step(value=1, colour=Colour.GREEN),),
    alerts=("VaultSealed", "VaultNodeDown", "VaultUnsealerDown"),
    width=12,
)

SECURITY = Dashboard(
    uid="security",
    title="Nexus security",
    description="Unencrypted connections, failed logins, and certificates and secrets that expire.",
    instances='component!=""',
    rows=(
        WELL,
        ENCRYPTION,
        VAULT,
        REFUSED,
        PRIVILEGES,
        AGES,
        Row(title="What failed last", panels=(alerts_of(GUARDS), SEALS)),
    ),
)
