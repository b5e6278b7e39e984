/* The login page: a code, or a name and a password. What waits in this browser is sent afterwards. */

import { call } from "./api.js";
import { the } from "./elements.js";
import { applySettings, readSettings } from "./settings.js";
import { Shelf } from "./shelf.js";
import { listed, say } from "./strings.js";

/** Where to go after login: only to a page of this server. */
export function nextPage(search) {
  const wanted = new URLSearchParams(search).get("next") ?? "/";
  return /^\/(?![/\\])[\w/?=&-]*$/.test(wanted) ? wanted : "/";
}

function wire(formId, refusedId, read) {
  const form = the(formId);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("[type=submit]");
    if (button.disabled) return;
    button.disabled = true;
    the(refusedId).textContent = "";
    try {
      await call("POST", "/api/session", read());
      location.replace(nextPage(location.search));
    } catch (error) {
      the(refusedId).textContent = error.message;
      button.disabled = false;
      form.querySelector("input:last-of-type").select();
    }
  });
}

function show(formId) {
  for (const id of ["by-code", "by-password"]) the(id).hidden = id !== formId;
  the(formId).querySelector("input").focus();
}

async function tellWaiting() {
  const shelf = await Shelf.open();
  const names = [...new Set((await shelf.all()).map((entry) => entry.person))];
  the("waiting").textContent = say("login.waiting", { names: listed(names, "conjunction") });
  the("waiting").hidden = names.length === 0;
}

/** Fill in the code that a link brought. It logs in only when its reader says so, and leaves the address. */
function takeCode() {
  const code = new URLSearchParams(location.hash.slice(1)).get("code");
  if (!code) return false;
  history.replaceState(null, "", location.pathname + location.search);
  the("code").value = code;
  the("code-from-link").textContent = say("login.from_link");
  the("by-code").querySelector("[type=submit]").focus();
  return true;
}

applySettings(readSettings());
const isInvited = takeCode();
wire("by-code", "code-refused", () => ({ code: the("code").value }));
wire("by-password", "password-refused", () => ({ name: the("name").value, password: the("password").value }));
for (const button of document.querySelectorAll("[data-way]")) button.addEventListener("click", () => show(button.dataset.way));
tellWaiting();
// Whoever came by a link from another site may be logged in: the cookie did not travel with that click.
// With a code it may be somebody else's turn at this browser.
if (!isInvited) call("GET", "/api/me").then(() => location.replace(nextPage(location.search)), () => {});
