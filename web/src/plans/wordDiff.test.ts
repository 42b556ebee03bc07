import { expect, it } from "vitest";
import { wordDiff } from "./wordDiff";

const side = (pieces: ReturnType<typeof wordDiff>, without: "added" | "removed") =>
  pieces
    .filter((piece) => piece.kind !== without)
    .map((piece) => piece.text)
    .join("");

it("marks only the words that differ", () => {
  expect(wordDiff("write a CSV file", "write a small CSV file")).toEqual([
    { text: "write a ", kind: "same" },
    { text: "small ", kind: "added" },
    { text: "CSV file", kind: "same" },
  ]);
});

it("gives both texts back whole, however they differ", () => {
  const texts = ["", "a", "a b c", "c b a", "a  b\n\nc", "one two three four", "two four five"];
  for (const before of texts) {
    for (const after of texts) {
      const pieces = wordDiff(before, after);
      expect([side(pieces, "added"), side(pieces, "removed")]).toEqual([before, after]);
    }
  }
});

it("shows very long texts whole instead of comparing them", () => {
  const long = "word ".repeat(1000);
  expect(wordDiff(long, `${long}more`).map((piece) => piece.kind)).toEqual(["removed", "added"]);
});
