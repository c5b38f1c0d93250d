// Short notes to the user: a toast that fades, and a live region that screen readers speak.

import { signal } from "@preact/signals";

const TOAST_MS = 2_200;

const toastText = signal("");
const spokenText = signal("");
let timer: ReturnType<typeof setTimeout> | undefined;

export function toast(text: string): void {
  toastText.value = text;
  announce(text);
  clearTimeout(timer);
  timer = setTimeout(() => (toastText.value = ""), TOAST_MS);
}

/** Says something to screen readers only. */
export function announce(text: string): void {
  spokenText.value = text;
}

/** Puts a text on the clipboard, also where the page has no secure context. */
export async function copyText(text: string, what: string): Promise<void> {
  let done = false;
  try {
    await navigator.clipboard.writeText(text);
    done = true;
  } catch {
    done = copyBySelection(text);
  }
  toast(done ? `${what} copied` : "The browser refused to copy");
}

function copyBySelection(text: string): boolean {
  const focused = document.activeElement;
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "offscreen";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  return done;
}

export const Notices = () => (
  <>
    <div class="offscreen" role="status" aria-live="polite">
      {spokenText.value}
    </div>
    <div class={toastText.value === "" ? "toast" : "toast shown"} aria-hidden="true">
      {toastText.value}
    </div>
  </>
);
