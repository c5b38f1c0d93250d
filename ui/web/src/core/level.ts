// The six levels of a log line, their order, and how the many spellings that senders use map onto them.
// The collector normalises `log.level` when it counts; this does the same for the text of one row.

export const LEVELS = ["fatal", "error", "warn", "info", "debug", "trace"] as const;

/** A normalised level; `none` stands for a line that carries none (or one nobody knows). */
export type Level = (typeof LEVELS)[number] | "none";

/** Bottom to top of a stacked bar: the loud levels stand on the axis, where they can be compared. */
export const STACK_ORDER: readonly Level[] = [...LEVELS, "none"];

const SPELLINGS = new Map<string, Level>(
  Object.entries({
    fatal: "fatal",
    critical: "fatal",
    crit: "fatal",
    alert: "fatal",
    emerg: "fatal",
    emergency: "fatal",
    panic: "fatal",
    error: "error",
    err: "error",
    severe: "error",
    e: "error",
    warn: "warn",
    warning: "warn",
    w: "warn",
    info: "info",
    information: "info",
    informational: "info",
    notice: "info",
    i: "info",
    debug: "debug",
    dbg: "debug",
    fine: "debug",
    d: "debug",
    trace: "trace",
    verbose: "trace",
    finest: "trace",
    t: "trace",
  } as const),
);

/** The level that a value names, or `none`. */
export function levelOf(value: unknown): Level {
  if (typeof value !== "string") return "none";
  return SPELLINGS.get(value.trim().toLowerCase()) ?? "none";
}
