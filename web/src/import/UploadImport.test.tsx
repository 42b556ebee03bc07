import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";

import { renderPage } from "@/testing/render";
import { type Call, fakeServer } from "@/testing/server";
import { fakeUploads } from "@/testing/uploads";

import { ImportDialog } from "./ImportDialog";
import { NO_CHOICES } from "./choices";
import { MIN_UPLOAD_BYTES } from "./uploadChoice";
import { uploadImport } from "./uploadImport";

// jsdom's files have no streams, as in a browser without compression
Reflect.deleteProperty(globalThis, "CompressionStream");

const PROJECT = "/api/projects/p1";
const UPLOAD = { url: "https://bucket.example/uploads/p1-IM1?X-Amz-Signature=x", method: "PUT" };
const COLUMNS = [{ name: "Review", role: "text", samples: ["It crashes"] }];
const PREVIEW = {
  format: null,
  encoding: "cp1252",
  alternatives: [],
  delimiter: ";",
  type: "csv",
  firstLine: 2,
  dateOrder: "dmy",
  timezone: "UTC",
  columns: COLUMNS,
  rows: 900,
  rejected: [],
  rejectedCount: 0,
  first: [{ text: "It crashes", source: null, externalId: null }],
  warnings: [],
};
const BUSY = { status: 409, json: { error: { code: "RUN_ALREADY_ACTIVE", message: "A run is active." } } };

const large = new File(["Review\n", "It crashes\n".repeat(MIN_UPLOAD_BYTES / 11 + 1)], "reviews.csv");
const xlsx = new File([`PK\u0003\u0004${"x".repeat(4_500_000)}`], "feedback.xlsx");

function open(
  file: File,
  start: () => { status?: number; json: object } = () => ({ json: { runId: "p1-R7" } }),
) {
  const server = routes(start);
  renderPage(<ImportDialog projectId="p1" dropped={file} onClose={vi.fn()} />);
  const to = (path: string) => server.calls.filter((call: Call) => call.path.endsWith(path));
  return { ...server, to };
}

function routes(start: () => { status?: number; json: object }) {
  return fakeServer({
    [`POST ${PROJECT}/cards/preview`]: { json: PREVIEW },
    [`POST ${PROJECT}/imports`]: {
      status: 201,
      json: {
        importId: "p1-IM1",
        upload: { ...UPLOAD, headers: { "content-type": "application/octet-stream" } },
      },
    },
    "POST /api/imports/p1-IM1/start": start,
  });
}

test("a large file is previewed, uploaded to the bucket as it is, and imported on the server", async () => {
  const user = userEvent.setup();
  const uploads = fakeUploads();
  const { to } = open(large);
  await user.click(await screen.findByRole("button", { name: "Import all cards" }));
  expect(await screen.findByText("Import started")).toBeInTheDocument();
  expect(screen.getByRole("link", { name: "Follow the run" })).toHaveAttribute(
    "href",
    "/projects/p1/runs/p1-R7",
  );
  expect(to("/imports")[0]?.body).toEqual({
    name: "reviews.csv",
    size: large.size,
    // what the preview found, as the server would look at the beginning again
    parameters: {
      type: "csv",
      text: ["Review"],
      charset: "cp1252",
      delimiter: ";",
      dateOrder: "dmy",
      timezone: "UTC",
    },
  });
  expect(uploads).toHaveLength(1);
  expect(uploads[0]).toMatchObject({ ...UPLOAD, headers: { "content-type": "application/octet-stream" } });
  expect(uploads[0]?.body).toBe(large);
  expect(to("/cards")).toHaveLength(0);
});

test("a document that cannot be split is uploaded without a preview", async () => {
  const user = userEvent.setup();
  const uploads = fakeUploads();
  const { to } = open(xlsx);
  expect(await screen.findByText(/too large for a preview/)).toBeInTheDocument();
  await user.click(screen.getByRole("button", { name: "Upload and import" }));
  expect(await screen.findByText("Import started")).toBeInTheDocument();
  expect(to("/imports")[0]?.body).toMatchObject({ name: "feedback.xlsx", parameters: { type: "xlsx" } });
  expect(uploads[0]?.body).toBe(xlsx);
});

test("an upload shows its progress and can be stopped; nothing is started", async () => {
  const user = userEvent.setup();
  fakeUploads(
    () => 200,
    () => {
      expect(screen.getByText(/^50%/)).toBeInTheDocument();
      screen.getByRole("button", { name: "Stop upload" }).click();
    },
  );
  const { to } = open(large);
  await user.click(await screen.findByRole("button", { name: "Import all cards" }));
  await waitFor(() => expect(screen.getByRole("button", { name: "Import all cards" })).toBeEnabled());
  expect(to("/start")).toHaveLength(0);
  expect(screen.queryByText("Import stopped")).not.toBeInTheDocument();
});

test("a refused upload is told, and the file can be sent again", async () => {
  const user = userEvent.setup();
  fakeUploads(() => 403);
  open(large);
  await user.click(await screen.findByRole("button", { name: "Import all cards" }));
  expect(await screen.findByText(/The upload was refused \(403\)/)).toBeInTheDocument();
  expect(screen.getByRole("button", { name: "Import all cards" })).toBeEnabled();
});

test("the import waits for the active one of the project, without another upload", async () => {
  const uploads = fakeUploads();
  let asked = 0;
  routes(() => (++asked < 3 ? BUSY : { json: { runId: "p1-R8" } }));
  const content = { name: large.name, bytes: large, kind: "text" as const };
  const steps: string[] = [];
  const options = {
    signal: new AbortController().signal,
    onStep: ({ phase }: { phase: string }) => steps.push(phase),
    delayMs: 1,
  };
  const started = await uploadImport("p1", { content, preview: null, choices: NO_CHOICES }, options);
  expect(started).toEqual({ importId: "p1-IM1", runId: "p1-R8", name: "reviews.csv" });
  expect(steps.slice(-3)).toEqual(["starting", "waiting", "waiting"]);
  expect(uploads).toHaveLength(1);
});
