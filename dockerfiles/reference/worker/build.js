// One file: at the start of an instance every file read costs.

import { build } from "esbuild";

await build({
  entryPoints: ["src/worker.js"],
  outdir: "dist",
  bundle: true,
  platform: "node",
  target: "node20",
  format: "esm",
  external: ["pg-native"], // optional, and not installed
  banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
});
