import "dotenv/config";
import { defineConfig, env } from "prisma/config";

export default defineConfig({
  schema: "schema.prisma",
  datasource: { url: env("DIRECT_URL"), shadowDatabaseUrl: env("SHADOW_DATABASE_URL") },
});
