// The region's last minutes, as several views read them.
import { moment } from "arena/format";

// In place of a chart, while there is none.
export function noMinutes(data) {
  return data.points.length ? null : "No minute has been recorded yet; the first comes within a minute.";
}

export function seriesOf(points, named) {
  return named.map(([name, read, show]) => ({ name, show, values: points.map((point) => read(point) ?? null) }));
}

export function timesOf(points) {
  return points.map((point) => moment(point.at));
}

export function ratio(part, whole) {
  if (part === null || whole === null || part === undefined || whole === undefined) return null;
  return whole > 0 ? part / whole : 0;
}

export function battles(point) {
  return point.battlesPerSecond ? point.battlesPerSecond.reduce((sum, one) => sum + one.perSecond, 0) : null;
}
