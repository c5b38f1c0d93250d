// A button that is only an icon: it always has a name for those who can't see it, and says its key.

import { Icon, type IconName } from "./icons";

interface IconButtonProps {
  icon: IconName;
  label: string;
  /** What the tooltip says, the key included; the label if there is none. */
  title?: string | undefined;
  /** For a button that switches something on and off. */
  pressed?: boolean | undefined;
  disabled?: boolean | undefined;
  /** Leaves the focus where it is. */
  keepFocus?: boolean | undefined;
  onClick(): void;
}

export function IconButton({ icon, label, title = label, pressed, disabled, keepFocus, onClick }: IconButtonProps) {
  return (
    <button
      type="button"
      class={pressed ? "icon-button on" : "icon-button"}
      title={title}
      aria-label={label}
      aria-pressed={pressed}
      disabled={disabled}
      onMouseDown={keepFocus ? (event) => event.preventDefault() : undefined}
      onClick={onClick}
    >
      <Icon name={icon} />
    </button>
  );
}
