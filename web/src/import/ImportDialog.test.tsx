import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";

import { renderPage } from "@/testing/render";
import { type Call, fakeServer } from "@/testing/server";

import { ROWS_PER_REQUEST } from "./csv";
import { ImportDialog } from "./ImportDialog";

const CARDS = "/api/projects/p1/cards";
const csv = (text: string) => new File([text], "reviews.csv", { type: "text/csv" });

function open(file: File | null, answer: (call: Call) => object) {
  const server = fakeServer({ [`POST ${CARDS}`]: answer });
  renderPage(<ImportDialog projectId="p1" open onOpenChange={() => undefined} dropped={file} />);
  return server;
}

test("a dropped file is shown before anything is sent, with the rows that will be rejected and why", async () => {
  const { calls } = open(csv("text,stars\nIt crashes,1\n ,5"), () => ({}));
  expect(await screen.findByRole("cell", { name: "It crashes" })).toBeInTheDocument();
  expect(screen.getByText("1 row will be rejected")).toBeInTheDocument();
  expect(screen.getByText(/“text” is empty/)).toBeInTheDocument();
  expect(screen.getByRole("button", { name: "Import 1 card" })).toBeEnabled();
  expect(calls).toHaveLength(0);
});

test("after the import the page tells what is new, what was there and what the server rejected", async () => {
  const user = userEvent.setup();
  const answer = {
    json: { created: 1, duplicates: 2, rejected: [{ row: 2, reason: "text: has control characters" }] },
  };
  open(csv("text\nIt crashes\nIt beeps"), () => answer);
  await user.click(await screen.findByRole("button", { name: "Import 2 cards" }));
  expect(await screen.findByText("Cards imported")).toBeInTheDocument();
  const results = screen.getAllByRole("listitem").map((item) => item.textContent.trim());
  expect(results).toEqual(expect.arrayContaining(["1 new", "2 duplicates", "1 rejected"]));
  expect(screen.getByText(/control characters \(“It beeps”\)/)).toBeInTheDocument();
});

test("a long file is sent in pieces, and a row keeps its number in the file", async () => {
  const user = userEvent.setup();
  const rows = Array.from({ length: ROWS_PER_REQUEST + 3 }, (_, index) => `Row ${index + 1}`);
  let sent = 0;
  const { calls } = open(csv(["text", ...rows].join("\n")), () => {
    sent += 1;
    const rejected = sent === 2 ? [{ row: 3, reason: "is refused" }] : [];
    return { json: { created: 1, duplicates: 0, rejected } };
  });
  await user.click(await screen.findByRole("button", { name: `Import ${ROWS_PER_REQUEST + 3} cards` }));
  expect(await screen.findByText(`Row ${ROWS_PER_REQUEST + 3}:`)).toBeInTheDocument();
  expect(calls).toHaveLength(2);
  expect(calls[1]?.body).toBe(
    `text\nRow ${ROWS_PER_REQUEST + 1}\nRow ${ROWS_PER_REQUEST + 2}\nRow ${ROWS_PER_REQUEST + 3}`,
  );
});

test("a file without a column for the text says so and cannot be sent", async () => {
  open(csv("review\nGood"), () => ({}));
  expect(await screen.findByText("Cannot import reviews.csv")).toBeInTheDocument();
  expect(screen.getByRole("button", { name: "Import" })).toBeDisabled();
});

test("an import that stops says how far it came to and can be sent again", async () => {
  const user = userEvent.setup();
  const { calls } = open(csv("text\nIt crashes"), () => {
    throw new TypeError("Failed to fetch");
  });
  await user.click(await screen.findByRole("button", { name: "Import 1 card" }));
  expect(await screen.findByText("Import failed")).toBeInTheDocument();
  await user.click(screen.getByRole("button", { name: "Import 1 card" }));
  await waitFor(() => expect(calls).toHaveLength(2));
});
