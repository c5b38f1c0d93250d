// The page: header, histogram, and under them fields, rows and the open document.

import { effect } from "@preact/signals";

import { plural } from "../core/format";
import { histogramOpen, sidebarOpen, theme, type Theme } from "../state/prefs";
import {
  error,
  histogram,
  isTable,
  loading,
  loadingMore,
  isFull,
  moreError,
  rows,
  showWaiting,
  stale,
  table,
  waiting,
  loadMore,
  hasMore,
} from "../state/search";
import { activeRows } from "../state/selection";
import { tailRows } from "../state/tail";
import { resetView, view } from "../state/view";
import { Drawer } from "./drawer";
import { ErrorStrip, Panel, Reason } from "./empty";
import { Help, helpOpen } from "./help";
import { Histogram } from "./histogram";
import { IconButton } from "./icon-button";
import { Mark, type IconName } from "./icons";
import { toggleLive } from "./keys";
import { List, LIST_ID } from "./list";
import { announce, Notices } from "./notify";
import { QueryBar } from "./query-bar";
import { Sidebar } from "./sidebar";
import { Stats } from "./stats-table";
import { TailBar } from "./tail-bar";
import { TimePicker } from "./time-picker";
import { Toolbar } from "./toolbar";

effect(() => {
  const total = histogram.value?.total;
  if (total !== undefined && !loading.value) announce(`${plural(total, "event")} found`);
});

effect(() => {
  const { q, live } = view.value;
  document.title = `${live ? "● " : ""}${q === "" ? "" : `${q.slice(0, 80)} · `}Millpond`;
});

export function App() {
  const { live } = view.value;
  return (
    <>
      <a
        class="skip"
        href={`#${LIST_ID}`}
        onClick={(event) => {
          event.preventDefault();
          document.getElementById(LIST_ID)?.focus();
        }}
      >
        To the results
      </a>
      <header class="header">
        <a
          class="brand"
          href="./"
          onClick={(event) => {
            event.preventDefault();
            resetView();
          }}
          title="Start over"
        >
          <Mark />
          <h1>Millpond</h1>
        </a>
        <QueryBar />
        {!live && <TimePicker />}
        <button
          type="button"
          class={`button live-button${live ? " on" : ""}`}
          aria-pressed={live}
          title="Live tail  l"
          onClick={toggleLive}
        >
          <span class={live ? "pulse open" : "pulse"} aria-hidden="true" />
          Live
        </button>
        <ThemeButton />
        <IconButton icon="help" title="Help  ?" label="Help" onClick={() => (helpOpen.value = true)} />
      </header>
      {live ? <TailBar /> : histogramOpen.value && <Histogram />}
      <Toolbar />
      <div class="body">
        {sidebarOpen.value && <Sidebar />}
        <Results />
        <Drawer />
      </div>
      <Help />
      <Notices />
    </>
  );
}

function Results() {
  const { live } = view.value;
  void activeRows.value.version.value;
  const asTable = !live && isTable.value && table.value !== undefined;
  const count = asTable ? (table.value?.rows.length ?? 0) : activeRows.value.count;
  const next = waiting.value;
  return (
    <main class={`results${stale.value && !live && count > 0 ? " stale" : ""}`} aria-busy={loading.value}>
      {!live && count > 0 && <ErrorStrip />}
      {next && !live && (
        <button type="button" class="strip news" onClick={showWaiting}>
          {plural(next.count, "new row")}, show
        </button>
      )}
      {live && tailRows.count === 0 && (
        <Panel title="Waiting for new lines">
          <p>What arrives from now on and matches the query appears here within a second.</p>
        </Panel>
      )}
      {!live && <Reason count={count} />}
      {asTable && table.value
        ? count > 0 && <Stats table={table.value} />
        : count > 0 && <List foot={live ? null : <Foot />} />}
    </main>
  );
}

/** The end of the list says what it is: the end, a pause, a limit or a failure. */
function Foot() {
  if (error.value) return null;
  if (moreError.value) {
    return (
      <p class="list-foot bad" role="alert">
        {moreError.value.message}{" "}
        <button type="button" class="link-button" onClick={() => void loadMore()}>
          Try again
        </button>
      </p>
    );
  }
  if (loadingMore.value) return <p class="list-foot">Fetching older rows…</p>;
  if (isFull())
    return (
      <p class="list-foot">
        {plural(rows.count, "row")} are loaded, as much as the page holds; narrow the search or the time range to see
        older ones.
      </p>
    );
  return hasMore() ? null : <p class="list-foot">The oldest row of this range.</p>;
}

interface ThemeChoice {
  value: Theme;
  icon: IconName;
  label: string;
}

const AUTO: ThemeChoice = { value: "auto", icon: "auto", label: "Theme: as the system" };
const LIGHT: ThemeChoice = { value: "light", icon: "sun", label: "Theme: light" };
const DARK: ThemeChoice = { value: "dark", icon: "moon", label: "Theme: dark" };

/** What is on, and what the next press brings. */
const THEMES: Readonly<Record<Theme, readonly [ThemeChoice, ThemeChoice]>> = {
  auto: [AUTO, LIGHT],
  light: [LIGHT, DARK],
  dark: [DARK, AUTO],
};

function ThemeButton() {
  const [now, next] = THEMES[theme.value];
  return <IconButton icon={now.icon} label={now.label} onClick={() => (theme.value = next.value)} />;
}
