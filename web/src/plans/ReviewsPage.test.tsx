import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";

import { FakePlanServer, renderPlan } from "./fakePlanServer";
import { aPhase, aPlan, aReview, aSuggestion, aTask } from "./samples";

const plan = aPlan([aPhase("one", [aTask("a")])]);
const LIST = "GET /api/plans/plan/iterations";
const ONE = "GET /api/plans/plan/iterations/plan-I2";
const APPLY = "POST /api/plans/plan/apply-suggestions";

it("applies what is chosen, and only that", async () => {
  const review = aReview([
    aSuggestion(0, { conflictsWith: [1] }),
    aSuggestion(1, { conflictsWith: [0] }),
    aSuggestion(2),
  ]);
  const { sent } = renderPlan(new FakePlanServer(plan), "/reviews", {
    [LIST]: { json: { items: [review], nextToken: null } },
    [ONE]: { json: review },
    [APPLY]: { json: plan },
  });
  const user = userEvent.setup();
  await user.click(await screen.findByRole("checkbox", { name: /^3\./ }));
  await user.click(screen.getByRole("checkbox", { name: /^1\./ }));
  expect(screen.getByRole("checkbox", { name: /^2\./ })).toBeDisabled();
  expect(screen.getByText(/Conflicts with number 1/)).toBeInTheDocument();
  await user.click(screen.getByRole("button", { name: "Apply 2" }));
  await waitFor(() => expect(sent("POST", "/api/plans/plan/apply-suggestions")).toHaveLength(1));
  const [call] = sent("POST", "/api/plans/plan/apply-suggestions");
  expect(call?.body).toEqual({ iterationId: "plan-I2", suggestionIndices: [0, 2] });
});

it("unticks what has become stale, keeps the rest chosen, and says that nothing was applied", async () => {
  let isStale = false;
  const review = () => aReview([aSuggestion(0, { stale: isStale }), aSuggestion(1)]);
  renderPlan(new FakePlanServer(plan), "/reviews", {
    [LIST]: () => ({ json: { items: [review()], nextToken: null } }),
    [ONE]: () => ({ json: review() }),
    [APPLY]: () => {
      isStale = true;
      const error = {
        code: "STALE_SUGGESTION",
        message: "Changed.",
        details: { suggestionIndices: [0], version: 2 },
      };
      return { status: 409, json: { error } };
    },
  });
  const user = userEvent.setup();
  await user.click(await screen.findByRole("button", { name: /Select all/ }));
  await user.click(screen.getByRole("button", { name: "Apply 2" }));
  expect(await screen.findByText(/Nothing was applied/)).toBeInTheDocument();
  expect(await screen.findByRole("button", { name: "Apply 1" })).toBeEnabled();
  expect(screen.getByRole("checkbox", { name: /^1\./ })).not.toBeChecked();
  expect(screen.getByRole("checkbox", { name: /^2\./ })).toBeChecked();
});
