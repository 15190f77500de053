// Prisma's engine in WebAssembly, which comes with the package, in place of the native one: the same migrations and the same shadow database, by the
// driver adapter. The adapter refuses the types `name` and `"char"` of PostgreSQL's catalog, which it could read as text.
import { PrismaPg } from "@prisma/adapter-pg";
import Result from "pg/lib/result.js";
import { defineConfig } from "prisma/config";

const CATALOG = [18, 19];
const TEXT = 25;
const addFields = Result.prototype.addFields;
Result.prototype.addFields = function (fields: { dataTypeID: number }[]) {
  const readable = fields.map((field) =>
    CATALOG.includes(field.dataTypeID) ? Object.assign(field, { dataTypeID: TEXT }) : field,
  );
  return addFields.call(this, readable);
};

export default defineConfig({
  schema: "schema.prisma",
  migrations: { path: "migrations" },
  experimental: { adapter: true },
  engine: "js",
  adapter: async () => {
    const owner = new PrismaPg({ connectionString: process.env.DATABASE_MIGRATION_URL });
    const tester = new PrismaPg({ connectionString: process.env.DATABASE_TEST_URL });
    return Object.assign(owner, { connectToShadowDb: () => tester.connectToShadowDb() });
  },
});
