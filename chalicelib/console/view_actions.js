// What operators do: each says what it is for, asks before it does it, and tells what came of it.
import { useState } from "preact/hooks";
import { Dialog, focused } from "arena/dialogs";
import { count, seconds, words } from "arena/format";
import { html } from "arena/html";
import { OverrideDialog } from "arena/override";
import { Badge, Problem, say, useTask } from "arena/parts";
import { change, useLook } from "arena/region";

const WARM_PATIENCE_MS = 30_000;
const FAILOVER_PATIENCE_MS = 60_000;

export function View({ region }) {
  const scaling = useLook(region, "api/ops/scaling?limit=20");
  const [open, setOpen] = useState(null);
  const close = () => setOpen(null);
  const away = region.regions.filter((one) => one.servedBy !== one.region);
  return html`
    <${Action} title="Override" name="override" label="Override…" act=${() => setOpen("override")} disabled=${!scaling.data}>
      Fix the number of environments of ${region.name} for a while, whatever the policy says.
    <//>
    <${Action} title="Warm the cache" name="warm" label="Warm…" act=${() => setOpen("warm")}>
      Load into ${region.name}'s cache what is asked for most. Changes nothing else.
    <//>
    <${Action} title="Replay dead letters" name="replay" label="Go to queues" act=${() => (location.hash = "#queues")}>
      Choose letters and send them again, after a dry run.
    <//>
    <${Action} title="Failover" name="failover" label="Fail over…" act=${() => setOpen("failover")} danger
      disabled=${region.regions.length < 2}>
      Let another region serve the players of one that has failed. Nobody can fight for some seconds. Read the runbook
      first: <code>docs/runbooks/failover.md</code>.
    <//>
    <${Action} title="Return" name="return" label="Return…" act=${() => setOpen("return")} danger disabled=${!away.length}>
      ${away.length
        ? `Give a region its players back: ${away.map((one) => one.region).join(", ")}.`
        : "Every region serves its own players: there is nothing to give back."}
    <//>
    ${open === "override" && html`<${OverrideDialog} region=${region} limits=${scaling.data.limits} close=${close} />`}
    ${open === "warm" && html`<${WarmDialog} region=${region} close=${close} />`}
    ${open === "failover" && html`<${FailoverDialog} region=${region} close=${close} />`}
    ${open === "return" && html`<${FailoverDialog} region=${region} away=${away} close=${close} />`}
  `;
}

function Action({ title, name, label, act, disabled = false, danger = false, children }) {
  return html`
    <section class="panel action" data-action=${name}>
      <header><h2>${title}</h2></header>
      <div class="body"><p>${children}</p>
        <button class=${danger ? "danger" : ""} disabled=${disabled} onClick=${act}>${label}</button></div>
    </section>
  `;
}

function WarmDialog({ region, close }) {
  const task = useTask();
  const [report, setReport] = useState(null);
  const send = () => task.run(async () => {
    setReport(await change(region, "api/ops/cache/warm", { patience: WARM_PATIENCE_MS }));
    say(`The cache of ${region.name} was warmed.`);
  });
  return html`
    <${Dialog} title="Warm the cache" close=${close}>
      ${task.error && html`<${Problem} error=${task.error} title="Not done" />`}
      ${report === null
        ? html`<p>Load boards, lists and settings into the cache of <strong>${region.name}</strong> ahead of time. It reads
            the database as a few hundred players would.</p>`
        : html`<dl class="facts" role="status">${Object.entries(report).map(([name, value]) => html`
            <div key=${name}><dt>${words(name)}</dt><dd>${told(value)}</dd></div>`)}</dl>`}
      <footer>
        <button class="quiet" onClick=${close}>${report ? "Close" : "Cancel"}</button>
        ${report === null && html`<button data-first disabled=${task.busy} onClick=${send}>${task.busy ? "Warming…" : "Warm"}</button>`}
      </footer>
    <//>
  `;
}

function told(value) {
  if (Array.isArray(value)) return value.length ? value.join(", ") : "none";
  return typeof value === "number" ? count(value) : String(value);
}

// First the steps (a dry run), then the region's name typed, then the thing itself. `away` = of these one is returned.
function FailoverDialog({ region, away, close }) {
  const task = useTask();
  const [wish, setWish] = useState(null);
  const [plan, setPlan] = useState(null);
  const [report, setReport] = useState(null);
  const [typed, setTyped] = useState("");
  const send = (body, dryRun, keep) => task.run(async () => {
    keep(await change(region, "api/ops/failover", { body: { ...body, dryRun }, patience: FAILOVER_PATIENCE_MS }));
    setWish(body);
  });
  const go = () => send(wish, false, (told) => {
    setReport(told);
    if (told.state === "done") say(`${told.serving} serves the players of ${told.of}.`);
  });
  return html`
    <${Dialog} title=${away ? "Give players back" : "Fail over"} close=${close} locked=${task.busy}>
      ${task.error && html`<${Problem} error=${task.error} title=${plan === null ? "Not planned" : "Not finished"} />`}
      ${task.error && plan !== null && html`<p class="banner bad">If it had begun, nobody serves the players of ${plan.of}
        ${" "}until it is done. Do it again now: what was done is not done twice.</p>`}
      ${plan === null && html`<${Choice} region=${region} away=${away} busy=${task.busy} close=${close}
        plan=${(body) => send(body, true, setPlan)} />`}
      ${plan !== null && report === null && html`
        <p>${plan.serving} is to serve the players of <strong>${plan.of}</strong> (epoch ${plan.epoch}):</p>
        <ol class="steps">${plan.steps.map((step) => html`<li key=${step}>${step}</li>`)}</ol>
        ${plan.unreachable.length > 0 && html`<p class="banner bad">Not reachable: ${plan.unreachable.join(", ")}. What they did
          not send is missing until they return.</p>`}
        <form onSubmit=${(event) => { event.preventDefault(); go(); }}>
          <div class="field">
            <label for="typed">Type <code>${plan.of}</code> to confirm</label>
            <input id="typed" autocomplete="off" spellcheck="false" autocapitalize="off" ref=${focused} value=${typed}
              onInput=${(event) => setTyped(event.target.value)} />
          </div>
          <footer>
            <button type="button" class="quiet" onClick=${close} disabled=${task.busy}>Cancel</button>
            <button class="danger" disabled=${typed !== plan.of || task.busy}>${task.busy ? "Under way…" : away ? "Give back" : "Fail over"}</button>
          </footer>
        </form>
      `}
      ${report !== null && html`<${Outcome} report=${report} busy=${task.busy} go=${go} close=${close} />`}
    <//>
  `;
}

function Choice({ region, away, busy, plan, close }) {
  const choose = (event) => {
    event.preventDefault();
    const { of, to, force } = Object.fromEntries(new FormData(event.target));
    plan({ ...(away ? { return: of } : { from: of }), ...(to ? { to } : {}), ...(force ? { force: true } : {}) });
  };
  const names = (away ?? region.regions).map((one) => one.region);
  return html`
    <form onSubmit=${choose}>
      <div class="field">
        <label for="of">${away ? "Region that takes its players back" : "Region that has failed"}</label>
        <select id="of" name="of" required data-first>${names.map((name) => html`<option key=${name}>${name}</option>`)}</select>
      </div>
      ${!away && html`
        <div class="field">
          <label for="to">Region that takes over</label>
          <select id="to" name="to">
            <option value="">the first by priority that can</option>
            ${region.regions.map((one) => html`<option key=${one.region}>${one.region}</option>`)}
          </select>
        </div>`}
      <label class="check"><input type="checkbox" name="force" /> Even if databases do not answer (read the runbook)</label>
      <footer>
        <button type="button" class="quiet" onClick=${close}>Cancel</button>
        <button disabled=${busy}>${busy ? "Planning…" : "Show the steps"}</button>
      </footer>
    </form>
  `;
}

function Outcome({ report, busy, go, close }) {
  const drained = Object.entries(report.drained ?? {}).map(([name, events]) => `${count(events)} of ${name}`).join(", ");
  const done = report.state === "done";
  return html`
    <div role="status">
      <p><${Badge} tone=${done ? "good" : "warn"}>${words(report.state)}<//> ${done
        ? html`${report.serving} serves the players of ${report.of}.`
        : html`${report.serving} still catches up. Nothing has changed for players yet.`}</p>
      <dl class="facts">
        <div><dt>Events it lacked</dt><dd>${drained || "none"}</dd></div>
        ${report.early > 0 && html`<div><dt>Too early</dt><dd>${count(report.early)}: run <code>./arena replication verify</code></dd></div>`}
        ${report.tooOld > 0 && html`<div><dt>Too old to apply</dt><dd>${count(report.tooOld)}, kept in the outbox</dd></div>`}
        ${report.unservedSeconds !== null && html`<div><dt>Nobody served for</dt><dd>${seconds(report.unservedSeconds)}</dd></div>`}
      </dl>
    </div>
    <footer>
      <button class="quiet" onClick=${close}>Close</button>
      ${!done && html`<button class="danger" disabled=${busy} onClick=${go}>${busy ? "Under way…" : "Go on"}</button>`}
    </footer>
  `;
}
