"""The five, in the order in which Grafana's links show them."""

from .infrastructure import INFRASTRUCTURE
from .minio import MINIO
from .postgresql import POSTGRESQL
from .redis import REDIS
from .security import SECURITY

DASHBOARDS = (INFRASTRUCTURE, POSTGRESQL, REDIS, MINIO, SECURITY)
