// A button with a panel under it: opens on click, closes on Escape (focus goes back) or a press anywhere else.

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Signal } from "@preact/signals";

interface PopoverProps {
  open: Signal<boolean>;
  label: string;
  title?: string;
  buttonClass?: string;
  panelClass?: string;
  button: ComponentChildren;
  children: ComponentChildren;
}

export function Popover({
  open,
  label,
  title,
  buttonClass = "button",
  panelClass = "",
  button,
  children,
}: PopoverProps) {
  const root = useRef<HTMLDivElement>(null);
  const trigger = useRef<HTMLButtonElement>(null);
  const isOpen = open.value;

  useEffect(() => {
    if (!isOpen) return;
    const onPress = (event: PointerEvent): void => {
      if (event.target instanceof Node && !root.current?.contains(event.target)) open.value = false;
    };
    document.addEventListener("pointerdown", onPress);
    root.current?.querySelector<HTMLElement>("[data-autofocus]")?.focus();
    return () => document.removeEventListener("pointerdown", onPress);
  }, [isOpen]);

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== "Escape" || !isOpen) return;
    event.stopPropagation();
    open.value = false;
    trigger.current?.focus();
  };

  return (
    <div class="popover" ref={root} onKeyDown={onKeyDown}>
      <button
        ref={trigger}
        type="button"
        class={buttonClass}
        title={title ?? label}
        aria-label={label}
        aria-haspopup="dialog"
        aria-expanded={isOpen}
        onClick={() => (open.value = !isOpen)}
      >
        {button}
      </button>
      {isOpen && (
        <div class={`popover-panel ${panelClass}`} role="dialog" aria-label={label}>
          {children}
        </div>
      )}
    </div>
  );
}
