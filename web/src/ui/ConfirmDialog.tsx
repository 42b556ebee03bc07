import { Suspense } from "react";

import type { ConfirmProps } from "./ConfirmBox";
import { overlay } from "./overlay";

const ConfirmBox = overlay("ConfirmBox");

/** Confirmation of a destructive action; the focus starts on the dismiss button. */
export function ConfirmDialog(props: ConfirmProps) {
  return (
    props.open && (
      <Suspense>
        <ConfirmBox {...props} />
      </Suspense>
    )
  );
}
