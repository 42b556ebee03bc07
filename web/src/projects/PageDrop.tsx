import { FileUp } from "lucide-react";
import { type DragEvent, type ReactNode, useRef, useState } from "react";

import s from "./PageDrop.module.css";

/** Accepts a file dropped anywhere on the page. */
export function PageDrop({ onFile, children }: { onFile: (file: File) => void; children: ReactNode }) {
  const [over, setOver] = useState(false);
  // drag events fire for children too: count enter and leave
  const depth = useRef(0);
  const enter = (event: DragEvent) => {
    if (!hasFile(event)) return;
    depth.current += 1;
    setOver(true);
  };
  const leave = () => {
    depth.current = Math.max(0, depth.current - 1);
    setOver(depth.current > 0);
  };
  const drop = (event: DragEvent) => {
    if (!hasFile(event)) return;
    event.preventDefault();
    depth.current = 0;
    setOver(false);
    const file = event.dataTransfer.files[0];
    if (file) onFile(file);
  };
  return (
    // dropping is a shortcut for the pointer; the button “Import” does the same
    // eslint-disable-next-line jsx-a11y/no-static-element-interactions
    <div
      className={s.page}
      onDragEnter={enter}
      onDragLeave={leave}
      onDragOver={(event) => hasFile(event) && event.preventDefault()}
      onDrop={drop}
    >
      {children}
      {over && (
        <div className={s.over}>
          <p className={s.message}>
            <FileUp size={22} aria-hidden /> Drop the file to preview its cards
          </p>
        </div>
      )}
    </div>
  );
}

const hasFile = (event: DragEvent) => event.dataTransfer.types.includes("Files");
