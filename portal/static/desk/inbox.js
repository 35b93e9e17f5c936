// The desk without waiting for it: keys, time that counts down, and a list that stays fresh under the hand of whoever
// works in it. Nothing here is needed to decide.

const words = document.getElementById("inbox-words").dataset;
const inbox = () => document.getElementById("inbox");
const bulk = document.getElementById("bulk");
const rows = () => [...inbox().querySelectorAll("tbody tr")];
const boxes = () => [...inbox().querySelectorAll("input[name=pick]")];
const picked = () => boxes().filter((box) => box.checked);

// Time left. The server wrote it in words; here it goes on.

const number = (value, unit, unitDisplay = "long") =>
  new Intl.NumberFormat(document.documentElement.lang, { style: "unit", unit, unitDisplay })
    .formatToParts(value).map((one) => one.value.trim()).filter(Boolean).join(" ");  // As the server spaces them.

function span(seconds) {
  const days = Math.floor(seconds / 86400), hours = Math.floor(seconds / 3600) % 24, minutes = Math.floor(seconds / 60) % 60;
  if (days) return [number(days, "day"), hours && number(hours, "hour")];
  if (hours) return [number(hours, "hour"), minutes && number(minutes, "minute")];
  return [minutes && number(minutes, "minute", "short"), number(seconds % 60, "second", "short")];
}

function count() {
  for (const time of inbox().querySelectorAll(".counts time")) {
    const left = Math.floor((Date.parse(time.dateTime) - Date.now()) / 1000);
    const said = left < 0 ? words.over : words.left.replace("%(span)s", span(left).filter(Boolean).join(" "));
    if (time.textContent !== said) time.textContent = said;
    time.classList.toggle("late", left < 3600);
  }
}
setInterval(count, 1000);
count();

// Selecting.

const status = document.getElementById("selected");
const invitation = status?.textContent;

function selected() {
  if (!status) return;
  const many = picked().length;
  const said = many === 1 ? status.dataset.one : status.dataset.many.replace("%(n)s", many);
  status.textContent = many ? said : invitation;
  const all = document.getElementById("pick-all");
  if (!all) return;
  const theirs = beside(all);
  all.checked = theirs.every((box) => box.checked);
  all.indeterminate = !all.checked && theirs.some((box) => box.checked);
}
const beside = (all) => [...all.closest("section").querySelectorAll("input[name=pick]")];
document.addEventListener("change", (event) => {
  if (event.target.id === "pick-all") for (const box of beside(event.target)) box.checked = event.target.checked;
  if (event.target.matches("#pick-all, [name=pick]")) selected();
});
addEventListener("pageshow", selected);

// Fresh rows. They wait while somebody selects or types in the list; the counts on the tabs do not.

let forced = false;

const say = (text) => document.dispatchEvent(new CustomEvent("desk:say",
  { detail: text ? { text, look: "ask", label: words.show, act: show } : null }));

const busy = () => picked().length > 0 || Boolean(document.activeElement?.closest("#inbox input, #inbox select, #inbox textarea"));

function show() {
  forced = true;
  const list = inbox();
  const over = () => { forced = false; };
  htmx.ajax("GET", list.getAttribute("hx-get"), { source: list, target: list, swap: "outerHTML" }).then(over, over);
}

function hold(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  document.getElementById("tabs").replaceChildren(...fresh.getElementById("tabs").childNodes);
  const known = new Set(rows().map((row) => row.id));
  const many = [...fresh.querySelectorAll("#inbox tbody tr")].filter((row) => !known.has(row.id)).length;
  const said = many === 1 ? words.newOne : words.newMany.replace("%(n)s", many);
  say(many ? said : words.changed);
}

let kept = [];
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target.id !== "inbox" || event.detail.xhr.status !== 200) return;
  if (busy() && !forced) {
    event.detail.shouldSwap = false;
    hold(event.detail.serverResponse);
    return;
  }
  forced = false;
  kept = picked().map((box) => box.id);
});
document.addEventListener("htmx:afterSettle", () => {
  for (const id of kept.splice(0)) {
    const box = document.getElementById(id);
    if (box) box.checked = true;
  }
  say("");
  selected();
  count();
});

// Keys.

const current = () => document.activeElement?.closest("#inbox tbody tr");

function move(step) {
  const all = rows();
  const at = all.indexOf(current());
  const next = all[at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + step, 0), all.length - 1)];
  next?.querySelector(".through").focus();
  next?.scrollIntoView({ block: "nearest" });
}

function pick(row, checked) {
  const box = row?.querySelector("input[name=pick]");
  if (!box) return;
  box.checked = checked ?? !box.checked;
  selected();
}

function decide(verdict) {
  if (!bulk) return;
  if (!picked().length) pick(current(), true);
  if (picked().length) bulk.requestSubmit(bulk.querySelector(`button[value=${verdict}]`));
}

function ask() {
  const link = current()?.querySelector(".through");
  if (link) location.assign(`${link.href}#talk-message`);
}

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  o: () => current()?.querySelector(".through").click(),
  x: () => pick(current()),
  a: () => decide("approve"),
  r: () => decide("reject"),
  s: ask,
  "/": () => document.getElementById("search").focus(),
};

document.addEventListener("desk:key", (event) => {
  if (!Object.hasOwn(KEYS, event.detail)) return;
  event.preventDefault();
  KEYS[event.detail]();
});
