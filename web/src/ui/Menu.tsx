import {
  type ButtonHTMLAttributes,
  cloneElement,
  type ReactElement,
  type ReactNode,
  Suspense,
  useState,
} from "react";

import { overlay, overlays } from "./overlay";

const MenuBox = overlay("MenuBox");
export const MenuItem = overlay("MenuItem");
export const MenuLabel = overlay("MenuLabel");
export const MenuRadio = overlay("MenuRadio");
export const MenuRadioGroup = overlay("MenuRadioGroup");
export const MenuSeparator = overlay("MenuSeparator");

type Attributes = ButtonHTMLAttributes<HTMLButtonElement> & { "data-state"?: string };
type Props = { trigger: ReactElement; children: ReactNode };

/** Menu. Until it is first opened, only its button is rendered. */
export function Menu({ trigger, children }: Props) {
  const [opened, setOpened] = useState<"pointer" | "keyboard" | null>(null);
  const load = () => void overlays();
  const button = cloneElement(trigger as ReactElement<Attributes>, {
    "aria-haspopup": "menu",
    "aria-expanded": false,
    "data-state": "closed",
    onPointerEnter: load,
    onFocus: load,
    // a click from the keyboard has no position
    onClick: (event) => setOpened(event.detail === 0 ? "keyboard" : "pointer"),
    onKeyDown: (event) => {
      if (event.key !== "ArrowDown") return;
      event.preventDefault();
      setOpened("keyboard");
    },
  });
  if (opened === null) return button;
  return (
    <Suspense fallback={button}>
      <MenuBox trigger={trigger} isByKeyboard={opened === "keyboard"}>
        {children}
      </MenuBox>
    </Suspense>
  );
}
