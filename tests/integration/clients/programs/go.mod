module clients

go 1.23.0

require (
	github.com/hashicorp/vault/api v1.15.0
	github.com/jackc/pgx/v5 v5.7.1
	github.com/lib/pq v1.12.3
	github.com/minio/minio-go/v7 v7.0.80
	github.com/redis/go-redis/v9 v9.7.0
)
