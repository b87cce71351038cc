// deploymentId: chunks carry the release they belong to, and a page whose release is gone reloads itself as a whole.
const release = process.env.DEPLOYMENT_ID || "local";

/** @type {import("next").NextConfig} */
export default {
  output: "standalone",
  outputFileTracingRoot: import.meta.dirname,
  deploymentId: release,
  generateBuildId: () => release,
  env: { RELEASE: release },
  images: { unoptimized: true }, // no image processing: pictures are made small where they are made
  outputFileTracingExcludes: { "*": ["node_modules/sharp/**", "node_modules/@img/**"] }, // else they are taken along unused
  poweredByHeader: false,
  reactStrictMode: true,
};
