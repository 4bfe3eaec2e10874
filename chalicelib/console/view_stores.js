// What the region keeps things in: cache and limiter, database.
import { bytes, count, percent, perSecond, seconds, words } from "arena/format";
import { html } from "arena/html";
import { Badge, Figure, Figures, Panel, Table } from "arena/parts";
import { useLook } from "arena/region";

export function View({ region }) {
  const cache = useLook(region, "api/ops/cache");
  const database = useLook(region, "api/ops/database");
  return html`
    <${Panel} title="Cache" name="cache" of=${cache} note=${region.name} size="full"
      empty=${(data) => (data.configured ? null : "No cache is configured here: everything is asked of the database.")}>
      ${(data) => html`<${Cache} data=${data} />`}
    <//>
    <${Panel} title="Rate limits" name="limits" of=${cache} note=${region.name} size="full"
      empty=${(data) => (data.limits.length ? null : "Nothing has been counted yet.")}>
      ${(data) => html`
        <${Table} caption="Limits" rows=${data.limits} keyOf=${(one) => one.limit} columns=${[
          { name: "Limit", show: (one) => html`<strong>${one.limit}</strong>` },
          { name: "Admitted", numeric: true, show: (one) => count(one.admitted) },
          { name: "Refused", numeric: true, show: (one) => count(one.refused) },
          { name: "Degraded", numeric: true, show: (one) => count(one.degraded) },
        ]} />
        <p class="note">Degraded: counted by one environment alone, because the cache did not answer.</p>
      `}
    <//>
    <${Panel} title="Database" name="database" of=${database} note=${region.name} size="full">
      ${(data) => html`<${Database} data=${data} />`}
    <//>
  `;
}

function Answering({ answers }) {
  return answers ? html`<${Badge} tone="good">answers<//>` : html`<${Badge} tone="bad">does not answer<//>`;
}

const latencies = [
  { name: "p50", numeric: true, show: (one) => seconds(one.p50Seconds) },
  { name: "p95", numeric: true, show: (one) => seconds(one.p95Seconds) },
  { name: "p99", numeric: true, show: (one) => seconds(one.p99Seconds) },
];

function Cache({ data }) {
  return html`
    <${Figures}>
      <${Figure} name="State" value=${html`<${Answering} answers=${data.answers} />`} />
      <${Figure} name="Hit ratio" value=${percent(data.hitRatio)} why="nothing was looked up" />
      <${Figure} name="Breakers open" value=${count(data.breakersOpen)} tone=${data.breakersOpen ? "bad" : ""} />
      ${(data.breakerChanges ?? []).map((one) => html`
        <${Figure} key=${one.state} name="Breaker ${words(one.state)}" value=${count(one.total)} hint="times" />`)}
    <//>
    <div class="columns">
      <div>
        <h3>Lookups</h3>
        <${Table} caption="Lookups" rows=${data.lookups} keyOf=${(one) => one.cache} columns=${[
          { name: "Cache", show: (one) => html`<strong>${one.cache}</strong>` },
          { name: "Hits", numeric: true, show: (one) => count(one.hits) },
          { name: "Misses", numeric: true, show: (one) => count(one.misses) },
          { name: "Degraded", numeric: true, show: (one) => count(one.degraded) },
        ]} />
      </div>
      <div>
        <h3>Nodes</h3>
        <${Table} caption="Nodes" rows=${data.nodes} keyOf=${(one) => one.node} columns=${[
          { name: "Node", show: (one) => html`<code>${one.node}</code>` },
          { name: "Memory", numeric: true, show: (one) => bytes(one.memoryBytes) },
          { name: "Operations", numeric: true, show: (one) => perSecond(one.operationsPerSecond) },
        ]} />
      </div>
    </div>
    <h3>Commands</h3>
    <${Table} caption="Cache commands" rows=${data.commands} keyOf=${(one) => one.command} empty="No command was sent yet." columns=${[
      { name: "Command", show: (one) => html`<code>${one.command}</code>` },
      { name: "Sent", numeric: true, show: (one) => count(one.total) },
      { name: "Errors", numeric: true, show: (one) => count(one.errors) },
      { name: "Not sent", numeric: true, show: (one) => count(one.refused) },
      ...latencies,
    ]} />
  `;
}

function Database({ data }) {
  return html`
    <${Figures}>
      <${Figure} name="State" value=${html`<${Answering} answers=${data.answers} />`} />
      <${Figure} name="Errors" value=${count(data.errorsTotal)} tone=${data.errorsTotal ? "warn" : ""} />
      <${Figure} name="Checkout failures" value=${count(data.checkoutFailuresTotal)} tone=${data.checkoutFailuresTotal ? "warn" : ""} />
    <//>
    <h3>Connection pools</h3>
    <${Table} caption="Pools" rows=${data.pools} keyOf=${(one) => one.pool} empty="No environment reports a pool." columns=${[
      { name: "Pool", show: (one) => html`<strong>${words(one.pool)}</strong>` },
      { name: "Open", numeric: true, show: (one) => count(one.open) },
      { name: "In use", numeric: true, show: (one) => count(one.inUse) },
      { name: "Sizes", numeric: true, show: (one) => `${count(one.minSize)} to ${count(one.maxSize)}` },
      { name: "Environments", numeric: true, show: (one) => count(one.environments) },
    ]} />
    <h3>Commands</h3>
    <${Table} caption="Database commands" rows=${data.commands} keyOf=${(one) => one.command} empty="No command was counted yet." columns=${[
      { name: "Command", show: (one) => html`<code>${one.command}</code>` },
      { name: "Sent", numeric: true, show: (one) => count(one.total) },
      { name: "Errors", numeric: true, show: (one) => count(one.errors) },
      { name: "Rate", numeric: true, show: (one) => perSecond(one.perSecond) },
      ...latencies,
    ]} />
  `;
}
