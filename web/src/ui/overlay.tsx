import { type ComponentProps, type ComponentType, createElement, lazy, useState } from "react";

type Overlays = typeof import("./overlays");
let coming: Promise<Overlays> | undefined;
let here: Overlays | undefined;

/** Load the code of dialogs, menus, selects and toasts: after the page, or on first use. */
export function overlays(): Promise<Overlays> {
  coming ??= import("./overlays").then(
    (all) => (here = all),
    (error: unknown) => {
      // retry on the next call
      coming = undefined;
      throw error;
    },
  );
  return coming;
}

/** Lazy overlay component; suspends until its code is loaded. */
export function overlay<K extends keyof Overlays>(name: K) {
  type Props = ComponentProps<Overlays[K]>;
  const find = (all: Overlays) => all[name] as ComponentType<Props>;
  return function Overlay(props: Props) {
    const [part] = useState(() =>
      here ? find(here) : lazy(async () => ({ default: find(await overlays()) })),
    );
    return createElement(part as ComponentType<object>, props as object);
  };
}
