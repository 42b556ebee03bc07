import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";

import { Menu, MenuItem } from "./Menu";

function shown(onSelect: () => void) {
  render(
    <Menu trigger={<button type="button">More</button>}>
      <MenuItem onSelect={onSelect}>First</MenuItem>
      <MenuItem onSelect={() => undefined}>Second</MenuItem>
    </Menu>,
  );
  return screen.getByRole("button", { name: "More" });
}

test("a menu is announced as one before its code is there", () => {
  const button = shown(() => undefined);
  expect(button).toHaveAttribute("aria-haspopup", "menu");
  expect(button).toHaveAttribute("aria-expanded", "false");
});

test.each(["{Enter}", " ", "{ArrowDown}"])(
  "the key %s opens it with its first item in focus",
  async (key) => {
    const user = userEvent.setup();
    const onSelect = vi.fn();
    shown(onSelect).focus();
    await user.keyboard(key);
    await waitFor(() => expect(screen.getByRole("menuitem", { name: "First" })).toHaveFocus());
    await user.keyboard("{Enter}");
    expect(onSelect).toHaveBeenCalledOnce();
    await waitFor(() => expect(screen.getByRole("button", { name: "More" })).toHaveFocus());
  },
);

test("a click opens it, also when it has been opened before", async () => {
  const user = userEvent.setup();
  const onSelect = vi.fn();
  await user.click(shown(onSelect));
  await user.click(await screen.findByRole("menuitem", { name: "First" }));
  await user.click(screen.getByRole("button", { name: "More" }));
  await user.click(await screen.findByRole("menuitem", { name: "First" }));
  expect(onSelect).toHaveBeenCalledTimes(2);
});
