// The line over the rows: how many, how long it took, what is missing; and what can be done with all of them.

import { signal } from "@preact/signals";

import { apiPath } from "../api/client";
import { MESSAGE_COLUMN, SOURCE_COLUMN } from "../core/doc";
import { toCsv, toNdjson } from "../core/export";
import { formatCount, plural } from "../core/format";
import { histogramOpen, sidebarOpen, wrap } from "../state/prefs";
import { currentParams, elapsedMs, histogram, isTable, loading, meta, rows, stale, table } from "../state/search";
import { activeRows } from "../state/selection";
import { columns, view } from "../state/view";
import { copyLink } from "./drawer";
import { IconButton } from "./icon-button";
import { Icon } from "./icons";
import { copyText, toast } from "./notify";
import { Popover } from "./popover";
import { ZoneSwitch } from "./time-picker";

const exportOpen = signal(false);

export function Toolbar() {
  const { live } = view.value;
  return (
    <div class="toolbar">
      <IconButton
        icon="panel"
        pressed={sidebarOpen.value}
        title="Fields  b"
        label="Fields panel"
        onClick={() => (sidebarOpen.value = !sidebarOpen.value)}
      />
      {!live && (
        <IconButton
          icon="chart"
          pressed={histogramOpen.value}
          title="Histogram"
          label="Histogram panel"
          onClick={() => (histogramOpen.value = !histogramOpen.value)}
        />
      )}
      {!live && <Summary />}
      <span class="spacer" />
      <ZoneSwitch />
      <IconButton
        icon="wrap"
        pressed={wrap.value}
        title="Wrap long lines  w"
        label="Wrap long lines"
        onClick={() => (wrap.value = !wrap.value)}
      />
      <IconButton
        icon="link"
        title="Copy a link to this view  y"
        label="Copy a link to this view"
        onClick={() => void copyLink()}
      />
      <Popover
        open={exportOpen}
        label="Export"
        buttonClass="icon-button"
        panelClass="right"
        button={<Icon name="download" />}
      >
        <ExportMenu />
      </Popover>
    </div>
  );
}

function Summary() {
  const total = isTable.value ? undefined : histogram.value?.total;
  void rows.version.value;
  const shown = isTable.value ? table.value?.rows.length : rows.count;
  const done = meta.value;
  return (
    <span class={`summary${stale.value ? " stale" : ""}`} data-testid="summary">
      {isTable.value
        ? shown !== undefined && <b>{plural(shown, "row")}</b>
        : total !== undefined && (
            <>
              <b data-testid="total">{plural(total, "event")}</b>
              {shown !== undefined && shown < total && <span class="dim"> {formatCount(shown)} loaded</span>}
            </>
          )}
      {elapsedMs.value !== undefined && done && (
        <span class="dim" title={`${done.tookMs} ms in the collector`}>
          {" "}
          {Math.round(elapsedMs.value)} ms
        </span>
      )}
      {loading.value && <span class="dim"> searching…</span>}
      {done?.partial && (
        <strong class="partial" title="The collector stopped before it had seen everything.">
          {" "}
          partial results{done.reason !== undefined && `: ${done.reason}`}
        </strong>
      )}
      {done?.warnings.map((warning) => (
        <span key={warning} class="warning">
          {" "}
          {warning}
        </span>
      ))}
    </span>
  );
}

function ExportMenu() {
  const close = (): void => void (exportOpen.value = false);
  const save = (text: string, type: string, extension: string): void => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = `millpond-${new Date().toISOString().slice(0, 19).replace(/[:T]/g, "")}.${extension}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    toast("Saved");
    close();
  };
  const isStats = isTable.value && table.value !== undefined;
  const docs = isStats && table.value ? tableDocs(table.value) : activeRows.value.all;
  const names =
    isStats && table.value
      ? table.value.columns.map((column) => column.name)
      : [
          "@timestamp",
          "log.level",
          ...columns.value.flatMap((name) => (name === SOURCE_COLUMN ? ["service.name", "host.name"] : [name])),
          ...(columns.value.includes(MESSAGE_COLUMN) ? [] : [MESSAGE_COLUMN]),
        ];
  const request = apiPath(isStats ? "stats" : "query", {
    ...currentParams(),
    q: view.value.q,
    limit: isStats ? undefined : 1000,
  });
  const curl = `curl '${new URL(request, location.href).href.replace(/'/g, "%27")}'`;
  return (
    <ul class="menu-list">
      <li>
        <button type="button" data-autofocus onClick={() => save(toNdjson(docs), "application/x-ndjson", "ndjson")}>
          Save {plural(docs.length, "loaded row")} as NDJSON
        </button>
      </li>
      <li>
        <button type="button" onClick={() => save(toCsv(docs, names), "text/csv", "csv")}>
          Save {plural(docs.length, "loaded row")} as CSV
        </button>
      </li>
      <li>
        <button
          type="button"
          onClick={() => {
            void copyText(curl, "Command");
            close();
          }}
        >
          Copy the request as curl
        </button>
      </li>
    </ul>
  );
}

const tableDocs = (result: NonNullable<typeof table.value>) =>
  result.rows.map((row) => Object.fromEntries(result.columns.map((column, i) => [column.name, row[i] ?? null])));
