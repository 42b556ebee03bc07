/** Fails if modules of the dashboard import each other in a cycle; type imports count too. */

import { relative } from "node:path";

import ts from "typescript";

/** @param {Map<string, string[]>} imports @returns {string[][]} one path for each cycle found */
export function findCycles(imports) {
  const done = new Set();
  const cycles = [];
  const visit = (module, path) => {
    const start = path.indexOf(module);
    if (start >= 0) cycles.push([...path.slice(start), module]);
    if (start >= 0 || done.has(module)) return;
    for (const imported of imports.get(module) ?? []) visit(imported, [...path, module]);
    done.add(module);
  };
  for (const module of imports.keys()) visit(module, []);
  return cycles;
}

/** @param {string} folder @returns {Map<string, string[]>} imported files by importing file */
export function importsOf(folder) {
  const { options, fileNames } = ts.getParsedCommandLineOfConfigFile(
    `${folder}/tsconfig.app.json`,
    {},
    ts.sys,
  );
  const resolve = (name, file) =>
    ts.resolveModuleName(name, file, options, ts.sys).resolvedModule?.resolvedFileName;
  return new Map(
    fileNames.map((file) => {
      const names = ts.preProcessFile(ts.sys.readFile(file), true, true).importedFiles;
      const found = names.map(({ fileName }) => resolve(fileName, file));
      return [file, found.filter((name) => fileNames.includes(name))];
    }),
  );
}

if (process.argv[1] === import.meta.filename) {
  const folder = `${import.meta.dirname}/..`;
  const cycles = findCycles(importsOf(folder));
  for (const cycle of cycles)
    console.error(`Import cycle: ${cycle.map((file) => relative(folder, file)).join(" -> ")}`);
  process.exitCode = cycles.length > 0 ? 1 : 0;
}
