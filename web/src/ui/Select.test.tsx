import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { expect, test } from "vitest";

import { Select } from "./Select";

const SIZES = [
  { value: "s", label: "Small" },
  { value: "l", label: "Large" },
];

function Shown() {
  const [value, setValue] = useState("s");
  return <Select label="Size" value={value} onValueChange={setValue} options={SIZES} />;
}

test("a select shows its value before its code is there", () => {
  render(<Shown />);
  expect(screen.getByRole("combobox", { name: "Size" })).toHaveTextContent("Small");
});

test.each(["{Enter}", " ", "{ArrowDown}"])("the key %s opens it where its value is", async (key) => {
  const user = userEvent.setup();
  render(<Shown />);
  screen.getByRole("combobox").focus();
  await user.keyboard(key);
  await waitFor(() => expect(screen.getByRole("option", { name: "Small" })).toHaveFocus());
  await user.keyboard("{ArrowDown}{Enter}");
  await waitFor(() => expect(screen.getByRole("combobox")).toHaveTextContent("Large"));
  expect(screen.getByRole("combobox")).toHaveFocus();
});

test("a click opens it, also when it has been opened before", async () => {
  const user = userEvent.setup();
  render(<Shown />);
  for (const name of ["Large", "Small"]) {
    await user.click(screen.getByRole("combobox"));
    await user.click(await screen.findByRole("option", { name }));
    await waitFor(() => expect(screen.getByRole("combobox")).toHaveTextContent(name));
  }
});
