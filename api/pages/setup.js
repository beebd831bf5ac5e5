// The form behind a link that is good once. What stands behind the "#" of the address says which: token (set-up),
// invitation or reset; the browser sends it to nobody but the route that it is for.
"use strict";

const routes = { token: "/setup", invitation: "/auth/accept-invitation", reset: "/auth/reset-password" };
const given = new URLSearchParams(location.hash.slice(1));
const kind = Object.keys(routes).find((each) => given.has(each));
const token = kind ? given.get(kind) : "";
history.replaceState(null, "", location.pathname); // the token stays in no history

const form = document.querySelector("form");
const told = document.querySelector("#told");
const button = form.querySelector("button");

function show(selector, shown) {
  for (const each of document.querySelectorAll(selector)) {
    each.hidden = !shown;
    for (const input of each.querySelectorAll("input")) input.disabled = !shown;
  }
}

// What the house answers is English; a page in another language brings its own words for what is likely.
function inOurWords(status, detail) {
  const words = told.dataset;
  if (status === 429) return words.often || detail;
  if (/^(This link|body.token)/.test(detail)) return words.void || detail;
  if (/^(The password|body.password)/.test(detail)) return words.weak || detail;
  if (/user named|user's name|another name|body.username/.test(detail)) return words.name || detail;
  return detail;
}

for (const each of ["token", "invitation", "reset"]) show(`.${each}`, false);
if (kind) show(`.${kind}`, true);
else show(".none", true);
form.hidden = !kind;

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  told.textContent = "";
  if (form.password.value !== form.again.value) {
    told.textContent = told.dataset.differ;
    form.again.focus();
    return;
  }
  const body = { token, password: form.password.value };
  if (kind !== "reset") body.username = form.username.value;
  if (kind === "token") body.company_name = form.company_name.value;
  button.disabled = true;
  try {
    const answer = await fetch(routes[kind], {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Requested-With": "secretary" },
      body: JSON.stringify(body),
    });
    if (answer.ok) {
      form.hidden = true;
      show(`.${kind}`, false);
      show(".done", true);
    } else {
      told.textContent = inOurWords(answer.status, (await answer.json()).detail);
    }
  } catch {
    told.textContent = told.dataset.away;
  } finally {
    button.disabled = false;
  }
});
