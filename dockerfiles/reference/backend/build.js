// One file per program: at the start of an instance every file read costs, and the packages are 400 of them.

import { build } from "esbuild";

await build({
  entryPoints: ["src/server.js", "src/migrate.js"],
  outdir: "dist",
  bundle: true,
  platform: "node",
  target: "node20",
  format: "esm",
  external: ["pg-native"], // optional, and not installed
  banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
});
