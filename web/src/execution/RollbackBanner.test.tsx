import { render, screen } from "@testing-library/react";
import { expect, it } from "vitest";

import type { Progress } from "@/plans/model";
import { aPlan, aProgress } from "@/plans/samples";

import { RollbackBanner } from "./RollbackBanner";

const head = { repositoryId: "r", taskId: "a", commit: "abcdef0123", verified: null, reason: null };

function show(head: NonNullable<Progress["rollback"]>["heads"][number]) {
  const rollback = {
    ...{ number: 1, taskIds: ["a"], who: "Ada", atMs: 0, error: null, verified: null },
    status: "DONE" as const,
    heads: [head],
  };
  render(<RollbackBanner plan={aPlan([])} progress={aProgress([], { status: "COMPLETED", rollback })} />);
}

it("tells of a pending check after a rollback", () => {
  show(head);
  expect(screen.getByRole("status")).toHaveTextContent("Checking the branch after the rollback");
});

it("names the commit of a failed check", () => {
  show({ ...head, verified: "failed" });
  expect(screen.getByRole("status")).toHaveTextContent("The checks failed after the rollback, on abcdef0");
});

it("says no more once the checks have passed", () => {
  show({ ...head, verified: "passed" });
  expect(screen.queryByRole("status")).toBeNull();
});
