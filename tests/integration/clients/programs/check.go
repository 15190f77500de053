// A Go client, configured in its usual way from the environment alone: check CLIENT PATH. Ends with 0 if it worked.
package main

import (
	"context"
	"crypto/tls"
	"database/sql"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"

	vault "github.com/hashicorp/vault/api"
	"github.com/jackc/pgx/v5"
	_ "github.com/lib/pq"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/redis/go-redis/v9"
)

func main() {
	clients := map[string]func(context.Context, string) error{
		"net/http": get, "pgx": database, "lib/pq": standard, "go-redis": master, "minio-go": bucket, "vault/api": secret,
	}
	if err := clients[os.Args[1]](context.Background(), os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

func get(_ context.Context, _ string) error {
	answer, err := http.Get(os.Getenv("PROMETHEUS_URL") + "/-/ready")
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", answer.StatusCode)
	}
	return err
}

func database(ctx context.Context, path string) error {
	name := map[string]string{"direct": "DATABASE_URL", "container": "DATABASE_URL", "pool": "DATABASE_POOL_URL"}[path]
	config, err := pgx.ParseConfig(os.Getenv(name))
	if err != nil {
		return err
	}
	if path == "pool" {
		config.DefaultQueryExecMode = pgx.QueryExecModeExec
	}
	connection, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer connection.Close(ctx)
	var user string
	if err = connection.QueryRow(ctx, "SELECT current_user").Scan(&user); err == nil && user != "nexus_app" {
		err = fmt.Errorf("user %s", user)
	}
	return err
}

func standard(ctx context.Context, path string) error {
	name := map[string]string{"direct": "DATABASE_URL", "container": "DATABASE_URL", "pool": "DATABASE_POOL_URL"}[path]
	pool, err := sql.Open("postgres", os.Getenv(name))
	if err != nil {
		return err
	}
	defer pool.Close()
	var user string
	if err = pool.QueryRowContext(ctx, "SELECT current_user").Scan(&user); err == nil && user != "nexus_app" {
		err = fmt.Errorf("user %s", user)
	}
	return err
}

func bucket(ctx context.Context, _ string) error {
	login := credentials.NewStaticV4(os.Getenv("MINIO_ACCESS_KEY"), os.Getenv("MINIO_SECRET_KEY"), "")
	client, err := minio.New(os.Getenv("MINIO_ENDPOINT"), &minio.Options{Creds: login, Secure: true})
	if err != nil {
		return err
	}
	there, err := client.BucketExists(ctx, "nexus-app-data")
	if err == nil && !there {
		err = fmt.Errorf("no bucket")
	}
	return err
}

func secret(ctx context.Context, _ string) error {
	client, err := vault.NewClient(vault.DefaultConfig())
	if err != nil {
		return err
	}
	kept, err := client.KVv2("secret").Get(ctx, "nexus/postgres")
	if err == nil && kept.Data["username"] != "nexus_app" {
		err = fmt.Errorf("username %v", kept.Data["username"])
	}
	return err
}

func master(ctx context.Context, path string) error {
	var client *redis.Client
	if path == "sentinel" {
		client = redis.NewFailoverClient(&redis.FailoverOptions{
			MasterName:       os.Getenv("REDIS_MASTER_NAME"),
			SentinelAddrs:    strings.Split(os.Getenv("REDIS_SENTINELS"), ","),
			SentinelUsername: os.Getenv("REDIS_USERNAME"),
			SentinelPassword: os.Getenv("REDIS_PASSWORD"),
			Username:         os.Getenv("REDIS_USERNAME"),
			Password:         os.Getenv("REDIS_PASSWORD"),
			TLSConfig:        &tls.Config{ServerName: "127.0.0.1"}, // the certificates of all servers have it
		})
	} else {
		options, err := redis.ParseURL(os.Getenv("REDIS_URL"))
		if err != nil {
			return err
		}
		client = redis.NewClient(options)
	}
	role, err := client.Do(ctx, "ROLE").Slice()
	if err == nil && role[0] != "master" {
		err = fmt.Errorf("role %v", role[0])
	}
	return err
}
