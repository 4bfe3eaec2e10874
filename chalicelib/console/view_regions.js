// The world: regions, their health, who serves whom, how long they take to hear of each other.
import { age, count, number, perSecond, percent, seconds, UNKNOWN } from "arena/format";
import { battles, noMinutes, ratio } from "arena/history";
import { html } from "arena/html";
import { Badge, Figure, Figures, Panel, Table, When } from "arena/parts";
import { useResource } from "arena/polling";
import { HOME, picked, useLook } from "arena/region";
import { HEIGHT, LAND, placeOf, WIDTH } from "arena/worldmap";

const SLOW_SECONDS = 2;
const LATE_SECONDS = 10;

export function View({ region }) {
  return html`
    <${World} region=${region} />
    <${Glance} region=${region} />
    <${Replication} region=${region} />
  `;
}

function World({ region }) {
  return html`
    <${Panel} title="World" name="regions" of=${region.seen} size="full" note="seen from ${region.own || "here"}">
      ${() => html`<${Watched} key=${region.regions.map((one) => one.region).join()} region=${region} />`}
    <//>
  `;
}

// Drawn anew (its key) should the regions ever change: it watches each of them with hooks of its own.
function Watched({ region }) {
  const watched = region.regions.map((one) => ({
    ...one,
    health: useResource(one.base, "health/ready", { open: true }),
    view: useResource(one.base, "api/ops/regions", { own: one.base === HOME }),
  }));
  return html`
    <${WorldMap} watched=${watched} lags=${lagsBetween(watched)} chosen=${region.name} />
    <${Table} caption="Regions" rows=${watched} keyOf=${(one) => one.region} columns=${[
      { name: "Region", show: (one) => html`<${RegionName} one=${one} chosen=${region.name} />` },
      { name: "Health", show: (one) => html`<${Health} of=${one.health} base=${one.base} />` },
      { name: "Served by", show: (one) => html`<${ServedBy} one=${one} />` },
      { name: "Lag p50", numeric: true, show: (one) => seconds(one.from?.p50Seconds) },
      { name: "Lag p99", numeric: true, show: (one) => seconds(one.from?.p99Seconds) },
      { name: "Waiting", numeric: true, show: (one) => count(one.to?.waiting) },
      { name: "Oldest", numeric: true, show: (one) => age(one.to?.oldestSeconds) },
      { name: "Set aside", numeric: true, show: (one) => count(one.to?.setAside) },
      { name: "Page looks at", show: (one) => html`<${Look} one=${one} chosen=${region.name} />` },
    ]} />
    <p class="note">Lag: from a change there until it was applied in ${region.own}. Waiting: changes of ${region.own} that
      were not sent there yet.</p>
  `;
}

function RegionName({ one, chosen }) {
  return html`<strong>${one.region}</strong> <small>priority ${one.priority}${one.region === chosen ? ", looked at" : ""}</small>`;
}

function Health({ of, base }) {
  if (base === null) return html`<${Badge}>address not told<//>`;
  if (of.data) {
    const broken = Object.entries(of.data.dependencies).filter(([, state]) => state !== "up" && state !== "off");
    const text = broken.map(([name, state]) => `${name} ${state}`).join(", ");
    if (of.error) return html`<${Badge} tone="bad">unreachable<//>`;
    if (!of.data.ready) return html`<${Badge} tone="bad">not ready<//> <small>${text}</small>`;
    return broken.length ? html`<${Badge} tone="warn">ready<//> <small>${text}</small>` : html`<${Badge} tone="good">ready<//>`;
  }
  if (of.error) {
    return html`<${Badge} tone="bad">unreachable<//> <small title=${of.error.message}>${of.error.code}</small>`;
  }
  return html`<${Badge}>asking…<//>`;
}

function ServedBy({ one }) {
  if (one.servedBy === one.region) return "itself";
  if (one.servedBy === null) return html`<${Badge} tone="bad">nobody<//>`;
  return html`<${Badge} tone="warn">${one.servedBy}<//>`;
}

function Look({ one, chosen }) {
  if (one.region === chosen) return html`<${Badge} tone="good">this one<//>`;
  return html`<button class="quiet" disabled=${one.base === null} onClick=${() => (picked.value = one.region)}>
    Look at it<span class="unseen"> (${one.region})</span>
  </button>`;
}

// {"a b": {source, target, seconds}} with the slower of both directions; seconds null where nobody knows.
function lagsBetween(watched) {
  const pairs = [];
  watched.forEach((one, number) => {
    for (const other of watched.slice(number + 1)) {
      const ways = [lagOf(one, other), lagOf(other, one)].filter((value) => value !== null);
      pairs.push({ one: one.region, other: other.region, seconds: ways.length ? Math.max(...ways) : null });
    }
  });
  return pairs;
}

// From `source` to `target`, as `target` tells it.
function lagOf(source, target) {
  const told = target.view.data?.regions.find((one) => one.region === source.region);
  return told?.from?.p99Seconds ?? null;
}

function toneOf(lag) {
  if (lag === null) return "unknown";
  return lag < SLOW_SECONDS ? "good" : lag < LATE_SECONDS ? "warn" : "bad";
}

const LONG = 330;

function WorldMap({ watched, lags, chosen }) {
  const places = Object.fromEntries(watched.map((one, number) => [one.region, placeOf(one.region, number)]));
  const told = lags.map((lag) => `${lag.one} and ${lag.other} ${lag.seconds === null ? "not known" : seconds(lag.seconds)}`);
  return html`
    <svg class="world" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="xMidYMid slice" role="img" aria-label="Lag between regions, p99: ${told.join("; ")}">
      <path class="land" d=${LAND} />
      ${lags.map((lag) => {
        const [x1, y1] = places[lag.one];
        const [x2, y2] = places[lag.other];
        const length = Math.hypot(x2 - x1, y2 - y1);
        // Short ones bend to the north, long ones to the south: they keep clear of each other.
        const bend = length < LONG ? -length / 3 : length / 4;
        const [mx, my] = [(x1 + x2) / 2, (y1 + y2) / 2 + bend];
        // A quadratic curve passes halfway between its control point and the middle of its ends.
        const [tx, ty] = [mx, (y1 + y2) / 2 + bend / 2 + (bend < 0 ? -7 : 18)];
        return html`
          <g class="lag ${toneOf(lag.seconds)}" key="${lag.one} ${lag.other}">
            <path d="M${x1} ${y1}Q${mx} ${my} ${x2} ${y2}" />
            <text x=${tx} y=${ty}>${lag.seconds === null ? UNKNOWN : seconds(lag.seconds)}</text>
          </g>
        `;
      })}
      ${watched.map((one) => {
        const [x, y] = places[one.region];
        const well = one.health.data?.ready === true && one.health.error === null;
        const state = one.health.data === null && one.health.error === null ? "unknown" : well ? "good" : "bad";
        return html`
          <g class="place ${state} ${one.region === chosen ? "is-chosen" : ""}" key=${one.region}>
            <circle class="halo" cx=${x} cy=${y} r="11" />
            <circle cx=${x} cy=${y} r="6" />
            <text x=${x} y=${y + 26}>${one.region}</text>
          </g>
        `;
      })}
    </svg>
  `;
}

function Glance({ region }) {
  const history = useLook(region, "api/ops/history?minutes=60");
  return html`
    <${Panel} title="At a glance" name="glance" size="full" of=${history} note=${region.name}
      empty=${noMinutes}>
      ${(data) => {
        const last = data.points.at(-1);
        const failing = ratio(last.serverErrorsPerSecond, last.requestsPerSecond);
        return html`
          <${Figures}>
            <${Figure} name="Requests" value=${perSecond(last.requestsPerSecond)} />
            <${Figure} name="Server errors" value=${percent(failing)} tone=${failing > 0.01 ? "bad" : ""} />
            <${Figure} name="Latency p95" value=${seconds(last.latencyP95Seconds)} />
            <${Figure} name="Battles" value=${perSecond(battles(last))} />
            <${Figure} name="Queued battles" value=${count(last.queuedBattles)} />
            <${Figure} name="In use" value=${number(last.inUse)} hint="of ${count(last.ready)} ready" />
          <//>
        `;
      }}
    <//>
  `;
}

function verified(last) {
  return last.suspects ? `${last.collection}: ${count(last.suspects)} suspects` : `${last.collection}: equal`;
}

function Replication({ region }) {
  const replication = useLook(region, "api/ops/replication");
  return html`
    <${Panel} title="Replication" name="replication" size="full" of=${replication} note=${region.name}
      empty=${(data) => (data.replicating ? null : "This region stands alone: it replicates with nobody.")}>
      ${(data) => html`
        <${Figures}>
          <${Figure} name="Differences" value=${count(data.differencesTotal)} tone=${data.differencesTotal ? "warn" : ""} />
          <${Figure} name="Conflicts lately" value=${count(data.conflictsRecent)} />
          <${Figure} name="Last compared" value=${data.lastVerify ? html`<${When} at=${data.lastVerify.at} relative />` : UNKNOWN}
            why="nothing has been compared yet" hint=${data.lastVerify && verified(data.lastVerify)} />
        <//>
        <${Table} caption="Peers" rows=${data.peers} keyOf=${(one) => one.region} columns=${[
          { name: "Peer", show: (one) => html`<strong>${one.region}</strong>` },
          { name: "Sent", numeric: true, show: (one) => count(one.sent) },
          { name: "Failed", numeric: true, show: (one) => count(one.failed) },
          { name: "Applied", numeric: true, show: (one) => count(one.received?.applied) },
          { name: "Duplicates", numeric: true, show: (one) => count(one.received?.duplicate) },
          { name: "Dead", numeric: true, show: (one) => count(one.received?.dead) },
          { name: "Waiting", numeric: true, show: (one) => count(one.waiting) },
        ]} />
      `}
    <//>
  `;
}
