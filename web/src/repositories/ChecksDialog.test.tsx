import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";

import type { Baseline, Checks } from "@/services/checks";
import { renderPage } from "@/testing/render";
import { aBaseline, aCommand, aRepository } from "@/testing/samples";
import { fakeServer } from "@/testing/server";

import { checksOf, formOf } from "./checksForm";
import { Component as RepositoriesPage } from "./RepositoriesPage";

type Answer = { status?: number; json?: unknown };
type Server = { baseline?: Baseline | null; checks?: Checks | null; patch?: Answer; start?: Answer };

/** Renders the page with the checks of the repository open. */
function open({ baseline = null, checks = null, patch, start }: Server = {}) {
  let repository = aRepository({ checks });
  let answers = [baseline];
  const { calls } = fakeServer({
    "GET /api/repositories": () => ({ json: { items: [repository], nextToken: null } }),
    "PATCH /api/repositories/r1": ({ body }) => {
      if (patch) return patch;
      repository = { ...repository, ...(body as object) };
      return { json: repository };
    },
    "GET /api/repositories/r1/baseline": () => {
      const [first] = answers;
      if (answers.length > 1) answers = answers.slice(1);
      return first ? { json: first } : { status: 404, json: { error: { code: "NOT_FOUND", message: "" } } };
    },
    "POST /api/repositories/r1/baseline": start ?? {
      status: 202,
      json: aBaseline({ status: "queued", commit: null, endedAt: null, activity: "Waiting for a worker" }),
    },
  });
  renderPage(<RepositoriesPage />, { path: "/repositories", at: "/repositories?checks=r1" });
  const sent = (method: string, path: string) =>
    calls.filter((call) => call.method === method && call.path === path);
  return { sent, next: (...later: Baseline[]) => (answers = later) };
}

const user = userEvent.setup();
const baseline = () => screen.findByRole("region", { name: "Baseline" });

test("the page offers the checks of each repository", async () => {
  fakeServer({
    "GET /api/repositories": { json: { items: [aRepository()], nextToken: null } },
  });
  renderPage(<RepositoriesPage />, { path: "/repositories", at: "/repositories" });
  expect(await screen.findByText("no checks")).toBeInTheDocument();
  await user.click(screen.getByRole("button", { name: "Checks of Shop" }));
  expect(await screen.findByRole("dialog", { name: "Checks of Shop" })).toBeInTheDocument();
  expect(await screen.findByText("No baseline yet.")).toBeInTheDocument();
});

test("commands are saved as lines", async () => {
  const { sent } = open();
  await user.type(await screen.findByLabelText("Checks"), "npm test{Enter}npm run lint");
  await user.click(screen.getByRole("button", { name: "Save" }));
  expect(await screen.findByText("Checks saved")).toBeInTheDocument();
  expect(sent("PATCH", "/api/repositories/r1")[0]?.body).toMatchObject({
    checks: { setup: [], verify: ["npm test", "npm run lint"], network: "setup" },
  });
  await waitFor(() => expect(screen.getByRole("button", { name: "Save" })).toBeDisabled());
});

test("an error of the API shows at its field, and the input stays", async () => {
  const error = {
    code: "INVALID",
    message: "Invalid.",
    details: [{ field: "checks.memoryMb", message: "must be at most 2048, the memory of a sandbox" }],
  };
  open({ patch: { status: 422, json: { error } } });
  const memory = await screen.findByLabelText("Memory limit (MB)");
  await user.clear(memory);
  await user.type(memory, "9000");
  await user.click(screen.getByRole("button", { name: "Save" }));
  expect(await screen.findByText("must be at most 2048, the memory of a sandbox")).toBeInTheDocument();
  expect(memory).toHaveAttribute("aria-invalid", "true");
  expect(memory).toHaveValue(9000);
});

test("a suggestion is used by one click, then saved with the run of a baseline", async () => {
  const suggested = { setup: ["npm ci"], verify: ["npm test"] };
  const { sent } = open({ baseline: aBaseline({ suggested }) });
  await user.click(await screen.findByRole("button", { name: "Use suggestion" }));
  expect(screen.getByLabelText("Set-up")).toHaveValue("npm ci");
  expect(screen.getByLabelText("Checks")).toHaveValue("npm test");
  expect(screen.getByRole("button", { name: "In use" })).toBeDisabled();
  await user.click(screen.getByRole("button", { name: "Save and run baseline" }));
  await waitFor(() => expect(sent("POST", "/api/repositories/r1/baseline")).toHaveLength(1));
  expect(sent("PATCH", "/api/repositories/r1")[0]?.body).toMatchObject({ checks: suggested });
});

test("a baseline is followed until it ends, then no longer", async () => {
  const { next, sent } = open();
  await user.click(await screen.findByRole("button", { name: "Run baseline" }));
  const shown = within(await baseline());
  expect(await shown.findByText("Waiting for a worker")).toBeInTheDocument();
  next(
    aBaseline({
      status: "running",
      steps: [aCommand("npm test", { why: null, exitCode: null, log: "1 of 2" })],
      endedAt: null,
    }),
    aBaseline({
      status: "failed",
      steps: [
        aCommand("npm test", { exitCode: 1, log: "1 failed" }),
        aCommand("npm run lint", { flaky: true }),
      ],
    }),
  );
  expect(await shown.findByText("1 of 2", {}, { timeout: 5_000 })).toBeInTheDocument();
  expect(await shown.findByText("1 failed", {}, { timeout: 5_000 })).toBeInTheDocument();
  expect(shown.getByText("Flaky")).toBeInTheDocument();
  expect(within(shown.getByRole("status")).getByText("Failed")).toBeInTheDocument();
  const before = sent("GET", "/api/repositories/r1/baseline").length;
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  expect(sent("GET", "/api/repositories/r1/baseline")).toHaveLength(before);
});

test.each([
  [false, /no plan starts/],
  [true, /no change counts as passed/],
])("a failing baseline tells its effect, allowed: %s", async (allowRedBaseline, effect) => {
  const checks = checksOf({ ...formOf(null), verify: "npm test", allowRedBaseline });
  open({ checks, baseline: aBaseline({ status: "failed" }) });
  expect(await within(await baseline()).findByText(effect)).toBeInTheDocument();
});

test("a baseline that cannot run tells the reason", async () => {
  open({
    baseline: aBaseline({ status: "could_not_run", reason: "The secret groundwork/shop is missing." }),
  });
  expect(await screen.findByText("Could not run")).toBeInTheDocument();
  expect(screen.getByText("The secret groundwork/shop is missing.")).toBeInTheDocument();
});

test("a system without a sandbox is told where the baseline was asked for", async () => {
  const error = { code: "SANDBOX_UNAVAILABLE", message: "Checks cannot run here: no user namespaces." };
  open({ start: { status: 409, json: { error } } });
  await user.click(await screen.findByRole("button", { name: "Run baseline" }));
  expect(await screen.findByText("Checks cannot run here: no user namespaces.")).toBeInTheDocument();
});
