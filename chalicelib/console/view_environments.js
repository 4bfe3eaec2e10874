// Environments: provisioned, in use, spilled; and each as it reports itself.
import { useMemo } from "preact/hooks";
import { Chart } from "arena/chart";
import { bytes, count, number, percent, perSecond, seconds, UNKNOWN } from "arena/format";
import { noMinutes, seriesOf, timesOf } from "arena/history";
import { html } from "arena/html";
import { Figure, Figures, Panel, Table, When } from "arena/parts";
import { useLook } from "arena/region";

export function View({ region }) {
  const history = useLook(region, "api/ops/history?minutes=60");
  const instances = useLook(region, "api/ops/instances");
  return html`
    <${Panel} title="Provisioned, in use, spilled" name="environments" of=${history} note="last hour" size="full"
      empty=${noMinutes}>
      ${(data) => html`<${Fleet} points=${data.points} />`}
    <//>
    <${Panel} title="Environments now" name="instances" of=${instances} note=${region.name} size="full"
      empty=${(data) => (data.instances.length ? null : "No environment has reported within the last minute.")}>
      ${(data) => html`<${Instances} data=${data} />`}
    <//>
  `;
}

function Fleet({ points }) {
  const last = points.at(-1);
  const times = useMemo(() => timesOf(points), [points]);
  const environments = useMemo(
    () => seriesOf(points, [
      ["Requested", (point) => point.provisioned, number],
      ["Ready", (point) => point.ready, number],
      ["In use", (point) => point.inUse, number],
    ]),
    [points],
  );
  const spilled = useMemo(() => seriesOf(points, [["Spilled", (point) => point.spilledPerSecond, perSecond]]), [points]);
  return html`
    <${Figures}>
      <${Figure} name="Requested" value=${count(last.provisioned)} why=${UNTOLD} />
      <${Figure} name="Ready" value=${count(last.ready)} why=${UNTOLD} />
      <${Figure} name="In use" value=${number(last.inUse)} why=${UNTOLD} />
      <${Figure} name="Spilled" value=${perSecond(last.spilledPerSecond)} hint="served on demand"
        tone=${last.spilledPerSecond > 0 ? "warn" : ""} why=${UNTOLD} />
      <${Figure} name="Reporting" value=${count(last.instances)} />
    <//>
    <div class="charts">
      <${Chart} title="Environments" times=${times} series=${environments} />
      <${Chart} title="Requests beyond the provisioned" times=${times} series=${spilled} />
    </div>
  `;
}

const UNTOLD = "the scaling controller did not measure it";

function Instances({ data }) {
  const why = (name) => data.unavailable?.[name] ?? "not reported";
  const cell = (name, text) => (text === UNKNOWN ? html`<${Unknown} why=${why(name)} />` : text);
  const both = data.aggregate;
  return html`
    <${Figures}>
      <${Figure} name="Environments" value=${count(both.instances)}
        hint="${count(both.provisioned)} provisioned, ${count(both.onDemand)} on demand" />
      <${Figure} name="CPU" value=${percent(both.cpu.usage)} why=${why("cpu.usage")} />
      <${Figure} name="Cache hits" value=${percent(both.cache.hitRate)} why=${why("cache.hitRate")} />
      <${Figure} name="Memory used" value=${bytes(both.memory.used)} why=${why("memory.used")} />
      <${Figure} name="Requests" value=${perSecond(both.application.requestsPerSecond)} />
      <${Figure} name="Answered in" value=${seconds(both.application.avgResponseTime)} hint="mean" />
      <${Figure} name="Errors" value=${percent(both.application.errorRate)} />
      <${Figure} name="Active players" value=${number(both.application.activeUsers)} why=${why("application.activeUsers")} />
    <//>
    <${Table} caption="Environments" rows=${data.instances} keyOf=${(one) => one.instanceId} columns=${[
      { name: "Environment", show: (one) => html`<${Identity} one=${one} />` },
      { name: "Reported", show: (one) => html`<${When} at=${one.timestamp} relative />` },
      { name: "CPU", numeric: true, show: (one) => cell("cpu.usage", percent(one.cpu.usage)) },
      { name: "Load", numeric: true, show: (one) => cell("cpu.loadAverage", number(one.cpu.loadAverage)) },
      { name: "Memory", numeric: true, show: (one) => cell("memory.used", bytes(one.memory.used)) },
      { name: "Sent", numeric: true, show: (one) => cell("network.bytesTransferred", bytes(one.network.bytesTransferred)) },
      { name: "DB conns.", numeric: true, show: (one) => cell("database.connections", count(one.database.connections)) },
      { name: "DB queries", numeric: true, show: (one) => cell("database.queriesPerSecond", perSecond(one.database.queriesPerSecond)) },
      { name: "Cache hits", numeric: true, show: (one) => cell("cache.hitRate", percent(one.cache.hitRate)) },
      { name: "Requests", numeric: true, show: (one) => cell("application.requestsPerSecond", perSecond(one.application.requestsPerSecond)) },
      { name: "Answered in", numeric: true, show: (one) => cell("application.avgResponseTime", seconds(one.application.avgResponseTime)) },
      { name: "Errors", numeric: true, show: (one) => cell("application.errorRate", percent(one.application.errorRate)) },
    ]} />
    <${Unavailable} unavailable=${data.unavailable} />
  `;
}

function Unknown({ why }) {
  return html`<span title=${why}>${UNKNOWN}<span class="unseen">: ${why}</span></span>`;
}

const KINDS = { "provisioned-concurrency": "provisioned", "on-demand": "on demand" };

function Identity({ one }) {
  const kind = KINDS[one.initialization] ?? one.initialization ?? "";
  return html`<code class="id" title=${one.instanceId}>${one.instanceId.slice(-12)}</code>
    <small title=${one.function}>${kind}${one.functionVersion && `, version ${one.functionVersion}`}</small>`;
}

function Unavailable({ unavailable }) {
  const reasons = Object.entries(unavailable ?? {});
  if (!reasons.length) return null;
  return html`
    <details class="why">
      <summary>What the platform does not tell (${reasons.length})</summary>
      <dl>${reasons.map(([name, reason]) => html`<div key=${name}><dt><code>${name}</code></dt><dd>${reason}</dd></div>`)}</dl>
    </details>
  `;
}
