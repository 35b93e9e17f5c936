// What all parts have in common that htmx renews: one that takes long says that it is busy, and one bar says since when
// the page is not up to date, that it is tried again, and how to do so at once. The page's own script says what is new
// in the same bar ("desk:say"). Nothing here is needed to read or to decide.

const bar = document.getElementById("fresh");
const words = bar.dataset;
// Milliseconds; what is quicker needs no sign.
const SLOW = 400;
// Whoever may not see the page any more will not see it by asking again.
const GONE = [401, 403, 404, 410];

const clock = clockIn(words.zone) ?? clockIn();
let since = new Date();

// The server may know a zone that the browser does not.
function clockIn(timeZone) {
  try {
    return new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone });
  } catch {
    return null;
  }
}

// What could not be done, since when nothing is renewed, and what is new: the first of them is said.
let failed = null, stale = null, news = null;

function show() {
  const said = failed ?? stale ?? news;
  if ((said?.text ?? "") === (bar.dataset.said ?? "")) return;
  bar.dataset.said = said?.text ?? "";
  bar.replaceChildren();
  if (!said) return;
  const note = document.createElement("div");
  note.className = `note note-${said.look}`;
  const text = document.createElement("p");
  text.textContent = said.text;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = said.label;
  button.addEventListener("click", () => (failed ?? stale ?? news)?.act());
  note.append(text, button);
  bar.append(note);
}

document.addEventListener("desk:say", (event) => { news = event.detail; show(); });

// Being loaded.

const timers = new WeakMap();
document.addEventListener("htmx:beforeSend", ({ detail: { xhr, target } }) => {
  timers.set(xhr, setTimeout(() => target.setAttribute("aria-busy", "true"), SLOW));
});

// Not up to date, and up to date again.

const renews = (element) => element.hasAttribute("hx-trigger");

function again(element) {
  if (!element.isConnected) location.reload();
  else if (renews(element)) htmx.ajax("GET", element.getAttribute("hx-get"), { source: element, target: element, swap: "outerHTML" });
  else element.click();
}

function unrenewed(element, status) {
  if (GONE.includes(status)) return { text: words.gone, look: "wait", label: words.reload, act: () => location.reload() };
  const text = words.stale.replace("%(time)s", clock.format(since));
  return { text, look: "wait", label: words.again, act: () => again(element) };
}

// Of an element that was replaced the event comes from its parent; what was asked for is its target.
document.addEventListener("htmx:afterRequest", ({ detail: { xhr, target, successful, requestConfig } }) => {
  const elt = renews(target) ? target : requestConfig.elt;
  clearTimeout(timers.get(xhr));
  target.removeAttribute("aria-busy");
  if (renews(elt)) {
    if (successful) since = new Date();
    stale = successful ? null : unrenewed(elt, xhr.status);
  } else failed = successful ? null : { text: words.failed, look: "bad", label: words.again, act: () => again(elt) };
  show();
});
addEventListener("online", () => stale?.act());
// Whoever writes on has read it.
addEventListener("input", () => { failed = null; show(); });
