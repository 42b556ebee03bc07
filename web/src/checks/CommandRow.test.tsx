import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";

import type { CommandResult } from "@/services/checks";
import { aCommand } from "@/testing/samples";

import { CommandRow } from "./CommandRow";
import { describeEnd, statusOf } from "./statuses";

function show(part: Partial<CommandResult>) {
  return render(
    <ul>
      <CommandRow result={aCommand("pytest -q", part)} />
    </ul>,
  );
}

const log = () => screen.queryByRole("region", { name: "Log of pytest -q" });

test("a passed command hides its log until a key opens it", async () => {
  const { container } = show({ log: "3 passed" });
  expect(screen.getByText("Passed")).toBeInTheDocument();
  expect(screen.getByText("exit code 0, 1.5 s")).toBeInTheDocument();
  expect(log()).not.toBeInTheDocument();
  // jsdom knows no keys of a summary: a browser makes a click of Enter and Space
  const summary = container.querySelector("summary");
  if (!summary) throw new Error("no summary");
  await userEvent.click(summary);
  expect(log()).toHaveTextContent("3 passed");
  await userEvent.click(summary);
  expect(log()).not.toBeInTheDocument();
});

test("a failed command shows its log, and a reader can scroll it by keyboard", () => {
  show({ exitCode: 1, log: "1 failed", logTruncated: true });
  expect(screen.getByText("Failed")).toBeInTheDocument();
  expect(log()).toHaveAttribute("tabindex", "0");
  expect(screen.getByText("The log is shortened in the middle.")).toBeInTheDocument();
});

test("a flaky command passed, is marked, and shows the log of its failure", () => {
  show({ flaky: true, exitCode: 0, log: "timing" });
  expect(screen.getByText("Flaky")).toBeInTheDocument();
  expect(screen.getByText("Passed")).toBeInTheDocument();
  expect(log()).toHaveTextContent("timing");
});

test("markup in a log stays text", () => {
  const { container } = show({ exitCode: 1, log: "<img src=x onerror=alert(1)>" });
  expect(container.querySelector("img")).toBeNull();
  expect(log()).toHaveTextContent("<img src=x onerror=alert(1)>");
});

test.each<[string, Partial<CommandResult>, string, string]>([
  ["still runs", { why: null, exitCode: null, seconds: 0 }, "running", ""],
  ["exits with 0", {}, "passed", "exit code 0, 1.5 s"],
  ["exits with 2", { exitCode: 2 }, "failed", "exit code 2, 1.5 s"],
  ["is a set-up and exits with 2", { setup: true, exitCode: 2 }, "could_not_run", "exit code 2, 1.5 s"],
  ["takes too long", { why: "timeout", exitCode: null }, "could_not_run", "over its time limit, 1.5 s"],
  ["loses its sandbox", { why: "lost", exitCode: null }, "could_not_run", "sandbox lost, 1.5 s"],
])("the verdict of a command that %s", (_, part, status, end) => {
  expect(statusOf(aCommand("x", part))).toBe(status);
  expect(describeEnd(aCommand("x", part))).toBe(end);
});
