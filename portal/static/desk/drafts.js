// What somebody has typed on the page of a request and not sent is never lost: it waits in their tab, for each person,
// request and field. Whoever decides while a message is not sent is stopped, once. Nothing here is needed to decide.

const page = document.getElementById("request");
const fields = [...page.querySelectorAll("[data-draft]")];
const store = (() => { try { return sessionStorage; } catch { return null; } })();
const key = (field, what = "draft") => `${what} ${page.dataset.draftOf} ${field.id}`;

function keep(field) {
  if (field.form.dataset.sent) return;
  if (field.value) store?.setItem(key(field), field.value);
  else store?.removeItem(key(field));
}

// A form that was sent may come back without having been taken: its person was signed out, or the line was down.
const plain = (text) => text.replace(/\s+/g, " ").trim();
const done = document.querySelector(".messages .note-good") !== null;
const said = (text) => plain(document.getElementById("conversation")?.textContent ?? "").includes(plain(text));

for (const field of fields) {
  const sent = store?.getItem(key(field, "sent"));
  store?.removeItem(key(field, "sent"));
  const lost = sent && !done && !said(sent) ? sent : "";
  if (!field.value) field.value = store?.getItem(key(field)) || lost;
  keep(field);
  if (field.value) field.closest("details")?.setAttribute("open", "");
  field.addEventListener("input", () => keep(field));
}
addEventListener("pagehide", () => fields.forEach(keep));
// Whoever comes back by the browser's own history may write on.
addEventListener("pageshow", () => { for (const { form } of fields) delete form.dataset.sent; });
// Whoever signs out, or comes after them, finds nothing.
document.querySelector(".who form")?.addEventListener("submit", () => store?.clear());

// What was typed into a form that is gone, since the request came to its end meanwhile, can still be read and copied.

// A text on its way counts as well, unless it has arrived.

function takeGone(what) {
  const begun = key({ id: "" }, what);
  const gone = Object.keys(store ?? {}).filter((one) => one.startsWith(begun) && !document.getElementById(one.slice(begun.length)));
  return gone.map((one) => [store.getItem(one), store.removeItem(one)][0]);
}
const underWay = takeGone("sent").filter((text) => !done && !said(text));
const texts = [...takeGone("draft"), ...underWay];
if (texts.length) {
  const notice = document.getElementById("left-over").content.firstElementChild.cloneNode(true);
  notice.querySelector(".said").textContent = texts.join("\n\n");
  page.before(notice);
}

// Deciding while a message is not sent.

const unsent = () => [...page.querySelectorAll(".talk-form :is(textarea, [type=file])")].find((one) => one.value.trim());

function warn(form, button, message) {
  document.querySelector(".unsent")?.remove();
  const notice = document.getElementById("unsent").content.firstElementChild.cloneNode(true);
  const back = () => {
    delete form.dataset.warned;
    notice.remove();
    message.closest("details")?.setAttribute("open", "");
    message.focus();
  };
  notice.querySelector("[data-back]").addEventListener("click", back);
  notice.querySelector("[data-on]").addEventListener("click", () => form.requestSubmit(button));
  notice.addEventListener("keydown", (event) => event.key === "Escape" && back());
  form.dataset.warned = "1";
  button.before(notice);
  notice.querySelector("[data-back]").focus();
  notice.scrollIntoView({ block: "nearest" });
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  const message = form.matches("[data-decides]") && !form.dataset.warned && unsent();
  if (message) {
    event.preventDefault();
    event.stopPropagation();
    warn(form, event.submitter ?? form.querySelector("button:not([hidden])"), message);
    return;
  }
  for (const field of fields.filter((one) => one.form === form && one.value)) {
    store?.setItem(key(field, "sent"), field.value);
    store?.removeItem(key(field));
  }
  form.dataset.sent = "1";
}, true);
