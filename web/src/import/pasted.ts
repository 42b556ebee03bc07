/** Make a file of pasted text. */

export type PastedForm = "lines" | "table";

export function pastedFile(text: string, form: PastedForm): File {
  if (form === "table") return new File([text], "Pasted text");
  const lines = text.split(/\r\n|\r|\n/).filter((line) => line.trim() !== "");
  const cards = lines.map((line) => `${JSON.stringify({ text: line.trim() })}\n`);
  return new File(cards, "Pasted text.ndjson");
}
