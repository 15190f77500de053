// A Go client, configured in its usual way from the environment alone: check CLIENT PATH. Ends with 0 if it worked.
package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
)

func main() {
	clients := map[string]func(context.Context, string) error{"net/http": get, "pgx": database, "go-redis": master}
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
	name := map[string]string{"direct": "DATABASE_URL", "pool": "DATABASE_POOL_URL"}[path]
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
			TLSConfig:        &tls.Config{ServerName: "127.0.0.1"},
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
