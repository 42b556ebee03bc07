import { useLayoutEffect, useRef } from "react";

import s from "./Checks.module.css";

/** Distance from the end, in pixels, at which a reader follows the log. */
const NEAR_END = 80;

type Props = { text: string; label: string; isLive: boolean };

/** Log of a command. A live one follows its end, unless the reader has scrolled up. */
export function CommandLog({ text, label, isLive }: Props) {
  const log = useRef<HTMLPreElement>(null);
  const isFollowing = useRef(true);
  useLayoutEffect(() => {
    const element = log.current;
    if (element && isLive && isFollowing.current) element.scrollTop = element.scrollHeight;
  }, [text, isLive]);
  return (
    <pre
      ref={log}
      className={s.log}
      role="region"
      aria-label={label}
      // a long log is scrolled by the keyboard too
      // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
        isFollowing.current = scrollHeight - scrollTop - clientHeight < NEAR_END;
      }}
    >
      {text}
    </pre>
  );
}
