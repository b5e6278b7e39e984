/* Requests to the server: JSON both ways, with the token that shows they come from this page. */

import { refusalTold, say } from "./strings.js";

const TIMEOUT_MS = 20_000;

/** A request that the server refused, or that did not reach it (`status` 0). */
export class ApiError extends Error {
  constructor(status, code, message, retryAfter = null) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }

  /** Whether it may work later without anybody doing something. */
  get isPassing() {
    return this.status === 0 || this.status >= 500 || this.status === 429 || this.status === 408;
  }
}

let csrf = "";
let onAssets = () => {};

/** Use this token from now on. */
export function useToken(token) {
  csrf = token;
}

/** Call the listener with the version of the page's files that the server has. */
export function watchAssets(listener) {
  onAssets = listener;
}

/** Return who is logged in, with the progress of the day that it is here; throws ApiError. */
export function askWhoIsHere() {
  // JavaScript counts the minutes that this clock is behind Greenwich, the server those it is ahead.
  return call("GET", `/api/me?utc_offset_minutes=${-new Date().getTimezoneOffset()}`);
}

/** Return the server's response; throws ApiError. `stop` is a signal that aborts the request. */
export async function call(method, path, body, { keepalive = false, stop = null } = {}) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET") headers["X-CSRF-Token"] = csrf;
  let response;
  try {
    response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
      cache: "no-store",
      redirect: "error",
      keepalive,
      signal: endOf(stop),
    });
  } catch {
    throw new ApiError(0, "unreachable", say("api.unreachable"));
  }
  const assets = response.headers.get("X-Prefloop-Assets");
  if (assets) onAssets(assets);
  return read(response);
}

function endOf(stop) {
  const late = AbortSignal.timeout(TIMEOUT_MS);
  // An older browser lets the request end by itself.
  return stop && AbortSignal.any ? AbortSignal.any([late, stop]) : late;
}

async function read(response) {
  let content = null;
  if (response.status !== 204) {
    try {
      content = await response.json();
    } catch {
      if (response.ok) throw new ApiError(0, "unreadable", say("api.unreadable"));
    }
  }
  if (response.ok) return content;
  const message = refusalTold(content?.error) ?? say("api.status", { status: response.status });
  const after = Number.parseFloat(response.headers.get("Retry-After") ?? "");
  throw new ApiError(response.status, content?.error?.code ?? "", message, Number.isFinite(after) ? after : null);
}
