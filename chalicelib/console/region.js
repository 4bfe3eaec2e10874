// The regions, where their APIs are, and the one the page looks at.
import { ask } from "arena/api";
import { kept, useStore } from "arena/store";
import { refreshAll, useResource } from "arena/polling";
import { heed, token } from "arena/session";

// Where this page's own API is: the page is at <API>/console.
export const HOME = new URL(".", location.href).href;

export const picked = kept(sessionStorage, "arena.region", "", () => true);

// {home, name, base, own, regions}: `regions` with the base of each; `base` null where nobody said where it is.
export function useRegion() {
  const seen = useResource(HOME, "api/ops/regions");
  const choice = useStore(picked);
  const own = seen.data?.region ?? "";
  const regions = (seen.data?.regions ?? []).map((one) => ({ ...one, base: baseOf(one, own) }));
  const chosen = regions.find((one) => one.region === choice && one.base !== null);
  const name = chosen ? chosen.region : own;
  const base = chosen ? chosen.base : HOME;
  return { seen, own, name, base, isOwn: base === HOME, regions };
}

function baseOf(one, own) {
  if (one.region === own) return HOME;
  if (!one.url) return null;
  return one.url.endsWith("/") ? one.url : `${one.url}/`;
}

// GET of the region looked at.
export function useLook(region, path, { still = false } = {}) {
  return useResource(region.base, path, { own: region.isOwn, still });
}

// Changes something in the region looked at, then shows what has become of it.
export async function change(region, path, { method = "POST", body, patience } = {}) {
  try {
    return await ask(region.base, path, { method, body, patience, token: token.value });
  } catch (error) {
    heed(error, region.isOwn);
    throw error;
  } finally {
    refreshAll();
  }
}
