import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";

import { renderPage } from "@/testing/render";
import { type Call, fakeServer } from "@/testing/server";

import { ImportDialog } from "./ImportDialog";
import { MAX_PART_ROWS } from "./parts";

const CARDS = "/api/projects/p1/cards";
const PREVIEW = `POST ${CARDS}/preview`;
const file = (content: BlobPart, name = "reviews.csv") => new File([content], name);
const query = (call: Call | undefined) => new URLSearchParams(call?.path.split("?")[1]);
const IMPORTED = { created: 1, duplicates: 0, rejected: [], rejectedCount: 0, warnings: [] };
const COLUMNS = [
  { name: "Review", role: "text", samples: ["It crashes"] },
  { name: "Email", role: "personal", samples: ["a@example.com"] },
  { name: "Stars", role: "metadata", samples: ["1"] },
];

const aPreview = (changed: object = {}) => ({
  json: {
    format: null,
    encoding: "utf-8",
    alternatives: [],
    delimiter: ",",
    type: "csv",
    firstLine: 2,
    dateOrder: null,
    timezone: "UTC",
    columns: COLUMNS,
    rows: 2,
    rejected: [],
    rejectedCount: 0,
    first: [{ text: "It crashes", source: null, externalId: null }],
    warnings: [],
    ...changed,
  },
});

type Answer = { status?: number; json: object };
type Answers = { preview?: (call: Call) => Answer; cards?: (call: Call) => Answer };

function open(
  dropped: File | null,
  { preview = () => aPreview(), cards = () => ({ json: IMPORTED }) }: Answers = {},
) {
  const onClose = vi.fn();
  const server = fakeServer({ [PREVIEW]: preview, [`POST ${CARDS}`]: cards });
  const view = renderPage(<ImportDialog projectId="p1" dropped={dropped} onClose={onClose} />);
  const sent = () => server.calls.filter((call) => !call.path.includes("/preview"));
  return { ...server, ...view, onClose, sent };
}

const firstCard = async (text: string) =>
  within(await screen.findByRole("region", { name: "First cards" })).getByRole("cell", { name: text });
const bytesOf = async (call: Call | undefined) =>
  Array.from(new Uint8Array(await (call?.body as Blob).arrayBuffer()));

test("a dropped file is previewed by the server, byte for byte, and nothing is imported", async () => {
  const bytes = Uint8Array.of(0x74, 0x65, 0x78, 0x74, 0x0a, 0x47, 0x72, 0xfc, 0xdf, 0x65);
  const rejected = [{ row: 2, line: 3, reason: "text: must be a text that is not empty" }];
  const { calls, sent } = open(file(bytes), {
    preview: () => aPreview({ rejected, rejectedCount: 1, format: "google-play", encoding: "cp1252" }),
  });
  expect(await firstCard("It crashes")).toBeInTheDocument();
  expect(screen.getByText("Google Play export")).toBeInTheDocument();
  expect(screen.getByRole("combobox", { name: "Encoding" })).toHaveTextContent("Windows-1252");
  expect(screen.getByText("1 row will be rejected")).toBeInTheDocument();
  expect(screen.getByText("Line 3:")).toBeInTheDocument();
  expect(screen.getByRole("button", { name: "Import 1 card" })).toBeEnabled();
  expect(calls[0]?.headers.get("content-type")).toBe("application/octet-stream");
  expect(query(calls[0]).get("type")).toBe("csv");
  expect(await bytesOf(calls[0])).toEqual(Array.from(bytes));
  expect(sent()).toHaveLength(0);
});

test("where the encoding is not sure, a person chooses it by its lines", async () => {
  const user = userEvent.setup();
  const alternatives = [
    { encoding: "cp1252", lines: ["Gr\u00fc\u00dfe"] },
    { encoding: "cp1251", lines: ["Gr\u044c\u042fe"] },
  ];
  const { calls, sent } = open(file("text\na"), {
    preview: (call) => aPreview({ alternatives, encoding: query(call).get("charset") ?? "cp1252" }),
  });
  await user.click(await screen.findByRole("radio", { name: /Cyrillic/ }));
  await waitFor(() => expect(query(calls[1]).get("charset")).toBe("cp1251"));
  const button = await screen.findByRole("button", { name: "Import 2 cards" });
  await waitFor(() => expect(button).toBeEnabled());
  await user.click(button);
  await screen.findByText("Cards imported");
  expect(query(sent()[0]).get("charset")).toBe("cp1251");
});

test("a column is given another role, and its card is previewed again", async () => {
  const user = userEvent.setup();
  const { calls } = open(file("Review,Email,Stars\na,b,1"), {
    preview: () =>
      aPreview({ columns: COLUMNS.map((column) => ({ ...column, role: "metadata" })), first: [] }),
  });
  expect(await screen.findByText("Which column has the feedback?")).toBeInTheDocument();
  expect(screen.getByRole("button", { name: "Import" })).toBeDisabled();
  await user.click(screen.getByRole("combobox", { name: "Use Review as" }));
  await user.click(await screen.findByRole("option", { name: "Feedback text" }));
  await waitFor(() => expect(query(calls[1]).getAll("text")).toEqual(["Review"]));
  expect(await screen.findByRole("button", { name: "Import 2 cards" })).toBeInTheDocument();
});

test("personal data and equal texts are chosen, not assumed", async () => {
  const user = userEvent.setup();
  const { sent } = open(file("Review,Email\na,b"));
  await user.click(await screen.findByRole("checkbox", { name: /personal data/ }));
  await user.click(screen.getByRole("checkbox", { name: /already exists/ }));
  const button = screen.getByRole("button", { name: /^Import/ });
  await waitFor(() => expect(button).toBeEnabled());
  await user.click(button);
  await screen.findByText("Cards imported");
  expect(Object.fromEntries(query(sent()[0]))).toEqual({
    type: "csv",
    personal: "keep",
    dedupe: "content",
    maxRejected: "5000",
  });
});

test("after the import the page tells what is new, what was there and what was rejected, and saves the last", async () => {
  const user = userEvent.setup();
  const saved: Blob[] = [];
  URL.createObjectURL = (content) => `blob:${saved.push(content as Blob)}`;
  URL.revokeObjectURL = () => undefined;
  const json = {
    created: 1,
    duplicates: 2,
    rejected: [{ row: 2, line: 3, reason: 'text: is "empty"' }],
    rejectedCount: 1,
    warnings: ["Personal data is left out: Email."],
  };
  open(file("text\nIt crashes\n "), { cards: () => ({ json }) });
  await user.click(await screen.findByRole("button", { name: "Import 2 cards" }));
  expect(await screen.findByText("Cards imported")).toBeInTheDocument();
  const results = screen.getAllByRole("listitem").map((item) => item.textContent.trim());
  expect(results).toEqual(expect.arrayContaining(["1 new", "2 duplicates", "1 rejected"]));
  expect(screen.getByText("Personal data is left out: Email.")).toBeInTheDocument();
  await user.click(screen.getByRole("button", { name: "Download as CSV" }));
  await waitFor(() => expect(saved).toHaveLength(1));
  expect(await saved[0]?.text()).toBe('line,reason\n3,"text: is ""empty"""\n');
});

const ROWS = Array.from({ length: 2 * MAX_PART_ROWS + 3 }, (_, at) => `"Row\n${at + 1}",1\n`);
const LARGE = ["Review,Stars\n", ...ROWS].join("");

test("a large file is sent in parts, each with its key, and a rejected row keeps its line and its bytes", async () => {
  const user = userEvent.setup();
  const saved: Blob[] = [];
  URL.createObjectURL = (content) => `blob:${saved.push(content as Blob)}`;
  URL.revokeObjectURL = () => undefined;
  const { sent } = open(file(LARGE), {
    preview: () => aPreview({ rows: ROWS.length }),
    cards: (call) => {
      const isLast = call.headers.get("idempotency-key")?.endsWith("-3");
      return {
        json: isLast
          ? { ...IMPORTED, rejected: [{ row: 2, line: 4, reason: "is refused" }], rejectedCount: 1 }
          : IMPORTED,
      };
    },
  });
  await user.click(await screen.findByRole("button", { name: "Import 2,003 cards" }));
  // line 1 is the header, each row before has two lines
  const line = 2 + 2 * (2 * MAX_PART_ROWS + 1);
  expect(await screen.findByText(`Line ${line.toLocaleString("en")}:`)).toBeInTheDocument();
  const parts = sent();
  expect(parts).toHaveLength(3);
  expect(new Set(parts.map((call) => call.headers.get("idempotency-key"))).size).toBe(3);
  expect(await (parts[2]?.body as Blob).text()).toBe(`Review,Stars\n${ROWS.slice(-3).join("")}`);
  // later parts may show less than the whole file did
  expect(query(parts[2]).getAll("text")).toEqual(["Review"]);
  expect(query(parts[2]).get("charset")).toBe("utf-8");
  expect(query(parts[2]).get("delimiter")).toBe(",");
  await user.click(screen.getByRole("button", { name: "Download as CSV" }));
  await waitFor(() => expect(saved).toHaveLength(1));
  expect(await saved[0]?.text()).toBe(`line,reason,Review,Stars\n${line},"is refused",${ROWS.at(-2) ?? ""}`);
});

test("every rejected row of a large file can be downloaded", async () => {
  const user = userEvent.setup();
  const saved: Blob[] = [];
  URL.createObjectURL = (content) => `blob:${saved.push(content as Blob)}`;
  URL.revokeObjectURL = () => undefined;
  const rows = Array.from({ length: 6 * MAX_PART_ROWS }, (_, at) => `,${at}\n`);
  const { sent } = open(file(["Review,Stars\n", ...rows].join("")), {
    preview: () => aPreview({ rows: rows.length }),
    cards: (call) => {
      const listed = Number(query(call).get("maxRejected"));
      const all = rows
        .slice(0, MAX_PART_ROWS)
        .map((_, at) => ({ row: at + 1, line: at + 2, reason: "is empty" }));
      return { json: { ...IMPORTED, created: 0, rejected: all.slice(0, listed), rejectedCount: all.length } };
    },
  });
  await user.click(await screen.findByRole("button", { name: "Import 6,000 cards" }));
  await user.click(await screen.findByRole("button", { name: "Download as CSV" }));
  await waitFor(() => expect(saved).toHaveLength(1));
  expect(sent()).toHaveLength(6);
  const lines = (await saved[0]?.text())?.split("\n") ?? [];
  expect(lines[0]).toBe("line,reason,Review,Stars");
  expect(lines.slice(1, -1)).toEqual(rows.map((row, at) => `${at + 2},"is empty",${row.trimEnd()}`));
  expect(screen.queryByText(/does not keep/)).not.toBeInTheDocument();
});

test("an import that stopped is resumed after a reload: the other parts are sent, with the same keys", async () => {
  const user = userEvent.setup();
  let isBroken = true;
  const cards = (call: Call) => {
    if (isBroken && call.headers.get("idempotency-key")?.endsWith("-2"))
      return { status: 400, json: { error: { code: "STOPPED", message: "The project is locked." } } };
    return { json: { ...IMPORTED, created: 10 } };
  };
  const first = open(file(LARGE), { preview: () => aPreview({ rows: ROWS.length }), cards });
  await user.click(await screen.findByRole("button", { name: "Import 2,003 cards" }));
  expect(await screen.findByText("The project is locked.")).toBeInTheDocument();
  expect(screen.getByText(/The import of reviews.csv is not finished: 4\d%/)).toBeInTheDocument();
  const key = first.sent()[1]?.headers.get("idempotency-key");
  first.unmount();

  isBroken = false;
  const { sent } = open(null, { cards });
  await user.click(await screen.findByRole("button", { name: "Resume import" }));
  // jsdom has no IndexedDB, like a browser that forgot the file
  await screen.findByRole("button", { name: "Choose file and resume" });
  await user.upload(screen.getByLabelText("Choose reviews.csv again"), file("text\nother", "reviews.csv"));
  expect(await screen.findByText(/not the same file/)).toBeInTheDocument();
  await user.click(screen.getByRole("button", { name: "Resume import" }));
  await screen.findByRole("button", { name: "Choose file and resume" });
  await user.upload(screen.getByLabelText("Choose reviews.csv again"), file(LARGE));
  expect(await screen.findByText("Cards imported")).toBeInTheDocument();
  expect(sent()).toHaveLength(2);
  expect(sent()[0]?.headers.get("idempotency-key")).toBe(key);
  expect(screen.getAllByRole("listitem")[0]).toHaveTextContent("30 new");
  expect(localStorage).toHaveLength(0);
});

test("an import is stopped between two parts and can be discarded", async () => {
  const user = userEvent.setup();
  const { sent } = open(file(LARGE), {
    preview: () => aPreview({ rows: ROWS.length }),
    cards: () => {
      screen.getByRole("button", { name: "Stop import" }).click();
      return { json: IMPORTED };
    },
  });
  await user.click(await screen.findByRole("button", { name: "Import 2,003 cards" }));
  await user.click(await screen.findByRole("button", { name: "Discard import" }));
  await waitFor(() => expect(screen.queryByText(/is not finished/)).not.toBeInTheDocument());
  expect(sent()).toHaveLength(1);
});

test("a file that the server cannot read is told with its own words", async () => {
  const message = "This is a PDF file: export the feedback as CSV, JSON, NDJSON or xlsx.";
  open(file("%PDF-1.7", "feedback.pdf"), {
    preview: () => ({ status: 422, json: { error: { code: "INVALID", message } } }),
  });
  expect(await screen.findByText("Cannot read feedback.pdf")).toBeInTheDocument();
  expect(screen.getByText(message)).toBeInTheDocument();
  expect(screen.getByRole("button", { name: "Import" })).toBeDisabled();
});

test("an empty file is told without asking the server", async () => {
  const { calls } = open(file(""));
  expect(await screen.findByText("The file is empty.")).toBeInTheDocument();
  expect(calls).toHaveLength(0);
});

test("pasted lines become cards, one each, after a preview", async () => {
  const user = userEvent.setup();
  const { calls } = open(null);
  await user.click(await screen.findByRole("radio", { name: "Paste" }));
  await user.click(screen.getByRole("textbox", { name: "Feedback" }));
  await user.paste('It "crashes"\n\nToo slow, always');
  await user.click(screen.getByRole("button", { name: "Preview cards" }));
  expect(await firstCard("It crashes")).toBeInTheDocument();
  expect(query(calls[0]).get("type")).toBe("ndjson");
  expect(await (calls[0]?.body as Blob).text()).toBe(
    '{"text":"It \\"crashes\\""}\n{"text":"Too slow, always"}\n',
  );
});

test("one card is added by hand", async () => {
  const user = userEvent.setup();
  const { calls, onClose } = open(null);
  await user.click(await screen.findByRole("radio", { name: "One card" }));
  const dialog = screen.getByRole("dialog");
  expect(within(dialog).getByRole("button", { name: "Add card" })).toBeDisabled();
  await user.type(screen.getByRole("textbox", { name: "Feedback" }), "It crashes");
  await user.type(screen.getByRole("textbox", { name: "Source" }), "Interview");
  await user.click(screen.getByRole("button", { name: "Add card" }));
  await waitFor(() => expect(onClose).toHaveBeenCalled());
  expect(calls[0]?.body).toEqual({ cards: [{ text: "It crashes", source: "Interview" }] });
});
