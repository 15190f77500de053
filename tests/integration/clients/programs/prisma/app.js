// A program with Prisma's client, which needs no engine: it connects through node-postgres. Ends with 0 if it worked.
require("dotenv/config");
const assert = require("node:assert");
const { PrismaClient } = require("@prisma/client");
const { PrismaPg } = require("@prisma/adapter-pg");

const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: process.env.DATABASE_URL }) });
const query = prisma.$queryRaw`
  SELECT current_user::text AS me, (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()) AS tls`;

query.then(
  (rows) => {
    assert.deepEqual(rows, [{ me: "nexus_app", tls: true }]);
    process.exit(0);
  },
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
