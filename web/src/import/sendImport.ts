/** Send a file, whole or in parts. A repeated part counts only once. */

import { isRetryable } from "@/api/errors";
import { importCards, type Imported } from "@/services/cards";

import { partKey } from "./contentHash";
import { requestBody } from "./fileContent";
import { addTotals, type ImportState, type ImportTotals, saveImport } from "./importState";
import { lineInFile, type Part, partBody, partsOf } from "./parts";
import { pause } from "./pause";

const DELAYS_MS = [1_000, 2_000, 4_000, 8_000];

type Options = {
  signal: AbortSignal;
  onProgress: (state: ImportState) => void;
  delaysMs?: readonly number[];
};

/** Returns the totals. After a failure or stop, a new call continues from the last saved state. */
export async function sendImport(state: ImportState, file: Blob, options: Options): Promise<ImportTotals> {
  if (!state.cutting) return sendWhole(state, file, options);
  const { cutting } = state;
  for await (const part of partsOf(file, cutting, state.next ?? undefined)) {
    options.signal.throwIfAborted();
    const hasRows = part.next.rows > part.at.rows;
    const more = hasRows
      ? await sendPart(state, partBody(file, cutting, part), part.at.number, options)
      : null;
    const totals = more ? addTotals(state.totals, placed(more, state, part)) : state.totals;
    state = { ...state, next: part.next, totals };
    saveImport(state);
    options.onProgress(state);
  }
  return state.totals;
}

async function sendWhole(state: ImportState, file: Blob, options: Options): Promise<ImportTotals> {
  const { rejected, ...counts } = await sendPart(state, file, 1, options);
  const placed = rejected.map(({ row, line, reason }) => ({ row, line: line ?? null, reason }));
  return addTotals(state.totals, { ...counts, rejected: placed });
}

async function sendPart(
  { projectId, kind, hash, query }: ImportState,
  bytes: Blob,
  number: number,
  { signal, delaysMs = DELAYS_MS }: Options,
): Promise<Imported> {
  const { body, headers } = await requestBody(bytes, kind);
  const key = await partKey(hash, `${projectId} ${JSON.stringify(query)}`, number);
  for (let attempt = 0; ; attempt++) {
    try {
      return await importCards(projectId, body, query, { ...headers, "idempotency-key": key }, signal);
    } catch (error) {
      const delay = delaysMs[attempt];
      if (signal.aborted || delay === undefined || !isRetryable(error)) throw error;
      await pause(delay, signal);
    }
  }
}

/** Convert row and line numbers of a part to those of the file. */
function placed({ rejected, ...counts }: Imported, { cutting }: ImportState, part: Part): ImportTotals {
  const byLine = new Map(part.records.map((one) => [one.line, one]));
  const placed = rejected.map(({ row, line, reason }) => {
    const inFile = cutting && line ? lineInFile(cutting, part, line) : null;
    const record = inFile === null ? undefined : byLine.get(inFile);
    const place = record ? { start: record.start, end: record.end } : {};
    return { row: part.at.rows + row, line: inFile, reason, ...place };
  });
  return { ...counts, rejected: placed };
}
