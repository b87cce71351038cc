// The program that migrates and ends: with 0 when the database is what this release needs. DATABASE_URL names it.
// `--contract` takes contracting steps too: once the release has all the traffic.

import { migrate } from "./migration.js";

const say = (severity, message) => console.log(JSON.stringify({ severity, message, time: new Date().toISOString() }));

try {
  const taken = await migrate(process.env.DATABASE_URL, { contracting: process.argv.includes("--contract") });
  say("INFO", taken.length ? `migrated: ${taken.join(", ")}` : "nothing to migrate");
} catch (error) {
  say("ERROR", error.message);
  process.exitCode = 1;
}
