import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";

import { renderPage } from "@/testing/render";
import { aProject } from "@/testing/samples";
import { fakeServer } from "@/testing/server";

import { Component as ProjectsPage } from "./ProjectsPage";

const list = (...items: object[]) => ({ json: { items, nextToken: null } });

test("each project is a link with what it holds", async () => {
  fakeServer({
    "GET /api/projects": list(aProject({ counts: { cards: 2_046, epics: 1, stories: 2, subtasks: 3 } })),
  });
  renderPage(<ProjectsPage />);
  expect(await screen.findByRole("link", { name: "Trail companion" })).toHaveAttribute(
    "href",
    "/projects/p1",
  );
  expect(screen.getByText("2,046")).toBeInTheDocument();
});

test("without a project the page says what one is, and a new one is created and opened", async () => {
  const user = userEvent.setup();
  const { calls } = fakeServer({
    "GET /api/projects": list(),
    "POST /api/projects": { status: 201, json: aProject({ id: "p9" }) },
  });
  const others = [{ path: "/projects/:projectId", element: <p>The project</p> }];
  renderPage(<ProjectsPage />, { others });
  expect(await screen.findByText("No projects yet")).toBeInTheDocument();
  await user.click(screen.getAllByRole("button", { name: "New project" })[0] as HTMLElement);
  await user.type(await screen.findByLabelText("Name"), "  Bike app ");
  await user.click(screen.getByRole("button", { name: "Create project" }));
  expect(await screen.findByText("The project")).toBeInTheDocument();
  const sent = calls.find((call) => call.method === "POST")?.body;
  expect(sent).toEqual({ name: "Bike app", description: "" });
});

test("a name is asked for before anything is sent, and what the server finds wrong is at its field", async () => {
  const user = userEvent.setup();
  const details = [{ field: "name", message: "is taken" }];
  const { calls } = fakeServer({
    "GET /api/projects": list(),
    "POST /api/projects": { status: 422, json: { error: { code: "INVALID", message: "No.", details } } },
  });
  renderPage(<ProjectsPage />);
  await user.click((await screen.findAllByRole("button", { name: "New project" }))[0] as HTMLElement);
  await user.click(await screen.findByRole("button", { name: "Create project" }));
  expect(await screen.findByText("Enter a name.")).toBeInTheDocument();
  expect(calls.some((call) => call.method === "POST")).toBe(false);
  await user.type(screen.getByLabelText("Name"), "Bike app");
  await user.click(screen.getByRole("button", { name: "Create project" }));
  await waitFor(() => expect(screen.getByLabelText("Name")).toHaveAccessibleDescription("is taken"));
});

test("projects that cannot be loaded are told with the request's id", async () => {
  const error = { code: "INTERNAL", message: "Something broke.", details: null, requestId: "q-77" };
  fakeServer({ "GET /api/projects": { status: 500, json: { error } } });
  renderPage(<ProjectsPage />);
  expect(await screen.findByText("Something broke.")).toBeInTheDocument();
  expect(screen.getByText("Request q-77")).toBeInTheDocument();
});
