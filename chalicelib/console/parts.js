// What every view is made of: panels with their states, tables, figures, times.
import { Fragment } from "preact";
import { useEffect, useId, useState } from "preact/hooks";
import { age, local, moment, UNKNOWN, utc } from "arena/format";
import { html } from "arena/html";
import { isStale, now } from "arena/polling";
import { Store, useStore } from "arena/store";

// A section of the page for one answer of the API, or for several ("and").
// `children` = a function of the data, called only when there is some.
export function Panel({ title, of, empty, actions, note, size = "", children, name }) {
  const id = useId();
  const { data, at, error, busy, still = false } = of;
  const clock = useStore(now);
  const stale = data !== null && !still && isStale(at, clock);
  const nothing = data !== null && empty ? empty(data) : null;
  return html`
    <section class="panel ${size} ${stale ? "is-stale" : ""}" aria-labelledby=${id} aria-busy=${data === null && busy}
      data-panel=${name}>
      <header>
        <h2 id=${id}>${title}</h2>
        ${note && html`<span class="note">${note}</span>`}
        <${Freshness} at=${at} stale=${stale} clock=${clock} />
        ${actions && html`<div class="actions">${actions}</div>`}
      </header>
      ${error && html`<${Problem} error=${error} old=${data !== null} retry=${of.reload} />`}
      ${data === null && !error && html`<${Skeleton} />`}
      ${nothing && html`<p class="empty">${nothing}</p>`}
      ${data !== null && !nothing && html`<div class="body">${children(data)}</div>`}
    </section>
  `;
}

function Freshness({ at, stale, clock }) {
  if (at === null) return html`<span class="freshness"></span>`;
  const old = Math.max(0, (clock - at) / 1000);
  return stale
    ? html`<span class="freshness chip warn">${age(old)} old</span>`
    : html`<span class="freshness"><span class="dot" aria-hidden="true"></span>${age(old)} ago</span>`;
}

function Skeleton() {
  return html`
    <div class="skeleton" role="status">
      <span class="unseen">Loading</span>
      <i></i><i></i><i></i>
    </div>
  `;
}

// A refusal in words, with what support asks for.
export function Problem({ error, old = false, retry, title = old ? "Not refreshed" : "Not available" }) {
  const details = error.details ? JSON.stringify(error.details) : "";
  return html`
    <div class="problem ${old ? "is-mild" : ""}" role=${old ? "status" : "alert"}>
      <div>
        <strong>${title}</strong>: ${error.message}
        <small>
          <code>${error.code}</code>
          ${error.requestId && html`<${Fragment}> · request <code>${error.requestId}</code><//>`}
          ${details && html`<${Fragment}> · ${details}<//>`}
          ${error.retrySeconds !== null && html`<${Fragment}> · asked again in ${age(error.retrySeconds)}<//>`}
        </small>
      </div>
      ${retry && html`<button class="quiet" onClick=${retry}>Retry</button>`}
    </div>
  `;
}

// columns: [{name, show(row), numeric, wide}]. On a phone each row becomes a card.
export function Table({ caption, columns, rows, keyOf, empty = "None." }) {
  if (rows.length === 0) return html`<p class="empty">${empty}</p>`;
  return html`
    <div class="table-box">
      <table role="table">
        <caption class="unseen">${caption}</caption>
        <thead role="rowgroup">
          <tr role="row">
            ${columns.map((column) => html`
              <th role="columnheader" scope="col" class=${column.numeric ? "number" : ""} key=${column.name}>
                ${column.name}
              </th>
            `)}
          </tr>
        </thead>
        <tbody role="rowgroup">
          ${rows.map((row, place) => html`
            <tr role="row" key=${keyOf ? keyOf(row) : place}>
              ${columns.map((column) => html`
                <td role="cell" key=${column.name} data-label=${column.name}
                  class="${column.numeric ? "number" : ""} ${column.wide ? "wide" : ""}">${column.show(row)}</td>
              `)}
            </tr>
          `)}
        </tbody>
      </table>
    </div>
  `;
}

// A figure with its name: <Figure name="In use" value="7" />. `why` says why it is not known.
export function Figure({ name, value, hint, tone = "", why }) {
  const unknown = value === UNKNOWN;
  return html`
    <div class="figure ${tone}" data-figure=${name}>
      <dt>${name}</dt>
      <dd title=${unknown ? why : undefined}>
        ${value}${unknown && why && html`<span class="unseen">: ${why}</span>`}
        ${hint && html`<small>${hint}</small>`}
      </dd>
    </div>
  `;
}

export function Figures({ children }) {
  return html`<dl class="figures">${children}</dl>`;
}

// A moment in the reader's zone, UTC when pointed at.
export function When({ at, relative = false }) {
  const date = moment(at);
  const clock = useStore(relative ? now : NEVER);
  if (date === null) return UNKNOWN;
  const told = relative ? `${age(Math.max(0, (clock - date) / 1000))} ago` : local(date);
  return html`<time datetime=${date.toISOString()} title=${utc(date)}>${told}</time>`;
}

const NEVER = new Store(0);

// A state in a word: tone is good, warn, bad or plain; the word says the same as the colour.
export function Badge({ tone = "plain", children }) {
  return html`<span class="chip ${tone}">${children}</span>`;
}

// Messages of what was done: read out, then gone.
const message = new Store(null);
const SHOWN_MS = 8000;

export function say(text, tone = "good") {
  message.value = { text, tone };
}

export function Messages() {
  const shown = useStore(message);
  useEffect(() => {
    if (shown === null) return undefined;
    const timer = setTimeout(() => {
      message.value = null;
    }, SHOWN_MS);
    return () => clearTimeout(timer);
  }, [shown]);
  return html`
    <div class="messages" role="status" aria-live="polite">
      ${shown && html`<p class="message ${shown.tone}">${shown.text}</p>`}
    </div>
  `;
}

// Several resources as one, for a panel that shows them together: known when all are.
export function both(first, second) {
  return {
    data: first.data === null || second.data === null ? null : [first.data, second.data],
    at: first.at === null || second.at === null ? null : Math.min(first.at, second.at),
    error: first.error ?? second.error,
    busy: first.busy || second.busy,
    reload: () => {
      first.reload();
      second.reload();
    },
  };
}

// Runs something that takes a while: {busy, error, run, clear}.
export function useTask() {
  const [state, setState] = useState({ busy: false, error: null });
  const run = async (work) => {
    setState({ busy: true, error: null });
    try {
      const result = await work();
      setState({ busy: false, error: null });
      return result;
    } catch (error) {
      setState({ busy: false, error });
      return undefined;
    }
  };
  return { ...state, run, clear: () => setState({ busy: false, error: null }) };
}
