/* Leaving the page: never without a word while work is unsent, unless somebody chose to. */

import { call } from "./api.js";
import { the } from "./elements.js";
import { toast } from "./notices.js";

let isChosen = false;

/** Let the browser ask before the page is closed with unsent work. */
export function guardUnsent(outbox) {
  addEventListener("beforeunload", (event) => {
    if (!isChosen && outbox.waiting.length) event.preventDefault();
  });
  the("login-again").addEventListener("click", toLogin);
  the("assets-reload").addEventListener("click", reload);
}

/** To the login page and back; what waits is kept in the browser. */
export function toLogin() {
  isChosen = true;
  location.assign("/login?next=/label");
}

function reload() {
  isChosen = true;
  location.reload();
}

/** Log out: questions that were not answered go back to the others. */
export async function logOut(feed) {
  try {
    await feed.release().catch(() => {});
    await call("DELETE", "/api/session");
    isChosen = true;
    location.assign("/login");
  } catch (error) {
    if (error.status === 401) toLogin();
    else toast(error.message);
  }
}
