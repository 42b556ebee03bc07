import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { Pencil } from "lucide-react";
import { expect, test } from "vitest";

import { IconButton } from "./Button";
import { Tooltips } from "./Tooltips";

function shown() {
  render(
    <>
      <IconButton label="Edit" icon={Pencil} />
      <button type="button">Other</button>
      <Tooltips />
    </>,
  );
  return screen.getByRole("button", { name: "Edit" });
}

test("a button that shows only an icon says its name to the pointer, as long as that is there", async () => {
  const user = userEvent.setup();
  await user.hover(shown());
  expect(await screen.findByRole("tooltip")).toHaveTextContent("Edit");
  await user.hover(screen.getByRole("tooltip"));
  expect(screen.getByRole("tooltip")).toBeInTheDocument();
  await user.hover(screen.getByRole("button", { name: "Other" }));
  await waitFor(() => expect(screen.queryByRole("tooltip")).toBeNull());
});

test("Escape takes it away", async () => {
  const user = userEvent.setup();
  await user.hover(shown());
  await screen.findByRole("tooltip");
  await user.keyboard("{Escape}");
  await waitFor(() => expect(screen.queryByRole("tooltip")).toBeNull());
});

test("a finger sees none: it would cover what it points at", async () => {
  const button = shown();
  fireEvent.pointerOver(button, { pointerType: "touch" });
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(screen.queryByRole("tooltip")).toBeNull();
});
