/** Send a file of cards in batches and sum up the results. */

import { importCards, type Imported } from "@/services/cards";

import { type Preview, splitIntoBatches } from "./csv";

export type Upload = Imported & { rows: number };

/** `onProgress` gets the sent share of rows. Row numbers refer to the whole file. */
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
