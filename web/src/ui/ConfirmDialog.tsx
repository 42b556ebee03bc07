import { Suspense } from "react";

import type { ConfirmProps } from "./ConfirmBox";
import { overlay } from "./overlay";

const ConfirmBox = overlay("ConfirmBox");

/** Asks before what cannot be undone; the focus begins on the way out. */
export function ConfirmDialog(props: ConfirmProps) {
  return (
    props.open && (
      <Suspense>
        <ConfirmBox {...props} />
      </Suspense>
    )
  );
}
