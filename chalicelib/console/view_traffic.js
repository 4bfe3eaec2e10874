// Requests, errors, latency; battles by arena and league.
import { useMemo } from "preact/hooks";
import { Chart } from "arena/chart";
import { count, perSecond, percent, seconds } from "arena/format";
import { battles, noMinutes, ratio, seriesOf, timesOf } from "arena/history";
import { html } from "arena/html";
import { Figure, Figures, Panel, Table } from "arena/parts";
import { useLook } from "arena/region";

export function View({ region }) {
  const history = useLook(region, "api/ops/history?minutes=60");
  return html`
    <${Panel} title="Errors and latency" name="traffic" of=${history} note="last hour, ${region.name}" size="full" empty=${noMinutes}>
      ${(data) => html`<${Requests} points=${data.points} />`}
    <//>
    <${Panel} title="Battles" name="battles" of=${history} note="last hour, by arena and league" size="full" empty=${noMinutes}>
      ${(data) => html`<${Battles} points=${data.points} />`}
    <//>
  `;
}

const share = (part) => (point) => ratio(point[part], point.requestsPerSecond);

function Requests({ points }) {
  const last = points.at(-1);
  const times = useMemo(() => timesOf(points), [points]);
  const [requests, errors, latency] = useMemo(
    () => [
      seriesOf(points, [["Requests", (point) => point.requestsPerSecond, perSecond]]),
      seriesOf(points, [
        ["Server errors", share("serverErrorsPerSecond"), percent],
        ["Client errors", share("clientErrorsPerSecond"), percent],
      ]),
      seriesOf(points, [
        ["p50", (point) => point.latencyP50Seconds, seconds],
        ["p95", (point) => point.latencyP95Seconds, seconds],
        ["p99", (point) => point.latencyP99Seconds, seconds],
      ]),
    ],
    [points],
  );
  const failing = share("serverErrorsPerSecond")(last);
  return html`
    <${Figures}>
      <${Figure} name="Requests" value=${perSecond(last.requestsPerSecond)} />
      <${Figure} name="Server errors" value=${percent(failing)} hint=${perSecond(last.serverErrorsPerSecond)} tone=${failing > 0.01 ? "bad" : ""} />
      <${Figure} name="Client errors" value=${percent(share("clientErrorsPerSecond")(last))} hint=${perSecond(last.clientErrorsPerSecond)} />
      <${Figure} name="p50" value=${seconds(last.latencyP50Seconds)} />
      <${Figure} name="p95" value=${seconds(last.latencyP95Seconds)} />
      <${Figure} name="p99" value=${seconds(last.latencyP99Seconds)} />
    <//>
    <div class="charts">
      <${Chart} title="Requests" times=${times} series=${requests} />
      <${Chart} title="Share of errors" times=${times} series=${errors} />
      <${Chart} title="Latency" times=${times} series=${latency} />
    </div>
  `;
}

const LINES_MAX = 12;

function Battles({ points }) {
  const times = useMemo(() => timesOf(points), [points]);
  const kinds = useMemo(() => busiest(points), [points]);
  const series = useMemo(
    () => kinds.slice(0, LINES_MAX).map((kind) => ({
      name: kind.name,
      show: perSecond,
      values: points.map((point) => (point.battlesPerSecond ? rateOf(point, kind) : null)),
    })),
    [points, kinds],
  );
  if (!kinds.length) return html`<p class="empty">No battle within the last hour.</p>`;
  const last = points.at(-1);
  return html`
    <${Figures}>
      <${Figure} name="Battles" value=${perSecond(battles(last))} />
      <${Figure} name="Queued" value=${count(last.queuedBattles)} />
    <//>
    <div class="charts">
      <${Chart} title="Battles" times=${times} series=${series} />
    </div>
    ${kinds.length > LINES_MAX && html`<p class="note">The ${LINES_MAX} busiest are drawn; all are in the table.</p>`}
    <h3>By arena and league</h3>
    <${Table} caption="Battles by arena and league" rows=${kinds} keyOf=${(kind) => kind.name} columns=${[
      { name: "Arena", show: (kind) => html`<strong>${kind.arena}</strong>` },
      { name: "League", show: (kind) => kind.league },
      { name: "Now", numeric: true, show: (kind) => perSecond(rateOf(last, kind)) },
      { name: "Mean of the hour", numeric: true, show: (kind) => perSecond(kind.mean) },
      { name: "Most", numeric: true, show: (kind) => perSecond(kind.most) },
    ]} />
  `;
}

function rateOf(point, kind) {
  return point.battlesPerSecond?.find((one) => one.arena === kind.arena && one.league === kind.league)?.perSecond ?? 0;
}

// Every arena and league fought in, the busiest first.
function busiest(points) {
  const found = new Map();
  for (const { battlesPerSecond } of points) {
    for (const { arena, league } of battlesPerSecond ?? []) found.set(`${arena} · ${league}`, { name: `${arena} · ${league}`, arena, league });
  }
  for (const kind of found.values()) {
    const rates = points.filter((point) => point.battlesPerSecond).map((point) => rateOf(point, kind));
    kind.mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
    kind.most = Math.max(...rates);
  }
  return [...found.values()].sort((one, other) => other.mean - one.mean || one.name.localeCompare(other.name));
}
