// The icons: 16 × 16 line drawings in the colour of their text. They are always decoration; the control names itself.

const PATHS = {
  search: "M7 12.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11ZM11 11l3.5 3.5",
  left: "M10 3 5 8l5 5",
  right: "M6 3l5 5-5 5",
  down: "M3.5 6 8 10.5 12.5 6",
  close: "M3.5 3.5l9 9M12.5 3.5l-9 9",
  clock: "M8 14.5a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13ZM8 4.5V8l2.5 1.5",
  zoomOut: "M7 12.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11ZM11 11l3.5 3.5M4.8 7h4.4",
  play: "M5 3v10l8-5Z",
  pause: "M5 3v10M11 3v10",
  history: "M2 8a6 6 0 1 0 2-4.5M2 2v3h3M8 5v3.2l2 1.3",
  plus: "M8 3v10M3 8h10",
  minus: "M3 8h10",
  column: "M2.5 2.5h11v11h-11ZM8 2.5v11",
  copy: "M5.5 5.5h8v8h-8ZM2.5 10.5v-8h8",
  link: "M6.5 9.5l3-3M7 4.5l1.5-1.5a3.2 3.2 0 0 1 4.5 4.5L11.5 9M9 11.5 7.5 13A3.2 3.2 0 0 1 3 8.5L4.5 7",
  wrap: "M2 3.5h12M2 8h9.5a2.3 2.3 0 0 1 0 4.5H8M9.5 10.7 7.7 12.5l1.8 1.8M2 12.5h3",
  sun: "M8 10.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6ZM8 1v1.6M8 13.4V15M1 8h1.6M13.4 8H15M3 3l1.2 1.2M11.8 11.8 13 13M13 3l-1.2 1.2M4.2 11.8 3 13",
  moon: "M13.5 9.8A6 6 0 0 1 6.2 2.5a6 6 0 1 0 7.3 7.3Z",
  auto: "M8 14.5a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13ZM8 1.5v13M10 3.2v9.6M12 5v6",
  help: "M5.8 6a2.2 2.2 0 1 1 3.3 1.9c-.7.4-1.1.9-1.1 1.7M8 12.3v.2",
  panel: "M2 2.5h12v11H2ZM6 2.5v11",
  chart: "M2 14h12M4 11.5V8M7 11.5V4M10 11.5V6.5M13 11.5V9",
  table: "M2 3h12v10H2ZM2 6.5h12M2 10h12M6.5 6.5V13",
  download: "M8 2v8M4.5 7 8 10.5 11.5 7M2.5 13.5h11",
  refresh: "M13.5 8a5.5 5.5 0 1 1-1.7-4M13.5 1.5V5H10",
  around: "M2 3.5h7M2 12.5h7M2 8h12M12 6l2 2-2 2",
  up: "M3.5 10 8 5.5l4.5 4.5",
} as const;

export type IconName = keyof typeof PATHS;

export const Icon = ({ name }: { name: IconName }) => (
  <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
    <path d={PATHS[name]} />
  </svg>
);

/** The mark of the product: still water. */
export const Mark = () => (
  <svg class="mark" viewBox="0 0 32 32" width="22" height="22" aria-hidden="true" focusable="false">
    <rect class="mark-ground" width="32" height="32" rx="7" />
    <path class="mark-wave" d="M6 12.5c3.3-3 6.7-3 10 0s6.7 3 10 0" />
    <path class="mark-wave mark-faint" d="M6 20.5c3.3-3 6.7-3 10 0s6.7 3 10 0" />
  </svg>
);
