// Scaling: what was decided and why, what would happen now, and a person's number instead.
import { useState } from "preact/hooks";
import { Dialog } from "arena/dialogs";
import { count, number, UNKNOWN, words } from "arena/format";
import { html } from "arena/html";
import { OverrideDialog } from "arena/override";
import { Badge, Figure, Figures, Panel, Problem, say, Table, useTask, When } from "arena/parts";
import { change, useLook } from "arena/region";

const TONES = { out: "good", in: "warn", hold: "plain", abstain: "plain" };
const SHOWN = 20;

export function View({ region }) {
  const scaling = useLook(region, `api/ops/scaling?limit=${SHOWN}`);
  const [dialog, setDialog] = useState(null);
  const close = () => setDialog(null);
  return html`
    <${Panel} title="Controller" name="controller" of=${scaling} note=${region.name} actions=${html`
      <button onClick=${() => setDialog("override")} disabled=${!scaling.data}>Override…</button>
      ${scaling.data?.override && html`<button class="quiet" onClick=${() => setDialog("end")}>End override…</button>`}
    `}>
      ${(data) => html`<${Controller} data=${data} />`}
    <//>
    <${Preview} region=${region} />
    <${Panel} title="Decisions" name="decisions" of=${scaling} note="newest first" size="full"
      empty=${(data) => (data.decisions.length ? null : "Nothing has been decided yet; the controller runs each 15 s.")}>
      ${(data) => html`<${Decisions} decisions=${data.decisions} />`}
    <//>
    ${dialog === "override" && html`<${OverrideDialog} region=${region} limits=${scaling.data.limits} close=${close} />`}
    ${dialog === "end" && html`<${EndDialog} region=${region} override=${scaling.data?.override} close=${close} />`}
  `;
}

function Controller({ data }) {
  const latest = data.decisions[0];
  return html`
    <${Figures}>
      <${Figure} name="Policy" value=${data.policy} />
      <${Figure} name="Bounds" value="${data.limits.min} to ${data.limits.max}" />
      <${Figure} name="Latest decision" value=${latest ? `${latest.current} → ${latest.desired}` : UNKNOWN}
        why="nothing decided yet" hint=${latest && html`<${When} at=${latest.at} relative />`} />
    <//>
    ${data.override
      ? html`<p class="banner warn" data-override>
          Fixed at <strong>${data.override.desired}</strong> until <${When} at=${data.override.until} /> by
          ${" "}${data.override.by}: ${data.override.reason}
        </p>`
      : html`<p class="note">No override: the policy decides.</p>`}
  `;
}

function Decisions({ decisions }) {
  return html`
    <ol class="decisions">
      ${decisions.map((one) => html`
        <li key=${one.id}>
          <details>
            <summary>
              <${When} at=${one.at} />
              <${Badge} tone=${TONES[one.action]}>${one.action}<//>
              <b class="step">${one.current} → ${one.desired}</b>
              <span class="reason">${one.reason}</span>
              <span class="outcome">${outcomeOf(one.move)}</span>
            </summary>
            <${Record} decision=${one} />
          </details>
        </li>
      `)}
    </ol>
  `;
}

function outcomeOf(move) {
  if (move === null) return "the run ended before it was carried out";
  const figures = move.before === move.after ? "" : ` ${move.before} → ${move.after}`;
  return `${words(move.outcome)}${figures}${move.reason ? `: ${move.reason}` : ""}`;
}

// The decision's record; a line that is no JSON (a digest) is shown as it is.
function Record({ decision }) {
  let record = null;
  try {
    record = JSON.parse(decision.line);
  } catch {
    return html`<p class="note">Record: <code>${decision.line}</code></p>`;
  }
  const seen = record?.observation;
  if (!seen?.metrics) return html`<pre>${JSON.stringify(record, null, 1)}</pre>`;
  const metrics = Object.entries(seen.metrics).map(([name, reading]) => ({
    name,
    value: reading.points?.length ? Math.max(...reading.points.map((point) => point[1])) : null,
    told: reading.missing || reading.evidence || "",
  }));
  return html`
    ${decision.override && html`<p class="banner warn">Overridden by ${decision.override.by}: ${decision.override.reason}</p>`}
    <${Rules} outcomes=${record.decision?.outcomes ?? []} clamps=${record.decision?.clamps ?? []} />
    <${Inputs} metrics=${metrics} ceilings=${seen.ceilings ?? []} requested=${seen.requested} ready=${seen.ready} />
  `;
}

function Rules({ outcomes, clamps }) {
  return html`
    <h3>Rules</h3>
    <${Table} caption="Every rule's outcome" rows=${outcomes} keyOf=${(one) => one.rule} empty="No rule was asked." columns=${[
      { name: "Rule", show: (one) => words(one.rule) },
      { name: "Saw", numeric: true, show: (one) => number(one.value) },
      { name: "Wish", show: (one) => html`<${Badge} tone=${TONES[one.wish]}>${one.wish}<//>` },
      { name: "Wants", numeric: true, show: (one) => count(one.desired) },
      { name: "Why", wide: true, show: (one) => one.reason },
    ]} />
    ${clamps.length > 0 && html`
      <h3>Then limited by</h3>
      <${Table} caption="Clamps" rows=${clamps} columns=${[
        { name: "Limit", show: (one) => words(one.name) },
        { name: "From", numeric: true, show: (one) => count(one.before) },
        { name: "To", numeric: true, show: (one) => count(one.after) },
        { name: "Why", wide: true, show: (one) => one.reason },
      ]} />
    `}
  `;
}

function Inputs({ metrics, ceilings, requested, ready }) {
  return html`
    <h3>Inputs</h3>
    <p class="note">${count(requested)} requested, ${count(ready)} ready
      ${ceilings.map((one) => html`<span key=${one.name}> · at most ${count(one.capacity)} by ${words(one.name)} (${one.reason})</span>`)}
    </p>
    <${Table} caption="Inputs" rows=${metrics} keyOf=${(one) => one.name} columns=${[
      { name: "Metric", show: (one) => html`<code>${one.name}</code>` },
      { name: "Value", numeric: true, show: (one) => number(one.value) },
      { name: "From", wide: true, show: (one) => one.told || UNKNOWN },
    ]} />
  `;
}

// "What would happen now": asked for, never by itself; of one region at a time.
function Preview({ region }) {
  const task = useTask();
  const [found, setFound] = useState(null);
  const shown = found?.region === region.name ? found : null;
  const ask = () => task.run(async () => {
    const evaluation = await change(region, "api/ops/scaling/evaluate");
    setFound({ region: region.name, at: Date.now() / 1000, evaluation });
  });
  return html`
    <section class="panel" aria-labelledby="preview" data-panel="preview">
      <header>
        <h2 id="preview">What would happen now</h2>
        <span class="note">dry run</span>
        <div class="actions"><button onClick=${ask} disabled=${task.busy}>${task.busy ? "Evaluating…" : "Evaluate"}</button></div>
      </header>
      <div aria-live="polite">
        ${task.error && html`<${Problem} error=${task.error} retry=${ask} />`}
        ${shown ? html`<${Evaluation} at=${shown.at} one=${shown.evaluation} />`
          : !task.error && html`<p class="empty">Shows every rule's outcome for this moment and what the controller would do. Nothing moves.</p>`}
      </div>
    </section>
  `;
}

function Evaluation({ at, one }) {
  const metrics = Object.entries(one.inputs.metrics).map(([name, input]) => ({
    name,
    value: input.value ?? null,
    told: input.missing ?? input.evidence,
  }));
  return html`
    <div class="body">
      <p class="verdict">
        <${Badge} tone=${TONES[one.action]}>${one.action}<//> <b>${one.current} → ${one.desired}</b>
        <small>at <${When} at=${at} />, by ${one.policy}</small>
      </p>
      <p>${one.reason}</p>
      <p class="note">Then: ${outcomeOf(one.move)}</p>
      <details>
        <summary>Rules and inputs</summary>
        <${Rules} outcomes=${one.outcomes} clamps=${one.clamps} />
        <${Inputs} metrics=${metrics} ceilings=${one.inputs.ceilings} requested=${one.inputs.requested} ready=${one.inputs.ready} />
      </details>
    </div>
  `;
}

function EndDialog({ region, override, close }) {
  const task = useTask();
  const send = () => task.run(async () => {
    await change(region, "api/ops/scaling/override", { method: "DELETE" });
    say(`The policy decides again in ${region.name}.`);
    close();
  });
  return html`
    <${Dialog} title="End the override" close=${close}>
      ${task.error && html`<${Problem} error=${task.error} title="Not done" />`}
      <p>${region.name} is fixed at ${override?.desired ?? "a number"} by ${override?.by ?? "somebody"}. From the next
        evaluation on the policy decides again.</p>
      <footer>
        <button class="quiet" onClick=${close}>Cancel</button>
        <button data-first disabled=${task.busy} onClick=${send}>End override</button>
      </footer>
    <//>
  `;
}
