// A Node client, configured in its usual way from the environment alone: node check.js CLIENT PATH. Ends with 0 if it worked.
const assert = require("node:assert");
const env = process.env;
const [client, path] = process.argv.slice(-2);

const clients = {
  async fetch() {
    assert.equal((await fetch(`${env.PROMETHEUS_URL}/-/ready`)).status, 200);
  },
  async pg() {
    const { Client } = require("pg");
    const connection = new Client(path === "pool" ? env.DATABASE_POOL_URL : env.DATABASE_URL);
    await connection.connect();
    assert.equal((await connection.query("SELECT current_user AS me")).rows[0].me, "nexus_app");
    assert.ok(connection.connection.stream.authorized);
    await connection.end();
  },
  async knex() {
    const database = require("knex")({ client: "pg", connection: path === "pool" ? env.DATABASE_POOL_URL : env.DATABASE_URL });
    assert.equal((await database.raw("SELECT current_user AS me")).rows[0].me, "nexus_app");
    await database.destroy();
  },
  async ioredis() {
    const Redis = require("ioredis");
    const login = { username: env.REDIS_USERNAME, password: env.REDIS_PASSWORD };
    const sentinels = env.REDIS_SENTINELS.split(",").map((place) => {
      const [host, port] = place.split(":");
      return { host, port: Number(port) };
    });
    const redis =
      path === "sentinel"
        ? new Redis({
            sentinels,
            name: env.REDIS_MASTER_NAME,
            ...login,
            tls: {},
            sentinelUsername: login.username,
            sentinelPassword: login.password,
            enableTLSForSentinelMode: true,
            sentinelTLS: {},
          })
        : new Redis(env.REDIS_URL);
    assert.equal((await redis.role())[0], "master");
    redis.disconnect();
  },
  async "@aws-sdk/client-s3"() {
    const { S3Client, HeadBucketCommand } = require("@aws-sdk/client-s3");
    const s3 = new S3Client({ forcePathStyle: true });
    await s3.send(new HeadBucketCommand({ Bucket: "nexus-app-data" }));
  },
  async "node-vault"() {
    const vault = require("node-vault")();
    const kept = await vault.read("secret/data/nexus/postgres");
    assert.equal(kept.data.data.username, "nexus_app");
  },
};

clients[client]().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
