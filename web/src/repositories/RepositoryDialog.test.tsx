import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";

import type { Repository } from "@/services/repositories";
import { renderPage } from "@/testing/render";
import { fakeServer } from "@/testing/server";

import { RepositoryDialog } from "./RepositoryDialog";

const SHOP = {
  id: "r1",
  name: "Shop",
  url: "https://github.com/example/shop",
  defaultBranch: "main",
  credentialsSecret: "groundwork/shop",
} as Repository;

function open(repository?: Repository) {
  const server = fakeServer({
    "POST /api/repositories": { status: 201, json: SHOP },
    "PATCH /api/repositories/r1": { json: SHOP },
  });
  const dialog = repository ? (
    <RepositoryDialog repository={repository} onClose={() => undefined} />
  ) : (
    <RepositoryDialog onClose={() => undefined} />
  );
  renderPage(dialog);
  return server;
}

test("a secret outside groundwork/ cannot be saved", async () => {
  const user = userEvent.setup();
  open();
  await user.type(await screen.findByLabelText("Name"), "Shop");
  await user.type(screen.getByLabelText("URL"), SHOP.url);
  expect(screen.getByRole("button", { name: "Add repository" })).toBeEnabled();
  await user.type(screen.getByLabelText("Credentials secret"), "prod/shop");
  expect(screen.getByText("The secret name must start with groundwork/.")).toBeInTheDocument();
  expect(screen.getByRole("button", { name: "Add repository" })).toBeDisabled();
});

test("an edit sends only changed fields", async () => {
  const user = userEvent.setup();
  const { calls } = open(SHOP);
  const name = await screen.findByLabelText("Name");
  await user.clear(name);
  await user.type(name, "Web shop");
  await user.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() =>
    expect(calls.find(({ method }) => method === "PATCH")?.body).toEqual({ name: "Web shop" }),
  );
});

test("a new URL sends the secret again", async () => {
  const user = userEvent.setup();
  const { calls } = open(SHOP);
  await user.type(await screen.findByLabelText("URL"), "-two");
  await user.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() =>
    expect(calls.find(({ method }) => method === "PATCH")?.body).toEqual({
      url: `${SHOP.url}-two`,
      credentialsSecret: "groundwork/shop",
    }),
  );
});
