// Why there is nothing to see, and what to do: no screen is ever empty without a reason.

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";

import { collectorNow } from "../api/client";
import type { ApiError } from "../api/problem";
import { splitPipes } from "../core/query";
import { DEFAULT_RANGE, describeRange, fixedRange, formatAgo, formatExact, zoomOut } from "../core/time";
import { BAD_RANGE, emptiness, error, loading, range, retryAtMs } from "../state/search";
import { navigate, runCount, search, setRange, view } from "../state/view";

/** What to show in place of rows, or nothing while there are some. */
export function Reason({ count }: { count: number }) {
  const failure = error.value;
  if (failure && count === 0) return <Failure failure={failure} />;
  if (count > 0) return null;
  if (loading.value)
    return (
      <Panel title="Searching…">
        <p>The first rows appear as soon as they are found.</p>
      </Panel>
    );
  const reason = emptiness.value;
  if (!reason) return null;
  if (reason.kind === "no-data") return <NoData />;
  return <NoMatch newest={reason.kind === "no-match" ? reason.newest : undefined} sure={reason.kind === "no-match"} />;
}

export function Panel({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <div class="panel">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

function NoData() {
  return (
    <Panel title="No logs yet">
      <p>The collector is running and holds no document. Enrol an agent on a host whose logs you want:</p>
      <ol>
        <li>
          Here, make a one-use token:<pre>millpond-collector enroll --config collector.toml</pre>
        </li>
        <li>
          On the host, enrol with it and start:
          <pre>
            {
              "millpond-agent enroll --data-dir /var/lib/millpond-agent --token TOKEN\nmillpond-agent run --config /var/lib/millpond-agent/agent.toml"
            }
          </pre>
        </li>
      </ol>
      <p>Or send one line from a script:</p>
      <pre>{`curl --data-binary '{"message":"hello","log.level":"info"}' ${new URL("./api/v1/ingest", location.href).href}`}</pre>
      <p>
        <button type="button" class="button" onClick={() => (runCount.value += 1)}>
          Look again
        </button>
      </p>
    </Panel>
  );
}

function NoMatch({ newest, sure }: { newest: string | undefined; sure: boolean }) {
  const { q, tz } = view.value;
  const { filter } = splitPipes(q);
  const around = newest === undefined ? undefined : Date.parse(newest);
  return (
    <Panel title={filter === "" ? "Nothing in this time range" : "No match in this time range"}>
      <p class="panel-facts">
        {describeRange(view.value, tz)}
        {filter !== "" && (
          <>
            {" "}
            · <code>{filter}</code>
          </>
        )}
      </p>
      {sure && newest !== undefined && around !== undefined && (
        <p>
          The newest {filter === "" ? "document" : "match"} is of {formatExact(newest, tz)} (
          {formatAgo(around, collectorNow())}).
        </p>
      )}
      {sure && newest === undefined && <p>No document of any time matches this query.</p>}
      <p class="panel-actions">
        {around !== undefined && (
          <button
            type="button"
            class="button primary"
            onClick={() => navigate(fixedRange(around - 15 * 60_000, around + 60_000))}
          >
            Go to the newest {filter === "" ? "document" : "match"}
          </button>
        )}
        {range.value && newest !== undefined && (
          <button
            type="button"
            class="button"
            onClick={() => range.value && navigate(zoomOut(range.value, collectorNow()))}
          >
            Widen the range
          </button>
        )}
        {filter !== "" && (
          <button type="button" class="button" onClick={() => search("")}>
            Clear the query
          </button>
        )}
      </p>
    </Panel>
  );
}

function Failure({ failure }: { failure: ApiError }) {
  const hint = failure.hint && <p>{failure.hint}</p>;
  if (failure.code === BAD_RANGE) {
    return (
      <Panel title="No time range">
        <p>{failure.message}</p>
        <Action label="Show the last hour" onClick={() => setRange(DEFAULT_RANGE.from, DEFAULT_RANGE.to)} />
      </Panel>
    );
  }
  if (failure.unreachable) {
    return (
      <Panel title="The collector does not answer">
        <RetryNote />
        <p>
          Is <code>millpond-collector</code> running at {location.host}? The page carries on by itself when it is back.
        </p>
      </Panel>
    );
  }
  if (failure.status === 400) {
    return (
      <Panel title="The query is not understood">
        <p>{failure.message}</p>
        {hint}
        <p>
          {failure.place && "The place is marked under the query. "}Press <kbd>?</kbd> for the language in short.
        </p>
      </Panel>
    );
  }
  return (
    <Panel title={failure.transient ? "The collector is overloaded" : "The search failed"}>
      <p>{failure.message}</p>
      {hint}
      {failure.transient ? <RetryNote /> : <Action label="Try again" onClick={() => (runCount.value += 1)} />}
    </Panel>
  );
}

function Action({ label, onClick }: { label: string; onClick(): void }) {
  return (
    <p>
      <button type="button" class="button primary" onClick={onClick}>
        {label}
      </button>
    </p>
  );
}

/** A strip above old results when a newer search failed. */
export function ErrorStrip() {
  const failure = error.value;
  if (!failure || failure.status === 400) return null;
  return (
    <div class="strip bad" role="alert">
      <strong>{failure.unreachable ? "The collector does not answer." : failure.message}</strong>{" "}
      <span>What is shown is from before.</span>{" "}
      {retryAtMs.value !== undefined ? (
        <RetryNote />
      ) : (
        <button type="button" class="link-button" onClick={() => (runCount.value += 1)}>
          Try again
        </button>
      )}
    </div>
  );
}

function RetryNote() {
  const at = retryAtMs.value;
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, []);
  const seconds = at === undefined ? 0 : Math.max(0, Math.ceil((at - now) / 1000));
  return (
    <span class="retry">
      {seconds > 0 ? `Trying again in ${seconds} s. ` : "Trying again… "}
      <button type="button" class="link-button" onClick={() => (runCount.value += 1)}>
        Now
      </button>
    </span>
  );
}
