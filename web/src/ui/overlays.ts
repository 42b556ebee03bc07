/** All that lies above the page, in one chunk that comes after it: `overlay.ts`. */
export { ConfirmBox } from "./ConfirmBox";
export { DialogBox } from "./DialogBox";
export { MenuBox, MenuItem, MenuLabel, MenuRadio, MenuRadioGroup, MenuSeparator } from "./MenuBox";
export { SelectBox } from "./SelectBox";
export { ToastList } from "./ToastList";
