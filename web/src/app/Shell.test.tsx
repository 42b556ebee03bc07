import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useEffect, useState } from "react";
import { Link, Outlet, useSearchParams } from "react-router";
import { expect, test } from "vitest";

import { renderPage } from "@/testing/render";
import { usePageTitle } from "@/ui/usePageTitle";

import { Shell } from "./Shell";

function Listed() {
  usePageTitle("Projects");
  const [search, setSearch] = useSearchParams();
  return (
    <>
      <h1>Projects</h1>
      <button onClick={() => setSearch({ section: "epics" })}>Epics {search.get("section")}</button>
      <Link to="/projects/p1">Bikes</Link>
    </>
  );
}

/** Its heading comes later than the page, with its data. */
function Slow() {
  const [isThere, setThere] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setThere(true), 20);
    return () => clearTimeout(timer);
  }, []);
  usePageTitle(isThere ? "Bikes" : "Project");
  return isThere ? <h1>Bikes</h1> : <p>Loading</p>;
}

function Parts() {
  usePageTitle("A plan");
  return (
    <>
      <h1>A plan</h1>
      <Link to="/plans/one/history">History</Link>
      <Outlet />
    </>
  );
}

function open(at = "/") {
  const pages = [
    { index: true, element: <Listed /> },
    { path: "projects/:projectId", element: <Slow /> },
    { path: "plans/one", element: <Parts />, children: [{ path: "history", element: <p>Versions</p> }] },
  ];
  const others = [{ element: <Shell />, children: pages }];
  return renderPage(<p />, { path: "/none", at, others });
}

test("the first load leaves the focus where a browser puts it, and tells nothing twice", async () => {
  open();
  expect(await screen.findByRole("heading", { name: "Projects" })).not.toHaveFocus();
  expect(document.body).toHaveFocus();
  expect(screen.queryByText("Projects · Groundwork")).not.toBeInTheDocument();
});

test("a change of page focuses its heading once that is there, and tells its title", async () => {
  const user = userEvent.setup();
  open();
  await user.click(await screen.findByRole("link", { name: "Bikes" }));
  await waitFor(() => expect(screen.getByRole("heading", { name: "Bikes" })).toHaveFocus());
  expect(await screen.findByText("Bikes · Groundwork")).toHaveAttribute("role", "status");
});

test("a change of the query alone moves nothing", async () => {
  const user = userEvent.setup();
  open();
  const button = await screen.findByRole("button", { name: /^Epics/ });
  await user.click(button);
  expect(await screen.findByRole("button", { name: "Epics epics" })).toHaveFocus();
});

test("another part of the same page leaves the focus on the tab that chose it", async () => {
  const user = userEvent.setup();
  open("/plans/one");
  await user.click(await screen.findByRole("link", { name: "History" }));
  expect(await screen.findByText("Versions")).toBeInTheDocument();
  expect(screen.getByRole("link", { name: "History" })).toHaveFocus();
});
