/// <reference types="vitest/config" />
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
  async generateBundle(_, bundle) {
    for (const [fileName, output] of Object.entries(bundle)) {
      const text = output.type === "chunk" ? output.code : output.source;
      if (!/\.(js|css)$/.test(fileName) || text.length < 1000) continue;
      const source = await promisify(brotliCompress)(text);
      this.emitFile({ type: "asset", fileName: `${fileName}.br`, source });
    }
  },
};

export default defineConfig({
  plugins: [react(), precompressed],
  resolve: {
    alias: {
      "@": fileURLToPath(new URL("./src", import.meta.url)),
      "react-remove-scroll": fileURLToPath(new URL("./src/ui/RemoveScroll.tsx", import.meta.url)),
    },
  },
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
