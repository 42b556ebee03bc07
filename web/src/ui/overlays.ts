/** All overlays in one lazy chunk; see `overlay.tsx`. */
export { ConfirmBox } from "./ConfirmBox";
export { DialogBox } from "./DialogBox";
export { MenuBox, MenuItem, MenuLabel, MenuRadio, MenuRadioGroup, MenuSeparator } from "./MenuBox";
export { SelectBox } from "./SelectBox";
export { ToastList } from "./ToastList";
