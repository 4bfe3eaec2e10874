// Who is signed in: an operator's token, in this tab alone.
import { ask } from "arena/api";
import { kept, Store } from "arena/store";

const TOKEN_MINUTES = 60;
const TOKEN = /[#&]token=([^&]*)/;
const WELL_FORMED = /^[\w.-]+$/;

export const token = kept(sessionStorage, "arena.token", null, () => true);
// "configured" or "none", as the page was told; "unknown" where settings could not be read.
export const operators = new Store(document.querySelector('meta[name="arena-operators"]')?.content ?? "unknown");
// Why nobody is signed in any more; null = nobody was, or somebody is.
export const ended = new Store(null);
// Moves on with every sign-in: what was refused before may be asked again.
export const signIns = new Store(0);

// Takes the token of the address and removes it from there, before anything else sees it.
export function takeToken() {
  const found = TOKEN.exec(location.hash);
  if (!found) return;
  history.replaceState(null, "", location.pathname + location.search);
  if (WELL_FORMED.test(found[1])) signedIn(found[1]);
}

export async function signIn(base, email, password) {
  const body = { email, password, minutes: TOKEN_MINUTES };
  signedIn((await ask(base, "api/admin/auth/login", { method: "POST", body })).token);
}

export function signOut(reason = null) {
  token.value = null;
  ended.value = reason;
}

function signedIn(given) {
  ended.value = null;
  token.value = given;
  signIns.value += 1;
}

// The operator's address as the token says it; for showing only, the API checks it.
export function whoAmI() {
  try {
    const claims = token.value.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    return String(JSON.parse(atob(claims)).sub);
  } catch {
    return "operator";
  }
}

// What a refusal means for the session: the end of it, or that there are no operators at all. `own` = it is the
// region that serves this page; another one may have other operators.
export function heed(refusal, own = true) {
  if (own && refusal.status === 404 && operators.value === "unknown") operators.value = "none";
  if (refusal.status !== 401) return;
  if (refusal.code === "admin auth expired") signOut("Your sign-in has ended: it is good for an hour.");
  else if (own) signOut("Your sign-in is not accepted any more.");
}
