// Numbers with their units, times in the reader's zone. What is not known is a dash.
export const UNKNOWN = "–";

export const known = (value) => value !== null && value !== undefined && !Number.isNaN(value);
const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const SMALL = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

// To three digits, or all of a larger number's whole ones.
function rounded(value) {
  return (Math.abs(value) >= 100 ? WHOLE : SMALL).format(value);
}

export function count(value) {
  return known(value) ? WHOLE.format(value) : UNKNOWN;
}

export function number(value) {
  return known(value) ? rounded(value) : UNKNOWN;
}

export function perSecond(value) {
  return known(value) ? `${rounded(value)}/s` : UNKNOWN;
}

// A share of 0 to 1.
export function percent(share) {
  return known(share) ? `${rounded(share * 100)} %` : UNKNOWN;
}

export function seconds(value) {
  if (!known(value)) return UNKNOWN;
  if (value === 0) return "0 s";
  if (value < 0.001) return `${rounded(value * 1e6)} µs`;
  if (value < 1) return `${rounded(value * 1000)} ms`;
  if (value < 120) return `${rounded(value)} s`;
  return long(value);
}

// Whole seconds, without fractions: ages.
export function age(value) {
  if (!known(value)) return UNKNOWN;
  return value < 120 ? `${Math.round(value)} s` : long(value);
}

function long(value) {
  const minutes = Math.round(value / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export function bytes(value) {
  if (!known(value)) return UNKNOWN;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let size = value;
  let unit = 0;
  while (Math.abs(size) >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${rounded(size)} ${units[unit]}`;
}

// A moment of the API: ISO-8601 text, or seconds since 1970. Null where it is neither.
export function moment(value) {
  if (!known(value)) return null;
  const date = new Date(typeof value === "number" ? value * 1000 : value);
  return Number.isNaN(date.getTime()) ? null : date;
}

const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

export function local(date, today = new Date()) {
  const clock = CLOCK.format(date);
  return date.toDateString() === today.toDateString() ? clock : `${DAY.format(date)} ${clock}`;
}

export function utc(date) {
  return `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

export function words(name) {
  return String(name).replaceAll("_", " ");
}
