// The owner's pages about people. Forms and buttons say in `data-send` which call they make; parts
// of a page that may have changed are asked for again (`changed`). Secrets are shown once.

import { call, day, notice, say } from "./owner.js";

const byId = (id) => document.getElementById(id);
const PREVIEW_PAUSE_MS = 400;

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-send]");
  if (!form) return;
  event.preventDefault();
  if (form.dataset.then === "invite") inviteAll(form);
  else send(form, fieldsOf(form));
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-send]");
  if (button) send(button);
  const wish = event.target.closest("button[data-leave-out]");
  if (wish) beginRule(wish.dataset.leaveOut, wish.dataset.reason);
});

async function send(source, body) {
  const { send: what, ask, done } = source.dataset;
  if (ask && !(await isSure(ask))) return;
  const [method, path] = what.split(" ");
  const button = source.matches("form") ? source.querySelector("[type=submit]") : source;
  button.disabled = true;
  try {
    const found = await call(method, path, body);
    if (source.matches("form")) refuse(source, "");
    if (done) notice(done);
    await finish(source, found);
  } catch (problem) {
    if (source.matches("form")) refuse(source, problem.message);
    else notice(problem.message, { isProblem: true });
  } finally {
    button.disabled = false;
  }
}

async function finish(source, found) {
  const { secret, text, then, mark, invite } = source.dataset;
  if (then === "reload") return location.reload();
  if (then === "question") return source.dispatchEvent(new Event("question-changed", { bubbles: true }));
  if (source.matches("form")) source.reset();
  if (invite) await tellCode(invite, found.code);
  else if (secret) await tellSecret(secret, text, found.secret);
  if (mark) return showMark(source, mark);
  document.body.dispatchEvent(new Event("changed"));
}

// Browsers send nothing after the "#", so no log of a server or proxy gets the code.
const linkWith = (code) => `${location.origin}/login#code=${code}`;

const tellCode = (name, code) =>
  tellSecret(say("invite.code", { name }), say("invite.code_hint", { name, address: `${location.origin}/login` }), code, linkWith(code));

// One name a line. A name that is refused stays in the form, with the reason; the others are in.
async function inviteAll(form) {
  const { name, role } = fieldsOf(form);
  const names = [...new Set(name.split("\n").map((line) => line.trim()).filter(Boolean))];
  const button = form.querySelector("[type=submit]");
  const invited = [], refused = [];
  button.disabled = true;
  for (const each of names) {
    try {
      const person = await call("POST", "/api/people", { name: each, role });
      const { code } = await call("POST", `/api/people/${encodeURIComponent(person.id)}/invites`);
      invited.push({ name: person.name, code });
    } catch (problem) {
      refused.push({ name: each, message: problem.message });
    }
  }
  button.disabled = false;
  form.elements.name.value = refused.map((each) => each.name).join("\n");
  refuse(form, refused.map((each) => each.message).join(" "));
  if (invited.length === 1) await tellCode(invited[0].name, invited[0].code);
  if (invited.length > 1) {
    await tellSecret(say("invite.links", { n: invited.length }), say("invite.links_hint"),
      invited.map((each) => `${each.name}: ${linkWith(each.code)}`).join("\n"));
  }
  document.body.dispatchEvent(new Event("changed"));
}

function fieldsOf(form) {
  const fields = {};
  for (const [name, value] of new FormData(form)) {
    fields[name] = ["true", "false"].includes(value) && name.startsWith("is_") ? value === "true" : value;
  }
  return fields;
}

function refuse(form, text) {
  const place = form.querySelector(".refused");
  if (place) place.textContent = text;
}

// A question that was marked stays where it is, so that the next one can be read on.
function showMark(source, mark) {
  const question = source.closest(".question");
  const line = document.createElement("p");
  line.className = "fine";
  line.textContent = mark === "known" ? say("verdict.in_pool") : say("verdict.out_of_pool");
  source.closest("form, p").replaceWith(line);
  question?.classList.add("is-settled");
  line.tabIndex = -1;
  line.focus();
}

function beginRule(labeler, reason) {
  const more = byId("rule-more");
  const form = more.querySelector("form");
  more.open = true;
  form.elements.labeler.value = labeler;
  form.elements.reason.value = reason;
  form.elements.name.focus();
  more.scrollIntoView({ block: "center" });
}

function isSure(question) {
  const dialog = byId("ask");
  byId("ask-text").textContent = question;
  dialog.showModal();
  return new Promise((resolve) => {
    const end = (answer) => {
      dialog.close();
      resolve(answer);
    };
    byId("ask-yes").onclick = () => end(true);
    byId("ask-no").onclick = () => end(false);
    dialog.oncancel = () => resolve(false);
  });
}

function tellSecret(title, text, secret, link = "") {
  const dialog = byId("secret");
  byId("secret-title").textContent = title;
  byId("secret-note").textContent = text;
  byId("secret-text").textContent = secret;
  byId("secret-link").textContent = link;
  byId("secret-copy-link").hidden = !link;
  byId("secret-copied").textContent = "";
  byId("secret-copy").onclick = () => copy(secret, "secret-text");
  byId("secret-copy-link").onclick = () => copy(link, "secret-link");
  byId("secret-done").onclick = () => dialog.close();
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.onclose = () => {
      byId("secret-text").textContent = byId("secret-link").textContent = "";
      resolve();
    };
  });
}

async function copy(secret, place) {
  const isCopied = await navigator.clipboard?.writeText(secret).then(() => true, () => false);
  if (!isCopied) getSelection().selectAllChildren(byId(place));
  byId("secret-copied").textContent = isCopied ? say("invite.copied") : say("invite.marked");
}

function showLocalTimes(place) {
  for (const time of place.querySelectorAll("time[datetime]")) {
    time.textContent = day(Date.parse(time.dateTime) / 1000);
  }
}

document.body.addEventListener("htmx:afterSwap", (event) => showLocalTimes(event.target));
// A part that an ended session turned into the login page: go there, instead of showing it inside.
document.body.addEventListener("htmx:beforeSwap", (event) => {
  if (new URL(event.detail.xhr.responseURL, location.href).pathname === "/login") {
    event.detail.shouldSwap = false;
    location.assign("/login");
  }
});
// What somebody has opened or begun to type must not vanish because a minute is over.
document.body.addEventListener("htmx:beforeRequest", (event) => {
  const place = event.detail.elt;
  const isBusy = place.querySelector("details[open]") || place.contains(document.activeElement);
  if (isBusy && event.detail.requestConfig.triggeringEvent?.type !== "changed" && place.id === "work") {
    event.preventDefault();
  }
});
showLocalTimes(document);

const draft = byId("instructions-text");
let pause = null;
draft?.addEventListener("input", () => {
  clearTimeout(pause);
  pause = setTimeout(async () => {
    const found = await call("POST", "/api/instructions/preview", { text: draft.value }).catch(() => null);
    // The server makes it from Markdown without tags, links or images of its own.
    if (found) byId("preview").innerHTML = found.html;
  }, PREVIEW_PAUSE_MS);
});
