import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";

import { token } from "@/api/token";
import { SignedIn } from "@/app/SignedIn";
import { renderPage } from "@/testing/render";
import { fakeServer } from "@/testing/server";

import { Component as SignInPage } from "./SignInPage";

const others = [{ path: "/sign-in", element: <SignInPage /> }];
const page = (
  <SignedIn>
    <p>The plans</p>
  </SignedIn>
);
const open = () => renderPage(page, { path: "/plans", at: "/plans?x=1", others });

test("without a token one is led to sign-in, and back to where one was", async () => {
  const user = userEvent.setup();
  const { calls } = fakeServer({ "GET /api/projects": { json: { items: [], nextToken: null } } });
  const { router } = open();
  await user.type(await screen.findByLabelText("Access token"), " secret{Enter}");
  expect(await screen.findByText("The plans")).toBeInTheDocument();
  expect(router.state.location.search).toBe("?x=1");
  expect(calls[0]?.headers.get("authorization")).toBe("Bearer secret");
  expect(sessionStorage.getItem("groundwork.token")).toBe("secret");
  expect(localStorage).toHaveLength(0);
});

test("a token the server does not take is said to be so, and not kept", async () => {
  const user = userEvent.setup();
  fakeServer({ "GET /api/projects": { status: 403, json: { message: "Forbidden" } } });
  open();
  await user.type(await screen.findByLabelText("Access token"), "wrong{Enter}");
  expect(await screen.findByText("The server does not accept this token.")).toBeInTheDocument();
  expect(token.get()).toBeNull();
});

test("a server that is not there is not taken for a wrong token", async () => {
  const user = userEvent.setup();
  fakeServer({
    "GET /api/projects": () => {
      throw new TypeError("Failed to fetch");
    },
  });
  open();
  await user.type(await screen.findByLabelText("Access token"), "good{Enter}");
  expect(await screen.findByText("The server cannot be reached.")).toBeInTheDocument();
});

test("a session that ends in the middle leads to sign-in, which says why", async () => {
  token.set("old");
  open();
  expect(await screen.findByText("The plans")).toBeInTheDocument();
  token.refuse();
  expect(await screen.findByText(/no longer accepts your token/)).toBeInTheDocument();
});
