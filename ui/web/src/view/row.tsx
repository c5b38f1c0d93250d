// One row of the list: time, level, columns. Text only, cut to what a row can show.

import {
  cutText,
  levelFieldOf,
  levelOfDoc,
  MESSAGE_COLUMN,
  messageText,
  SOURCE_COLUMN,
  sourceOf,
  timestampOf,
  valueText,
  type Doc,
} from "../core/doc";
import { formatExact, formatRowTime, type RowDate, type Zone } from "../core/time";
import { LogText } from "./message";

interface RowProps {
  doc: Doc;
  index: number;
  columns: readonly string[];
  zone: Zone;
  date: RowDate;
  pattern: RegExp | undefined;
  current: boolean;
  open: boolean;
}

export const rowId = (index: number): string => `row-${index}`;

export function Row({ doc, index, columns, zone, date, pattern, current, open }: RowProps) {
  const level = levelOfDoc(doc);
  const time = timestampOf(doc);
  return (
    <div
      class={`row level-${level}${current ? " current" : ""}${open ? " open" : ""}`}
      role="row"
      id={rowId(index)}
      data-index={index}
      aria-rowindex={index + 2}
      aria-selected={current}
    >
      <time class="cell cell-time" role="gridcell" dateTime={time} title={formatExact(time, zone)}>
        {formatRowTime(time, zone, date)}
      </time>
      <span
        class="cell cell-level"
        role="gridcell"
        title={level === "none" ? undefined : valueText(doc[levelFieldOf(doc)])}
      >
        {level === "none" ? "" : level}
      </span>
      {columns.map((name) => (
        <Cell key={name} doc={doc} name={name} pattern={pattern} />
      ))}
    </div>
  );
}

function Cell({ doc, name, pattern }: { doc: Doc; name: string; pattern: RegExp | undefined }) {
  if (name === MESSAGE_COLUMN) {
    return (
      <span class="cell cell-message" role="gridcell">
        <LogText text={cutText(messageText(doc))} pattern={pattern} />
      </span>
    );
  }
  if (name === SOURCE_COLUMN) {
    const { service, host } = sourceOf(doc);
    return (
      <span class="cell cell-source" role="gridcell" title={[service, host].filter((part) => part !== "").join(" on ")}>
        <span>{service}</span>
        {host !== "" && (
          <span class="cell-host">
            {service === "" ? "" : " "}
            {host}
          </span>
        )}
      </span>
    );
  }
  return (
    <span class="cell cell-field" role="gridcell">
      <LogText text={cutText(valueText(doc[name]), 500)} pattern={undefined} />
    </span>
  );
}
