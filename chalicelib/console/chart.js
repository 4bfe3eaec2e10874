// A chart over time (uPlot), drawn in the page's colours, readable by pointer, by keyboard and as a table.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { local, UNKNOWN, utc } from "arena/format";
import { html } from "arena/html";
import { Table } from "arena/parts";

const HEIGHT = 200;
const DASHES = [[], [6, 4], [2, 3], [10, 4, 2, 4]];
export const COLOURS = ["--series-1", "--series-2", "--series-3", "--series-4", "--series-5", "--series-6"];

// series: [{name, values, show}], one value (or null) for each of `times` (Date). `show` writes a value with its unit.
export function Chart({ title, times, series, zero = true }) {
  const [place, setPlace] = useState(null);
  const box = useRef(null);
  const data = useMemo(
    () => [times.map((time) => time.getTime() / 1000), ...series.map((one) => one.values.map((value) => value ?? null))],
    [times, series],
  );
  usePlot(box, data, series, zero, setPlace);
  const at = place !== null && place < times.length ? place : times.length - 1;
  return html`
    <figure class="chart">
      <figcaption>
        <span>${title}</span>
        <time title=${utc(times[at])} datetime=${times[at].toISOString()}>${local(times[at])}</time>
      </figcaption>
      <ul class="legend ${series.length > 2 ? "is-long" : ""}">
        ${series.map((one, number) => html`
          <li key=${one.name}>
            <i class="key key-${number % COLOURS.length} ${number >= COLOURS.length ? "dashed" : ""}"></i>
            ${one.name} <b>${one.values[at] === null ? UNKNOWN : one.show(one.values[at])}</b>
          </li>
        `)}
      </ul>
      <div class="plot" ref=${box} tabindex="0" role="img" aria-label=${described(title, series, times)}
        onKeyDown=${(event) => setPlace(moved(event, at, times.length))}></div>
      <details>
        <summary>As a table</summary>
        <${Table} caption=${title} rows=${times.map((time, row) => ({ time, row })).reverse()}
          keyOf=${({ time }) => time.getTime()}
          columns=${[
            { name: "Time", show: ({ time }) => html`<time title=${utc(time)}>${local(time)}</time>` },
            ...series.map((one) => ({ name: one.name, numeric: true, show: ({ row }) => shown(one, row) })),
          ]} />
      </details>
    </figure>
  `;
}

const shown = (one, row) => (one.values[row] === null ? UNKNOWN : one.show(one.values[row]));

function described(title, series, times) {
  const last = series.map((one) => `${one.name} ${shown(one, times.length - 1)}`).join(", ");
  return `${title}, ${times.length} minutes; latest: ${last}. Arrow keys move through the minutes.`;
}

function moved(event, at, length) {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (step === undefined) return at;
  event.preventDefault();
  return Math.min(length - 1, Math.max(0, at + step));
}

function usePlot(box, data, series, zero, setPlace) {
  const plot = useRef(null);
  const names = series.map((one) => one.name).join("\n");
  useEffect(() => {
    const element = box.current;
    const build = () => {
      const drawn = plot.current?.data ?? data;
      plot.current?.destroy();
      plot.current = new uPlot(options(element, series, zero, setPlace), drawn, element);
    };
    build();
    const resized = new ResizeObserver(() => {
      if (plot.current && element.clientWidth && plot.current.width !== element.clientWidth) {
        plot.current.setSize({ width: element.clientWidth, height: HEIGHT });
      }
    });
    resized.observe(element);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", build);
    const themed = new MutationObserver(build);
    themed.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    return () => {
      dark.removeEventListener("change", build);
      themed.disconnect();
      resized.disconnect();
      plot.current.destroy();
      plot.current = null;
    };
  }, [names]);
  useEffect(() => plot.current?.setData(data), [data]);
}

// A variable's colour as the page has it now, its theme taken into account.
function colour(element, variable) {
  const probe = element.ownerDocument.createElement("i");
  probe.style.color = `var(${variable})`;
  element.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function options(element, series, zero, setPlace) {
  const text = colour(element, "--muted");
  const line = colour(element, "--line");
  const axis = { stroke: text, font: "12px system-ui, sans-serif", grid: { stroke: line, width: 1 }, ticks: { show: false } };
  return {
    width: element.clientWidth || 300,
    height: HEIGHT,
    legend: { show: false },
    padding: [8, 12, 0, 0],
    cursor: { drag: { setScale: false }, points: { size: 7 }, y: false },
    scales: { x: { time: true }, y: { range: (_, low, high) => range(low, high, zero) } },
    axes: [
      { ...axis, space: 70, size: 30, values: (_, ticks) => ticks.map((tick) => local(new Date(tick * 1000)).slice(-8, -3)) },
      { ...axis, size: 62, values: (_, ticks) => ticks.map((tick) => series[0].show(tick)) },
    ],
    series: [
      {},
      ...series.map((one, number) => ({
        label: one.name,
        stroke: colour(element, COLOURS[number % COLOURS.length]),
        width: 2,
        dash: number >= COLOURS.length ? DASHES[Math.floor(number / COLOURS.length) % DASHES.length] : undefined,
        points: { show: one.values.filter((value) => value !== null).length < 3, size: 6 },
        spanGaps: false,
      })),
    ],
    hooks: { setCursor: [(plot) => setPlace(plot.cursor.idx ?? null)] },
  };
}

function range(low, high, zero) {
  if (low === null || high === null) return [0, 1];
  const bottom = zero ? Math.min(0, low) : low;
  return high <= bottom ? [bottom, bottom + 1] : [bottom, high + (high - bottom) * 0.08];
}
