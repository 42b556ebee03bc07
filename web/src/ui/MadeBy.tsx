import s from "./MadeBy.module.css";

type Origin = string | null;

/** Origin of an item in words; null for an item of an earlier release. */
export function originText(madeBy: Origin): string | null {
  switch (madeBy) {
    case null:
      return null;
    case "import":
      return "Imported";
    case "person":
      return "Added by a person";
    case "mock":
      return "Made by the mock model";
    default:
      return `Made by ${madeBy}`;
  }
}

/** Line with the origin of an item. */
export function MadeBy({ madeBy }: { madeBy: Origin }) {
  const text = originText(madeBy);
  return text && <p className={s.line}>{text}</p>;
}

/** Quiet mark of output of the mock model, for rows and headings. */
export function MockMark({ madeBy }: { madeBy: Origin }) {
  if (madeBy !== "mock") return null;
  return (
    <span className={s.mark} title="Made by the mock model">
      <span className="visually-hidden">Made by the </span>mock
      <span className="visually-hidden"> model</span>
    </span>
  );
}
