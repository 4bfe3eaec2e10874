"""What is asked of a page as a whole, as scripts that return what is wrong."""

from typing import Final

CONTRAST: Final = """
  const numbers = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (rgb) => rgb.slice(0, 3)
    .map((value) => value / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
    .reduce((sum, value, place) => sum + value * [0.2126, 0.7152, 0.0722][place], 0);
  const ground = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const found = numbers(getComputedStyle(one).backgroundColor);
      if (found.length < 4 || found[3] === 1) return found;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const said = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!said || element.closest("svg, .unseen, .skip, :disabled, option") || !element.offsetParent) continue;
    const own = light(numbers(getComputedStyle(element).color));
    const other = light(ground(element));
    const ratio = (Math.max(own, other) + 0.05) / (Math.min(own, other) + 0.05);
    if (ratio < 4.5) found.push(`${element.tagName}.${element.className} ${element.textContent.trim()} ${ratio}`);
  }
  return found;
"""
"""Text whose contrast with its ground is below 4.5 : 1 (WCAG 2.2, 1.4.3)."""

NAMELESS: Final = """
  return [...document.querySelectorAll("button, a, input, select")]
    .filter((one) => !(one.textContent.trim() || one.ariaLabel || one.labels?.length))
    .map((one) => one.outerHTML);
"""
"""Controls without a name (WCAG 2.2, 4.1.2)."""

OVERFLOW: Final = """
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  return [...document.querySelectorAll("body *")]
    .filter((one) => one.getBoundingClientRect().right > width + 1)
    .map((one) => `${one.tagName}.${one.className} ${one.getBoundingClientRect().right}`);
"""
"""What reaches beyond the page's right edge, so that it scrolls sideways."""

WATCH_SHIFTS: Final = """
  window.watching?.disconnect();
  window.shifts = null;
  const isAge = (node) => (node instanceof Element ? node : node?.parentElement)?.closest(".freshness");
  const moved = (entry) => entry.sources.filter(({ node }) => !isAge(node)).map(({ node, previousRect, currentRect }) =>
    `${(node?.parentElement ?? node)?.outerHTML.slice(0, 200)}: ${JSON.stringify([previousRect, currentRect])}`);
  const watch = () => {
    window.shifts = [];
    window.watching = new PerformanceObserver((seen) => window.shifts.push(...seen.getEntries().flatMap(moved)));
    window.watching.observe({ type: "layout-shift" });
  };
  // After the frame that shows what the page has just drawn: what moves for that was asked for.
  requestAnimationFrame(() => requestAnimationFrame(watch));
"""
"""Has the page note in ``window.shifts`` what moves without being asked to; null until it watches.

An age has a digit more after ten seconds, refreshed or not: its own text may move, nothing beside it.
"""
