// What one can press and what one can ask, on one page.

import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

import { shortcutsOn } from "../state/prefs";
import { IconButton } from "./icon-button";

export const helpOpen = signal(false);

const KEYS: readonly (readonly [string, string])[] = [
  ["/", "go to the query"],
  ["Enter", "search (Shift+Enter: new line)"],
  ["j k ↓ ↑", "next, previous row"],
  ["Enter o", "open the row"],
  ["← →", "newer, older document while one is open"],
  ["Esc", "close; back to the list"],
  ["f x", "filter for, filter out the focused field of a document"],
  ["a", "lines of the same source around the document"],
  ["c", "copy the value or the document"],
  ["y", "copy a link"],
  ["t", "time range"],
  ["[ ]", "earlier, later"],
  ["z", "zoom out"],
  ["r", "search again"],
  ["l", "live tail on, off"],
  ["p", "pause, resume the tail"],
  ["w", "wrap long lines"],
  ["b", "fields panel"],
  ["g G", "first, last row"],
  ["?", "this page"],
];

const LANGUAGE: readonly (readonly [string, string])[] = [
  ["timeout refused", "both words, anywhere in the line or its fields"],
  ['"connection refused"', "the phrase"],
  ["level:error", "a level, however it was spelt; level>=warn for the louder ones"],
  ["service:api status>=500", "two conditions"],
  ['host="web-01"', "exactly this value"],
  ["host:web-*", "begins with"],
  ["user.id:*", "the field is there; NOT user.id:* for missing"],
  ["status:[400 TO 499]", "a range; also > >= < <="],
  ["a OR b, NOT c, (…)", "alternatives, negation, groups"],
  ["| stats count() by service", "counts as a table"],
  ["| top 10 path", "the most frequent values"],
];

export function Help() {
  const dialog = useRef<HTMLDialogElement>(null);
  const open = helpOpen.value;
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  return (
    <dialog
      class="help"
      ref={dialog}
      aria-labelledby="help-title"
      onClose={() => (helpOpen.value = false)}
      onClick={(event) => {
        if (event.target === dialog.current) helpOpen.value = false;
      }}
    >
      {open && (
        <div class="help-body">
          <header>
            <h2 id="help-title">Help</h2>
            <IconButton icon="close" label="Close the help" onClick={() => (helpOpen.value = false)} />
          </header>
          <div class="help-columns">
            <section>
              <h3>Queries</h3>
              <dl>
                {LANGUAGE.map(([text, meaning]) => (
                  <div key={text}>
                    <dt>
                      <code>{text}</code>
                    </dt>
                    <dd>{meaning}</dd>
                  </div>
                ))}
              </dl>
            </section>
            <section>
              <h3>Keys</h3>
              <dl>
                {KEYS.map(([keys, meaning]) => (
                  <div key={keys}>
                    <dt>
                      {keys.split(" ").map((key) => (
                        <kbd key={key}>{key}</kbd>
                      ))}
                    </dt>
                    <dd>{meaning}</dd>
                  </div>
                ))}
              </dl>
              <label class="inline-label">
                <input
                  type="checkbox"
                  checked={shortcutsOn.value}
                  onChange={(event) => (shortcutsOn.value = event.currentTarget.checked)}
                />
                Single-letter keys
              </label>
            </section>
          </div>
        </div>
      )}
    </dialog>
  );
}
