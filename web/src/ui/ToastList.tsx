import { CircleAlert, CircleCheck, X } from "lucide-react";
import { Toast } from "radix-ui";
import { useSyncExternalStore } from "react";

import { toast } from "./toast";
import s from "./Toasts.module.css";

export function ToastList() {
  const toasts = useSyncExternalStore(toast.subscribe, toast.all);
  return (
    <Toast.Provider swipeDirection="right" duration={6000}>
      {toasts.map(({ id, title, description, tone }) => (
        <Toast.Root
          key={id}
          className={`${s.toast} ${s[tone]}`}
          type={tone === "error" ? "foreground" : "background"}
          onOpenChange={(open) => !open && toast.dismiss(id)}
        >
          {tone === "ok" ? <CircleCheck size={18} aria-hidden /> : <CircleAlert size={18} aria-hidden />}
          <div className={s.body}>
            <Toast.Title className={s.title}>{title}</Toast.Title>
            {description && <Toast.Description className={s.description}>{description}</Toast.Description>}
          </div>
          <Toast.Close className={s.close} aria-label="Dismiss">
            <X size={16} aria-hidden />
          </Toast.Close>
        </Toast.Root>
      ))}
      <Toast.Viewport className={s.viewport} />
    </Toast.Provider>
  );
}
