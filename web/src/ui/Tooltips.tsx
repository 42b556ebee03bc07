import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { createPortal } from "react-dom";

import s from "./Tooltips.module.css";

const DELAY_MS = 350;
/** Time for the pointer to move from the button to its tooltip. */
const GRACE_MS = 120;
const GAP_PX = 6;
const MARGIN_PX = 8;

/** The single tooltip of the page, for icon buttons (`data-tooltip`). */
export function Tooltips() {
  const [button, setButton] = useState<HTMLElement | null>(null);
  useEffect(() => watched(setButton), []);
  return button && createPortal(<Tooltip key={button.dataset.tooltip} button={button} />, document.body);
}

function Tooltip({ button }: { button: HTMLElement }) {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (box.current) place(box.current, button.getBoundingClientRect());
  }, [button]);
  return (
    <div ref={box} role="tooltip" className={s.tooltip} data-tooltip-box>
      {button.dataset.tooltip}
    </div>
  );
}

/** Position above the button, or below if there is no space; always within the window. */
function place(box: HTMLElement, around: DOMRect): void {
  const { width, height } = box.getBoundingClientRect();
  const above = around.top - height - GAP_PX;
  const left = around.left + around.width / 2 - width / 2;
  const last = document.documentElement.clientWidth - width - MARGIN_PX;
  box.style.top = `${above < MARGIN_PX ? around.bottom + GAP_PX : above}px`;
  box.style.left = `${Math.max(MARGIN_PX, Math.min(left, last))}px`;
}

/** Track the hovered or focused button. Escape, a press and scrolling hide the tooltip. Returns a cleanup. */
function watched(show: (button: HTMLElement | null) => void): () => void {
  const stop = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const after = (ms: number, button: HTMLElement | null) => {
    clearTimeout(timer);
    timer = setTimeout(() => show(button), ms);
  };
  const on = <K extends keyof DocumentEventMap>(name: K, hear: (event: DocumentEventMap[K]) => void) =>
    document.addEventListener(name, hear, { signal: stop.signal, capture: true, passive: true });
  on("pointerover", ({ target, pointerType }) => {
    if (pointerType === "touch" || !(target instanceof Element)) return;
    const button = target.closest<HTMLElement>("[data-tooltip]");
    // the tooltip stays while the pointer is on it
    if (target.closest("[data-tooltip-box]")) clearTimeout(timer);
    else after(button ? DELAY_MS : GRACE_MS, button);
  });
  on("focusin", ({ target }) => {
    const isSeen = target instanceof HTMLElement && target.matches("[data-tooltip]:focus-visible");
    after(0, isSeen ? target : null);
  });
  on("keydown", ({ key }) => key === "Escape" && after(0, null));
  for (const name of ["pointerdown", "scroll"] as const) on(name, () => after(0, null));
  return () => {
    clearTimeout(timer);
    stop.abort();
  };
}
