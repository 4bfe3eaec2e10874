// Asking the API: the envelope opened, refusals as errors with code, message and request id.
const PATIENCE_MS = 15_000;

export class Refusal extends Error {
  constructor({ status = 0, code, message, requestId = null, details = null, retrySeconds = null }) {
    super(message || code);
    Object.assign(this, { status, code, requestId, details, retrySeconds });
  }
}

export async function ask(base, path, { method = "GET", body, token, patience = PATIENCE_MS } = {}) {
  const headers = {};
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response;
  let text;
  try {
    response = await fetch(base + path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      signal: AbortSignal.timeout(patience),
    });
    text = await response.text();
  } catch (error) {
    throw error.name === "TimeoutError"
      ? new Refusal({ code: "timed out", message: `no answer within ${patience / 1000} s` })
      : new Refusal({ code: "unreachable", message: "the API could not be reached from this browser" });
  }
  return opened(response, text);
}

function opened(response, text) {
  const requestId = response.headers.get("X-Request-Id");
  let envelope = null;
  try {
    envelope = JSON.parse(text);
  } catch {
    // Not the arena's answer: a gateway's.
  }
  if (envelope?.ok === true) return envelope.data;
  const error = envelope?.error ?? {};
  throw new Refusal({
    status: response.status,
    code: error.code ?? `HTTP ${response.status}`,
    message: error.message ?? "not an answer of the arena",
    details: error.details,
    requestId: envelope?.requestId ?? requestId,
    retrySeconds: retryAfter(response.headers.get("Retry-After")),
  });
}

function retryAfter(header) {
  const seconds = Number(header);
  return header !== null && header.trim() !== "" && seconds >= 0 ? seconds : null;
}
