import s from "./ProgressBar.module.css";

export type Segments = { total: number; done: number; failed: number; skipped: number; active: number };

type Props = { label: string; segments: Segments; thin?: boolean };

/** Segmented bar: done, skipped, failed, and striped for active. */
export function ProgressBar({ label, segments, thin = false }: Props) {
  const { total, done, failed, skipped, active } = segments;
  // keep small segments visible
  const share = (count: number) => ({
    width: total === 0 ? "0%" : `${(100 * count) / total}%`,
    minWidth: count > 0 ? 4 : 0,
  });
  return (
    <div
      className={`${s.bar} ${thin ? s.thin : ""}`}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={total}
      aria-valuenow={done + failed + skipped}
      aria-valuetext={describeSegments(segments)}
    >
      <span className={s.done} style={share(done)} />
      <span className={s.skipped} style={share(skipped)} />
      <span className={s.failed} style={share(failed)} />
      <span className={s.active} style={share(active)} />
    </div>
  );
}

/** "12 of 40 done, 1 failed, 3 in progress" */
export function describeSegments({ total, done, failed, skipped, active }: Segments): string {
  const parts = [`${done} of ${total} done`];
  if (skipped) parts.push(`${skipped} skipped`);
  if (failed) parts.push(`${failed} failed`);
  if (active) parts.push(`${active} in progress`);
  return parts.join(", ");
}
