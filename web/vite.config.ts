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

const START = /preload-helper|src.(start|api.(prefetch|token)|app.(preload|pageModules|theme))\.ts/;
const FRAMEWORK =
  /node_modules.(react|react-dom|scheduler|react-router|@tanstack.(react-query|query-core))[\\/]/;
/** Of Radix what pages themselves are built of, not what lies above them. */
const UI =
  /@radix-ui.(react-(checkbox|radio-group|toggle|toggle-group|roving-focus|collection|slot|primitive|presence|context|compose-refs|direction|id|use-[a-z-]+)|primitive)[\\/]|lucide-react|src.(api|app|services|ui.(?!VirtualList)|plans.(PlanBadge|statuses|model))/;

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

/**
 * The page asks for `src/main.tsx` and what that needs together with `src/start.ts`, which imports it. They may come
 * later than the style sheet and `start.ts`: these alone are needed for what is painted first.
 */
const preloaded: Plugin = {
  name: "preloaded",
  apply: "build",
  transformIndexHtml: {
    order: "post",
    handler(html, { bundle = {} }) {
      const chunks = Object.values(bundle).filter((one) => one.type === "chunk");
      const main = chunks.find((chunk) => chunk.facadeModuleId?.endsWith("/src/main.tsx"));
      if (!main) throw new Error("src/main.tsx is no chunk of its own");
      const needed = [main, ...chunks.filter((chunk) => main.imports.includes(chunk.fileName))];
      const tags = needed
        .filter(({ fileName }) => !html.includes(fileName))
        .map(({ fileName }) => ({
          tag: "link",
          attrs: { rel: "modulepreload", crossorigin: true, fetchpriority: "low", href: `/${fileName}` },
          injectTo: "head" as const,
        }));
      // it says whether the header is to be seen, and in which colours
      return { html: html.replace('<script type="module"', '<script type="module" blocking="render"'), tags };
    },
  },
};

/** The build of react-router without its warnings; the package itself leads to the other. */
const router = [
  [/^react-router$/, "index"],
  [/^react-router\/dom$/, "dom-export"],
].map(([find, name]) => ({
  find: find as RegExp,
  replacement: fileURLToPath(
    new URL(`./node_modules/react-router/dist/production/${String(name)}.mjs`, import.meta.url),
  ),
}));

export default defineConfig(({ command }) => ({
  plugins: [react(), precompressed, preloaded],
  resolve: {
    alias: [
      { find: "@", replacement: fileURLToPath(new URL("./src", import.meta.url)) },
      {
        find: "react-remove-scroll",
        replacement: fileURLToPath(new URL("./src/ui/RemoveScroll.tsx", import.meta.url)),
      },
      ...(command === "build" ? router : []),
    ],
  },
  build: {
    // who knows light-dark() knows modulepreload
    modulePreload: { polyfill: false },
    // 14 kB in all, which come together, rather than five requests a page
    cssCodeSplit: false,
    rolldownOptions: {
      // it would tell at each build how long compressing takes
      checks: { pluginTimings: false },
      output: {
        // compiled beside the main thread, as nearly all of it runs at once
        postBanner: ({ name }) => (/^(framework|ui)$/.test(name) ? "//# allFunctionsCalledOnLoad" : ""),
        // few files: what a page shares with some other page would else be a file for each set of pages that share it
        codeSplitting: {
          groups: [
            { name: "start", priority: 9, test: START },
            { name: "framework", priority: 8, test: FRAMEWORK },
            { name: "graph", priority: 7, test: /node_modules.(@xyflow|d3-)/ },
            { name: "ui", priority: 6, minShareCount: 2, test: UI },
            {
              name: "overlays",
              priority: 5,
              test: /node_modules.(@radix-ui|radix-ui|@floating-ui|aria-hidden)[\\/]/,
            },
            { name: "virtual", priority: 4, test: /@tanstack.(react-virtual|virtual-core)[\\/]|VirtualList/ },
            { name: "plans", priority: 2, minShareCount: 2, test: /src.(plans|execution|checks)/ },
            { name: "backlog", priority: 1, minShareCount: 2 },
          ],
        },
      },
    },
  },
  server: { host: "127.0.0.1", proxy: { "/api": api } },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.{ts,tsx}", "checks/*.test.js"],
    setupFiles: "src/testing/setup.ts",
    isolate: false,
    restoreMocks: true,
    unstubGlobals: true,
    testTimeout: 20_000,
  },
}));
