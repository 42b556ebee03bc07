import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";

import type { ImportFromAPI } from "@/services/imports";
import { renderPage } from "@/testing/render";
import { anImport } from "@/testing/samples";
import { fakeServer } from "@/testing/server";

import { ImportsSection } from "./ImportsSection";
import { UnassignedFiles } from "./UnassignedFiles";

function open(imports: ImportFromAPI[], routes = {}) {
  const server = fakeServer({
    "GET /api/projects/p1/imports": { json: { items: imports, nextToken: null } },
    ...routes,
  });
  renderPage(<ImportsSection projectId="p1" />);
  return server;
}

const row = async (name: string) => {
  const rows = await screen.findAllByRole("listitem");
  const found = rows.find((one) => one.textContent.includes(name));
  if (!found) throw new Error(`no row with ${name}`);
  return within(found);
};

test("an import shows its counts and leads to its run", async () => {
  open([anImport()]);
  const shown = await row("reviews.csv");
  expect(shown.getByText("1,200 new, 3 duplicates, 2 rejected")).toBeInTheDocument();
  expect(shown.getByText("Succeeded")).toBeInTheDocument();
  expect(shown.getByRole("link", { name: "reviews.csv" })).toHaveAttribute("href", "/projects/p1/runs/p1-R7");
});

test("a file that another program put into the bucket says why it was refused", async () => {
  const error = { code: "INVALID", message: "size: the file is empty", columns: [] };
  const counts = { created: 0, duplicates: 0, rejected: 0, skipped: 0 };
  open([anImport({ name: "empty.csv", origin: "drop", status: "REFUSED", runId: null, counts, error })]);
  const shown = await row("empty.csv");
  expect(shown.getByText(/^From the bucket/)).toBeInTheDocument();
  expect(shown.getByText("size: the file is empty")).toBeInTheDocument();
  expect(shown.queryByRole("link")).not.toBeInTheDocument();
});

test("all rejected rows are downloaded, page by page, and no reason can run as a formula", async () => {
  const user = userEvent.setup();
  const saved: Blob[] = [];
  URL.createObjectURL = (content) => `blob:${saved.push(content as Blob)}`;
  URL.revokeObjectURL = () => undefined;
  open([anImport()], {
    "GET /api/imports/p1-IM1/rejected": (call: { path: string }) => ({
      json: call.path.includes("nextToken=more")
        ? { items: [{ row: 9, line: null, reason: "=cmd()" }], nextToken: null }
        : { items: [{ row: 2, line: 3, reason: 'text: is "empty"' }], nextToken: "more" },
    }),
  });
  await user.click((await row("reviews.csv")).getByRole("button", { name: "Rejected rows" }));
  await waitFor(() => expect(saved).toHaveLength(1));
  expect(await saved[0]?.text()).toBe('line,row,reason\n3,2,"text: is ""empty"""\n,9,"\'=cmd()"\n');
});

test("an uploaded file whose start was lost is started from the list", async () => {
  const user = userEvent.setup();
  const server = open([anImport({ status: "AWAITING_UPLOAD", runId: null })], {
    "POST /api/imports/p1-IM1/start": { status: 202, json: { runId: "p1-R8" } },
  });
  await user.click((await row("reviews.csv")).getByRole("button", { name: "Start" }));
  await waitFor(() => expect(server.calls.filter((call) => call.method === "POST")).toHaveLength(1));
});

test("files for no project are told on the page of projects", async () => {
  const file = {
    key: "imports/nowhere/a.csv",
    size: 3,
    reason: "There is no project 'nowhere'.",
    createdAt: "2026-03-01T12:00:00Z",
  };
  fakeServer({ "GET /api/imports": { json: { items: [file], nextToken: null } } });
  renderPage(<UnassignedFiles />);
  expect(await screen.findByText("imports/nowhere/a.csv")).toBeInTheDocument();
  expect(screen.getByText(/There is no project/)).toBeInTheDocument();
});
