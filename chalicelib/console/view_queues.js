// Queues and how long battles wait; dead letters with their reasons, and sending them again.
import { useState } from "preact/hooks";
import { Dialog } from "arena/dialogs";
import { age, count, UNKNOWN, words } from "arena/format";
import { html } from "arena/html";
import { Badge, Panel, Problem, say, Table, useTask, When } from "arena/parts";
import { change, useLook } from "arena/region";

const LETTERS_SHOWN = 50;
const REPLAY_PATIENCE_MS = 30_000;

export function View({ region }) {
  const queues = useLook(region, "api/ops/queues");
  const [queue, setQueue] = useState(null);
  const names = queues.data?.queues.map((one) => one.name) ?? [];
  const fullest = queues.data?.queues.find((one) => one.deadLetters > 0)?.name;
  const chosen = names.includes(queue) ? queue : (fullest ?? names[0] ?? null);
  return html`
    <${Panel} title="Queues" name="queues" of=${queues} note=${region.name} size="full"
      empty=${(data) => (data.queues.length ? null : "This region has no queues.")}>
      ${(data) => html`
        <${Table} caption="Queues" rows=${data.queues} keyOf=${(one) => one.name} columns=${[
          { name: "Queue", show: (one) => html`<strong>${one.name}</strong>
            ${one.problem && html` <${Badge} tone="bad">not known<//> <small>${one.problem}</small>`}` },
          { name: "Waiting", numeric: true, show: (one) => count(one.visible) },
          { name: "In flight", numeric: true, show: (one) => count(one.inFlight) },
          { name: "Delayed", numeric: true, show: (one) => count(one.delayed) },
          { name: "Dead letters", numeric: true, show: (one) => html`<${Dead} number=${one.deadLetters} />` },
          { name: "Letters", show: (one) => html`<button class="quiet" aria-pressed=${one.name === chosen}
              onClick=${() => setQueue(one.name)}>Show<span class="unseen"> dead letters of ${one.name}</span></button>` },
        ]} />
        ${data.waitingBattles === null && html`<p class="note">Queued battles are not known: the database does not answer.</p>`}
        ${data.waitingBattles !== null && html`
          <h3>Queued battles</h3>
          <${Table} caption="Queued battles" rows=${data.waitingBattles.filter((one) => one.queued > 0)}
            empty="No battle is waiting." columns=${[
            { name: "Arena", show: (one) => one.arena },
            { name: "League", show: (one) => one.league },
            { name: "Queued", numeric: true, show: (one) => count(one.queued) },
            { name: "Oldest waits", numeric: true, show: (one) => age(one.oldestSeconds) },
          ]} />`}
      `}
    <//>
    ${chosen && html`<${Letters} key="${region.name} ${chosen}" region=${region} queue=${chosen} />`}
  `;
}

function Dead({ number }) {
  return number > 0 ? html`<${Badge} tone="bad">${count(number)}<//>` : count(number);
}

function Letters({ region, queue }) {
  // Not by the clock: whoever looks at letters holds them for that moment.
  const path = `api/ops/dead-letters?queue=${encodeURIComponent(queue)}&limit=${LETTERS_SHOWN}`;
  const letters = useLook(region, path, { still: true });
  const [picked, setPicked] = useState(new Set());
  const [open, setOpen] = useState(false);
  const found = letters.data?.letters ?? [];
  const toggle = (id) => {
    const next = new Set(picked);
    if (!next.delete(id)) next.add(id);
    setPicked(next);
  };
  const there = found.filter((one) => picked.has(one.messageId)).map((one) => one.messageId);
  return html`
    <${Panel} title="Dead letters of ${queue}" name="letters" of=${letters} size="full"
      empty=${(data) => (data.letters.length ? null : "No dead letters.")}
      actions=${html`
        <button class="quiet" onClick=${letters.reload} disabled=${letters.busy}>Look again</button>
        ${found.length > 0 && html`<button onClick=${() => setOpen(true)}>
          ${there.length ? `Replay ${count(there.length)} chosen…` : "Replay all…"}</button>`}`}>
      ${(data) => html`
        <${Table} caption="Dead letters" rows=${data.letters} keyOf=${(one) => one.messageId} columns=${[
          { name: "Choose", show: (one) => html`<input type="checkbox" checked=${picked.has(one.messageId)}
              aria-label="Choose letter ${one.messageId}" onChange=${() => toggle(one.messageId)} />` },
          { name: "Died", show: (one) => html`<${When} at=${one.diedAt} />` },
          { name: "Attempts", numeric: true, show: (one) => count(one.attempts) },
          { name: "Reason", wide: true, show: (one) => one.reason || UNKNOWN },
          { name: "What", wide: true, show: (one) => html`<${What} what=${one.what} />` },
          { name: "Replay would", wide: true, show: (one) => html`<${Fate} fate=${one.fate} why=${one.why} />` },
        ]} />
        ${data.more && html`<p class="note">The first ${LETTERS_SHOWN} are shown; there are more.</p>`}
      `}
    <//>
    ${open && html`<${ReplayDialog} region=${region} queue=${queue} messageIds=${there} close=${() => setOpen(false)} />`}
  `;
}

function What({ what }) {
  return Object.entries(what ?? {}).map(([name, value]) => html`
    <span class="pair" key=${name}>${words(name)} <code>${typeof value === "object" ? JSON.stringify(value) : String(value)}</code></span>
  `);
}

// First what would become of each letter, then the same for real.
function ReplayDialog({ region, queue, messageIds, close }) {
  const task = useTask();
  const [report, setReport] = useState(null);
  const [tried, setTried] = useState(messageIds);
  const replay = (dryRun) => task.run(async () => {
    const body = { queue, dryRun, ...(tried.length ? { messageIds: tried } : {}) };
    const told = await change(region, "api/ops/dead-letters/replay", { body, patience: REPLAY_PATIENCE_MS });
    setReport(told);
    // What was shown to be sent is what will be sent, whatever comes in between.
    if (dryRun) setTried(told.results.filter((one) => one.fate === "replay").map((one) => one.messageId));
    if (!dryRun) say(`${told.results.filter((one) => one.fate === "sent").length} letters of ${queue} sent again.`);
  });
  const sendable = report?.dryRun ? report.results.filter((one) => one.fate === "replay").length : 0;
  return html`
    <${Dialog} title="Replay dead letters of ${queue}" close=${close}>
      ${task.error && html`<${Problem} error=${task.error} title="Not done" />`}
      ${report === null && html`<p>${tried.length ? `${tried.length} chosen letters` : "All letters"} of <strong>${queue}</strong> in
        <strong> ${region.name}</strong>. First a dry run: it shows what would become of each, and sends nothing.</p>`}
      ${report !== null && html`<${Fates} report=${report} />`}
      <footer>
        <button class="quiet" onClick=${close}>${report && !report.dryRun ? "Close" : "Cancel"}</button>
        ${report === null && html`<button data-first disabled=${task.busy} onClick=${() => replay(true)}>
          ${task.busy ? "Looking…" : "Dry run"}</button>`}
        ${report?.dryRun && html`<button disabled=${task.busy || sendable === 0} onClick=${() => replay(false)}>
          ${task.busy ? "Sending…" : `Send ${count(sendable)} again`}</button>`}
      </footer>
    <//>
  `;
}

// What a replay makes, or made, of a letter.
function Fate({ fate, why }) {
  return html`<${Badge} tone=${FATES[fate] ?? "plain"}>${WORDS[fate] ?? fate}<//> ${why && html`<small>${why}</small>`}`;
}

const WORDS = { replay: "send it" };
const FATES = { replay: "good", sent: "good", refused: "bad", failed: "bad", "left out": "plain" };

function Fates({ report }) {
  return html`
    <p role="status">${report.dryRun ? "Dry run: this would happen." : "This was done."}</p>
    <${Table} caption="Results" rows=${report.results} keyOf=${(one) => one.messageId} empty="There is no letter to replay." columns=${[
      { name: "Letter", show: (one) => html`<code class="id" title=${one.messageId}>${one.messageId.slice(-12)}</code>` },
      { name: report.dryRun ? "Would" : "Fate", wide: true, show: (one) => html`<${Fate} fate=${one.fate} why=${one.why} />` },
    ]} />
  `;
}
