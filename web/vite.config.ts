/// <reference types="vitest/config" />
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress } from "node:zlib";

import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

/** Where `npm run dev` finds the API: the local system. */
const api = process.env.GROUNDWORK_URL ?? "http://127.0.0.1:3000";

/** What the local system sends to a browser that asks for brotli; CloudFront compresses by itself. */
const precompressed: Plugin = {
  name: "precompressed",
  apply: "build",
  // of what has been written: until then other plugins still change it
  async writeBundle({ dir = "dist" }, bundle) {
    const names = Object.keys(bundle).filter((name) => /\.(js|css)$/.test(name));
    await Promise.all(names.map((name) => compress(join(dir, name))));
  },
};

async function compress(path: string): Promise<void> {
  await writeFile(`${path}.br`, await promisify(brotliCompress)(await readFile(path)));
}

export default defineConfig({
  plugins: [react(), precompressed],
  resolve: {
    alias: {
      "@": fileURLToPath(new URL("./src", import.meta.url)),
      "react-remove-scroll": fileURLToPath(new URL("./src/ui/RemoveScroll.tsx", import.meta.url)),
    },
  },
  // it would tell at each build how long compressing takes
  build: { rolldownOptions: { checks: { pluginTimings: false } } },
  server: { host: "127.0.0.1", proxy: { "/api": api } },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: "src/testing/setup.ts",
    restoreMocks: true,
    unstubGlobals: true,
    testTimeout: 20_000,
  },
});
