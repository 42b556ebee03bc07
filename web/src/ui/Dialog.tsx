import { Suspense } from "react";

import type { DialogProps } from "./DialogBox";
import { overlay } from "./overlay";

const DialogBox = overlay("DialogBox");

export function Dialog(props: DialogProps) {
  return (
    props.open && (
      <Suspense>
        <DialogBox {...props} />
      </Suspense>
    )
  );
}
