// The page: who is signed in, which region it looks at, which view is open.
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Refusal } from "arena/api";
import { html } from "arena/html";
import { Messages, Problem } from "arena/parts";
import { forgetAll, interval, INTERVALS, refreshAll, startPolling } from "arena/polling";
import { picked, useRegion } from "arena/region";
import { ended, operators, signOut, takeToken, token, whoAmI } from "arena/session";
import { Gate, SignInAgain } from "arena/sign_in";
import { kept, useStore } from "arena/store";

// Their names, and their modules, which come when they are wanted.
const VIEWS = {
  regions: ["Regions", () => import("arena/view_regions")],
  environments: ["Environments", () => import("arena/view_environments")],
  scaling: ["Scaling", () => import("arena/view_scaling")],
  queues: ["Queues", () => import("arena/view_queues")],
  traffic: ["Traffic", () => import("arena/view_traffic")],
  stores: ["Cache & database", () => import("arena/view_stores")],
  actions: ["Actions", () => import("arena/view_actions")],
};
const THEMES = { auto: "Theme: as the system", light: "Theme: light", dark: "Theme: dark" };
const theme = kept(localStorage, "arena.theme", "auto", (found) => found in THEMES);

theme.follow((value) => {
  if (value === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = value;
});

const viewOf = (hash) => (hash.slice(1) in VIEWS ? hash.slice(1) : "regions");

function App() {
  const signedIn = useStore(token) !== null;
  const why = useStore(ended);
  const none = useStore(operators) === "none";
  if (none || (!signedIn && why === null)) return html`<${Gate} />`;
  return html`<${Page} />${!signedIn && html`<${SignInAgain} />`}`;
}

function Page() {
  const region = useRegion();
  const [view, setView] = useState(viewOf(location.hash));
  useEffect(() => {
    const moved = () => {
      setView(viewOf(location.hash));
      scrollTo(0, 0);
    };
    addEventListener("hashchange", moved);
    return () => removeEventListener("hashchange", moved);
  }, []);
  const [title] = VIEWS[view];
  useEffect(() => {
    document.title = `${title} · ${region.name || "AIBA Arena"}`;
  }, [title, region.name]);
  useEffect(() => {
    // On a phone the views' names scroll.
    document.querySelector("nav [aria-current]").scrollIntoView({ block: "nearest", inline: "center" });
  }, [view]);
  return html`
    <a class="skip" href="#main" onClick=${skip}>Skip to the content</a>
    <header class="top">
      <p class="brand">AIBA Arena <span>console</span></p>
      <${RegionPicker} region=${region} />
      <${Refreshing} />
      <${Account} />
    </header>
    <nav aria-label="Views">
      <ul>
        ${Object.entries(VIEWS).map(([name, [label]]) => html`
          <li key=${name}><a href="#${name}" aria-current=${name === view ? "page" : undefined}>${label}</a></li>
        `)}
      </ul>
    </nav>
    <main id="main" tabindex="-1">
      <h1>${title}</h1>
      ${region.seen.data || view === "regions"
        ? html`<${View} key="${view} ${region.name}" name=${view} region=${region} />`
        : region.seen.error && html`<div class="panel"><${Problem} error=${region.seen.error} retry=${region.seen.reload} /></div>`}
    </main>
    <${Messages} />
  `;
}

function View({ name, region }) {
  const [{ module, failed }, setLoaded] = useState({ module: null, failed: false });
  const load = () => VIEWS[name][1]().then(
    (found) => setLoaded({ module: found, failed: false }),
    () => setLoaded({ module: null, failed: true }),
  );
  useEffect(() => void load(), [name]);
  if (failed) return html`<div class="panel"><${Problem} error=${UNLOADED} retry=${load} /></div>`;
  return module && html`<div class="panels" data-view=${name}><${module.View} region=${region} /></div>`;
}

const UNLOADED = new Refusal({ code: "not loaded", message: "this part of the page could not be loaded" });

function skip(event) {
  // The hash names the view: only the focus moves.
  event.preventDefault();
  document.getElementById("main").focus();
}

function RegionPicker({ region }) {
  const known = region.regions.filter((one) => one.base !== null);
  return html`
    <label class="pick"><span class="unseen">Region looked at</span>
      <select name="region" value=${region.name} onChange=${(event) => (picked.value = event.target.value)}>
        ${known.length ? known.map((one) => html`<option key=${one.region} value=${one.region}>${one.region}</option>`)
          : html`<option value=${region.name}>${region.name || "this region"}</option>`}
      </select>
    </label>
  `;
}

function Refreshing() {
  const chosen = useStore(interval);
  return html`
    <label class="pick"><span class="unseen">Refresh</span>
      <select name="refresh" value=${chosen} onChange=${(event) => (interval.value = event.target.value)}>
        ${INTERVALS.map((one) => html`<option key=${one} value=${one}>${one === "off" ? "paused" : `every ${one} s`}</option>`)}
      </select>
    </label>
    <button class="quiet icon" aria-label="Refresh now" title="Refresh now" onClick=${refreshAll}>↻</button>
  `;
}

function Account() {
  const chosen = useStore(theme);
  const leave = () => {
    signOut();
    forgetAll();
  };
  const next = { auto: "light", light: "dark", dark: "auto" }[chosen];
  return html`<div class="account">
    <button class="quiet icon" aria-label=${THEMES[chosen]} title=${THEMES[chosen]} onClick=${() => (theme.value = next)}>
      ${{ auto: "◐", light: "☀", dark: "☾" }[chosen]}
    </button>
    <span class="who" title="Signed in as ${whoAmI()}">${whoAmI()}</span>
    <button class="quiet" onClick=${leave}>Sign out</button>
  </div>`;
}

takeToken();
// An address with another token, pasted over this one, loads nothing anew.
addEventListener("hashchange", takeToken);
startPolling();
render(html`<${App} />`, document.getElementById("page"));
