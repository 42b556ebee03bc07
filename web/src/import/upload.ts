/** Sends a file of cards batch by batch and adds up what the server says. */

import { importCards, type Imported } from "@/services/cards";

import { type Preview, splitIntoBatches } from "./csv";

export type Upload = Imported & { rows: number };

/** `onProgress` gets the share of rows that has been sent. Row numbers are those of the whole file. */
export async function uploadCards(
  projectId: string,
  preview: Preview,
  onProgress: (share: number) => void,
): Promise<Upload> {
  const sum: Upload = { created: 0, duplicates: 0, rejected: [], rows: preview.rows.length };
  let before = 0;
  for (const batch of splitIntoBatches(preview)) {
    const { created, duplicates, rejected } = await importCards(projectId, batch.text, "text/csv");
    const offset = before;
    sum.created += created;
    sum.duplicates += duplicates;
    sum.rejected.push(...rejected.map((one) => ({ ...one, row: one.row + offset })));
    before += batch.rows;
    onProgress(before / preview.rows.length);
  }
  return sum;
}
