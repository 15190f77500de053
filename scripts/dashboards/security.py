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
    title="Is it well: plain text, logins, seals, certificates",
    panels=(
        Stat(
            title="Without TLS",
            what="Connections to PostgreSQL over the network that are not encrypted, now. Must be 0.",
            do="'Connections by encryption' names the node; find the client in pg_stat_ssl. Its sslmode must be verify-full.",
            unit="none",
            queries=(Query(expr='sum(nexus_pg_connections{state="plaintext"})'),),
            steps=(Step(value=1, colour=Colour.RED, alert="PlaintextConnection"),),
        ),
        Stat(
            title="Failed logins",
            what="Logins that PostgreSQL, Redis and MinIO refused in the last 2 minutes, all nodes together.",
            do="An old env file: `nexusdev env --write`. Who it is: `nexusdev logs postgresql-0`, `nexusdev redis --user nexus_admin ACL LOG`.",
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
            what="Days until the first server certificate is over.",
            do="`nexusdev up` renews what is about to expire and restarts only its servers.",
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
            what="Of three, without the small one that unseals them.",
            do="A sealed node unseals itself within seconds once vault-unseal answers: `nexusdev up`.",
            unit="none",
            queries=(Query(expr='count(nexus:vault_unsealed{instance=~"vault-[0-9]+"} == 1)'),),
            base=Colour.RED,
            steps=(Step(value=2, colour=Colour.YELLOW, alert="VaultBelowQuorum"), Step(value=3, colour=Colour.GREEN)),
            maximum=3,
            alerts=("VaultSealed",),
        ),
        Stat(
            title="Audit failures",
            what="Requests that Vault could not write into its audit log, in the last 2 minutes. Must be 0.",
            do="Vault answers nobody while no audit device works: is its volume full? `nexusdev logs` of the active node.",
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
            what="Leases that Vault keeps: tokens and database users that it will revoke.",
            do="A number that only grows: an application that logs in for each request and never revokes.",
            unit="none",
            queries=(Query(expr="max(vault_expire_num_leases)"),),
            steps=(Step(value=500, colour=Colour.YELLOW, alert="VaultLeasesGrowing"),),
            trend=True,
        ),
        Stat(
            title="Superusers",
            what="Sessions from the network whose PostgreSQL role is a superuser. 0 but during a repair.",
            do="Applications use nexus_app. `nexusdev psql` shows who: select * from pg_stat_activity.",
            unit="none",
            queries=(Query(expr="sum(nexus_pg_privileged_connections)"),),
            steps=(Step(value=1, colour=Colour.YELLOW, alert="SuperuserConnected"),),
        ),
        Stat(
            title="Oldest secret",
            what="Time since the oldest password of this instance was made.",
            do="`nexusdev secrets rotate` makes new ones; running servers take them without a restart where they can.",
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
            what="Connections to PostgreSQL from the network, with and without TLS.",
            do="'plaintext' must stay at 0: pg_hba.conf refuses it, so a line there has changed.",
            unit="none",
            queries=(Query(expr=f"nexus_pg_connections{{{HERE}}}", legend="{{instance}} {{state}}"),),
        ),
        Bars(
            title="Days left, by certificate",
            what="Days until each group's certificate is over.",
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
            what="New TLS connections per second that the gateway itself ends, with how many of them resumed an old one.",
            do="Many without resumption: an application that connects for each request.",
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
    do="A node that stays sealed: `nexusdev logs vault-unseal`, which holds its key.",
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
    description="Does anybody speak plain text, does anybody fail to log in, does anything expire.",
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
