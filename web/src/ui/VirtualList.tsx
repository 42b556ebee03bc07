import { useVirtualizer, useWindowVirtualizer } from "@tanstack/react-virtual";
import { type CSSProperties, type ReactNode, useLayoutEffect, useRef, useState } from "react";

import s from "./VirtualList.module.css";

type Props = {
  label: string;
  count: number;
  /** Estimated height of a row in pixels; rows are measured when they are rendered. */
  rowHeight: number;
  keyOf: (index: number) => string;
  children: (index: number) => ReactNode;
  /** Called when the last rows become visible. */
  onEnd?: (() => void) | undefined;
};

/** Virtual list scrolling with the page. */
export function VirtualList({ label, count, rowHeight, keyOf, children, onEnd }: Props) {
  const list = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    // content above the list may change its height at any time
    const measure = () =>
      setTop(Math.round((list.current?.getBoundingClientRect().top ?? 0) + window.scrollY));
    const observer = new ResizeObserver(measure);
    observer.observe(document.body);
    measure();
    return () => observer.disconnect();
  }, []);
  const rows = useWindowVirtualizer({
    count,
    estimateSize: () => rowHeight,
    getItemKey: keyOf,
    overscan: 8,
    scrollMargin: top,
    onChange: ({ range }) => {
      if (range && range.endIndex >= count - 10) onEnd?.();
    },
  });
  return (
    <div ref={list} role="list" aria-label={label} className={s.list} style={{ height: rows.getTotalSize() }}>
      {rows.getVirtualItems().map((row) => (
        <div
          key={row.key}
          role="listitem"
          aria-setsize={count}
          aria-posinset={row.index + 1}
          data-index={row.index}
          ref={rows.measureElement}
          className={s.row}
          style={{ transform: `translateY(${row.start - top}px)` }}
        >
          {children(row.index)}
        </div>
      ))}
    </div>
  );
}

type TableProps = Omit<Props, "onEnd"> & {
  columns: { name: string; align?: "end" }[];
  /** grid-template-columns of header and rows; `narrow` is for phones, without a header. */
  template: string;
  narrow: string;
  /** The cells of a row, each with role="cell". */
  children: (index: number) => ReactNode;
};

/** Long table in a scroll box, with its header always visible. */
export function VirtualTable({
  label,
  count,
  rowHeight,
  keyOf,
  columns,
  template,
  narrow,
  children,
}: TableProps) {
  const box = useRef<HTMLDivElement>(null);
  // eslint-disable-next-line react-hooks/incompatible-library -- the compiler is not used
  const rows = useVirtualizer({
    count,
    estimateSize: () => rowHeight,
    getItemKey: keyOf,
    getScrollElement: () => box.current,
    overscan: 12,
  });
  const grid = { "--columns": template, "--narrow": narrow } as CSSProperties;
  return (
    // a scroll box must be reachable by keyboard
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div ref={box} className={s.box} role="region" aria-label={label} tabIndex={0} style={grid}>
      <div role="table" aria-label={label} aria-rowcount={count + 1}>
        <div role="rowgroup" className={s.head}>
          <div role="row" aria-rowindex={1} className={s.columns}>
            {columns.map(({ name, align }) => (
              <span key={name} role="columnheader" className={align === "end" ? s.end : undefined}>
                {name}
              </span>
            ))}
          </div>
        </div>
        <div role="rowgroup" className={s.list} style={{ height: rows.getTotalSize() }}>
          {rows.getVirtualItems().map((row) => (
            <div
              key={row.key}
              role="row"
              aria-rowindex={row.index + 2}
              data-index={row.index}
              ref={rows.measureElement}
              className={`${s.row} ${s.columns} ${s.line}`}
              style={{ transform: `translateY(${row.start}px)` }}
            >
              {children(row.index)}
            </div>
          ))}
        </div>
      </div>
    </div>
  );
}
