/** Store the state of a running import, to resume it after a reload. */

import type { Query } from "@/api/client";

import type { FileKind } from "./fileContent";
import type { Cutting, Position } from "./parts";
import { keyOf } from "./unfinished";

export type Rejection = { row: number; line: number | null; reason: string; start?: number; end?: number };
export type ImportTotals = {
  created: number;
  duplicates: number;
  rejectedCount: number;
  /** The rejected rows, up to `MAX_LISTED`. */
  rejected: Rejection[];
  warnings: string[];
};
export type ImportState = {
  projectId: string;
  name: string;
  kind: FileKind;
  size: number;
  hash: string;
  query: Query;
  /** Null: one request. */
  cutting: Cutting | null;
  next: Position | null;
  totals: ImportTotals;
};

export const NO_TOTALS: ImportTotals = {
  created: 0,
  duplicates: 0,
  rejectedCount: 0,
  rejected: [],
  warnings: [],
};
/** About 40 MB of memory. */
export const MAX_LISTED = 200_000;
/** About 1.5 MB of the 5 MB that a browser stores for a site. */
export const MAX_SAVED = 10_000;

export function addTotals(totals: ImportTotals, more: ImportTotals): ImportTotals {
  return {
    created: totals.created + more.created,
    duplicates: totals.duplicates + more.duplicates,
    rejectedCount: totals.rejectedCount + more.rejectedCount,
    rejected: [...totals.rejected, ...more.rejected].slice(0, MAX_LISTED),
    warnings: [...new Set([...totals.warnings, ...more.warnings])].slice(0, 20),
  };
}

export function savedImport(projectId: string): ImportState | null {
  try {
    const text = localStorage.getItem(keyOf(projectId));
    return text === null ? null : (JSON.parse(text) as ImportState);
  } catch {
    return null;
  }
}

/**
 * Returns false if the browser stores nothing: the import continues, but cannot be resumed later.
 *
 * After a reload only the first `MAX_SAVED` rejected rows before it are listed; the counts are complete.
 */
export function saveImport(state: ImportState): boolean {
  const totals = { ...state.totals, rejected: state.totals.rejected.slice(0, MAX_SAVED) };
  try {
    localStorage.setItem(keyOf(state.projectId), JSON.stringify({ ...state, totals }));
    return true;
  } catch {
    return false;
  }
}

export async function forgetImport(projectId: string): Promise<void> {
  localStorage.removeItem(keyOf(projectId));
  await fileStore.remove(projectId).catch(() => undefined);
}

/** The file itself; if it is missing, the user chooses it again. */
export const fileStore = {
  put: (projectId: string, file: Blob) => inStore("readwrite", (store) => store.put(file, projectId)),
  get: async (projectId: string): Promise<Blob | null> => {
    const found: unknown = await inStore("readonly", (store) => store.get(projectId)).catch(() => null);
    return found instanceof Blob ? found : null;
  },
  remove: (projectId: string) => inStore("readwrite", (store) => store.delete(projectId)),
};

async function inStore(
  mode: IDBTransactionMode,
  ask: (store: IDBObjectStore) => IDBRequest,
): Promise<unknown> {
  const database = await opened();
  try {
    const request = ask(database.transaction("files", mode).objectStore("files"));
    return await promised<unknown>(request);
  } finally {
    database.close();
  }
}

function opened(): Promise<IDBDatabase> {
  if (!("indexedDB" in globalThis)) return Promise.reject(new Error("No IndexedDB"));
  const request = indexedDB.open("groundwork-imports", 1);
  request.onupgradeneeded = () => request.result.createObjectStore("files");
  return promised(request);
}

function promised<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("IndexedDB failed"));
  });
}
