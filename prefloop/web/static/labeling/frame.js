/* The frame of the pages beside the labeling page: who is here, and logging out. */

import { askWhoIsHere, call, useToken } from "./api.js";
import { the } from "./elements.js";
import { applySettings, readSettings } from "./settings.js";

/** Return who is here; leads to the login page if nobody is. */
export async function whoIsHere() {
  applySettings(readSettings());
  the("leave").addEventListener("click", leave);
  try {
    const me = await askWhoIsHere();
    useToken(me.csrf);
    return me;
  } catch (error) {
    if (error.status === 401) location.replace(`/login?next=${location.pathname}`);
    throw error;
  }
}

async function leave() {
  await call("DELETE", "/api/session").catch(() => {});
  location.assign("/login");
}
