// Numbers for people.

const GROUPED = new Intl.NumberFormat("en-US");

/** `1,234,567`. */
export const formatCount = (n: number): string => GROUPED.format(n);

/** `950`, `1.2k`, `34k`, `5.6M`: for axes. */
export function formatShort(n: number): string {
  for (const [size, unit] of [
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ] as const) {
    if (n >= size) return `${(n / size).toFixed(n / size < 10 && n % size !== 0 ? 1 : 0)}${unit}`;
  }
  return String(n);
}

/** `12.5 %`; what is there but small is never shown as 0. */
export function formatPercent(part: number, whole: number): string {
  if (whole <= 0) return "0 %";
  const percent = (100 * part) / whole;
  if (part > 0 && percent < 0.1) return "<0.1 %";
  return `${percent >= 99.95 ? "100" : percent.toFixed(1)} %`;
}

export const plural = (n: number, one: string, many = `${one}s`): string => `${formatCount(n)} ${n === 1 ? one : many}`;

/** A remark of the collector as a sentence: it begins with a capital, and after a word it ends with a full stop. */
export function sentence(text: string): string {
  const said = text.trim();
  if (said === "") return "";
  return `${said.charAt(0).toUpperCase()}${said.slice(1)}${/[\p{L}\p{N}]$/u.test(said) ? "." : ""}`;
}
