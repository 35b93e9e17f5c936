// Nicer, never needed, on the page of one request: keys, a link to a field opens what is folded around it, a prepared
// reason is put where it can be changed, a phone folds what is seldom looked at, paper shows what is folded, and a
// page that nobody sees asks nothing.

// A phone: the decision comes before what is as always.

if (matchMedia("(max-width: 40rem)").matches) {
  for (const fold of document.querySelectorAll("[data-fold]")) fold.open = false;
  const table = document.getElementById("parameters");
  if (table?.querySelector(".usual")) shorten(table, document.getElementById("usual"));
}

function shorten(table, more) {
  const many = table.querySelectorAll(".usual").length;
  let group = null;
  for (const row of table.tBodies[0].rows) {
    if (row.matches(".group")) {
      group = row;
      group.classList.add("usual");
    } else if (!row.matches(".usual")) group?.classList.remove("usual");
  }
  table.classList.add("brief");
  const button = more.firstElementChild;
  button.textContent = many === 1 ? button.dataset.one : button.dataset.many.replace("%(n)s", many);
  more.hidden = false;
  button.addEventListener("click", () => {
    table.classList.remove("brief");
    more.hidden = true;
    const first = table.querySelector("tr.usual:not(.group) th");
    first.tabIndex = -1;
    first.focus();
  });
}

// Links and keys lead to a field.

function reach(id) {
  const target = id && document.getElementById(id);
  if (!target) return false;
  const fold = target.closest("details");
  if (fold) fold.open = true;
  if (target.matches("textarea, input")) target.focus();
  else target.querySelector("h2[tabindex]")?.focus();
  return true;
}
const follow = () => reach(decodeURIComponent(location.hash.slice(1)));
addEventListener("hashchange", follow);
follow();
// A second time the hash does not change.
document.addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#"]');
  if (link && link.hash === location.hash) setTimeout(follow);
});

const FIELDS = { a: "approve", r: "reject", s: "talk-message" };
document.addEventListener("desk:key", (event) => {
  const link = document.querySelector(`[data-key="${CSS.escape(event.detail)}"]`);
  if (!link && !reach(FIELDS[event.detail])) return;
  event.preventDefault();
  link?.click();
});

const prepared = document.getElementById("canned");
prepared?.addEventListener("change", () => {
  const words = document.getElementById("reject");
  const ours = [...prepared.options].some((one) => one.dataset.text === words.value);
  if (words.value && !ours) return;
  words.value = prepared.selectedOptions[0].dataset.text ?? "";
  words.dispatchEvent(new Event("input"));
});

for (const fold of document.querySelectorAll(".decide details")) {
  fold.addEventListener("toggle", () => {
    if (fold.open && fold.contains(document.activeElement)) fold.querySelector("select, textarea")?.focus();
  });
}

let folded = [];
addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("details:not([open], .decide details)")];
  for (const fold of folded) fold.open = true;
});
addEventListener("afterprint", () => {
  for (const fold of folded) fold.open = false;
});

document.body.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && event.detail.requestConfig.verb === "get") event.preventDefault();
});
