// `pages` (location, title, text of every section) is put before this when the site is built.
const SHOWN = 40;
const AROUND = 120;

const escaped = (text) => {
  const element = document.createElement("p");
  element.textContent = text;
  return element.innerHTML;
};

const plain = (markup) => new DOMParser().parseFromString(markup, "text/html").body.textContent;

const excerpt = (text, words) => {
  const lower = text.toLowerCase();
  const places = words.map((word) => lower.indexOf(word)).filter((place) => place >= 0);
  const from = Math.max(0, Math.min(...(places.length ? places : [0])) - AROUND / 2);
  return (from ? "…" : "") + text.slice(from, from + 2 * AROUND) + "…";
};

const found = (query) => {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return [];
  const rated = pages.map((page) => {
    const title = page.title.toLowerCase();
    const text = page.text.toLowerCase();
    let points = 0;
    for (const word of words) {
      const times = text.split(word).length - 1;
      if (!title.includes(word) && !times) return { page, points: 0 };
      points += (title.includes(word) ? 10 : 0) + Math.min(times, 5);
    }
    return { page, points, words };
  });
  return rated.filter((one) => one.points).sort((a, b) => b.points - a.points).slice(0, SHOWN);
};

const show = (query) => {
  const results = document.getElementById("properdocs-search-results");
  const rows = found(query).map(({ page, words }) => {
    const summary = escaped(excerpt(plain(page.text), words));
    return `<article><h3><a href="${base_url}/${page.location}">${escaped(plain(page.title))}</a></h3><p>${summary}</p></article>`;
  });
  results.innerHTML = rows.join("") || "<p>Nothing found.</p>";
};

document.addEventListener("DOMContentLoaded", () => {
  const input = document.getElementById("properdocs-search-query");
  if (!input) return;
  input.addEventListener("input", () => show(input.value));
  input.value = new URLSearchParams(location.search).get("q") || "";
  if (input.value) show(input.value);
});
