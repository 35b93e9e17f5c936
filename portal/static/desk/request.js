// Nicer, never needed, on the page of one request: what was typed survives "Show it anew", a link to a field opens
// what is folded around it, a prepared reason is put where it can be changed, paper shows what is folded, and a page
// that nobody sees asks nothing.

const fields = [...document.querySelectorAll("[data-draft]")];
const drafts = {
  key: (field) => `draft ${location.pathname} ${field.id}`,
  restore(field) {
    const kept = sessionStorage.getItem(this.key(field));
    if (kept && !field.value) field.value = kept;
  },
  keep(field) {
    if (field.value) sessionStorage.setItem(this.key(field), field.value);
    else sessionStorage.removeItem(this.key(field));
  },
};

for (const field of fields) {
  drafts.restore(field);
  if (field.value) open(field);
  field.addEventListener("input", () => drafts.keep(field));
  // The answer to the form shows what was typed again, where nothing came of it.
  field.form.addEventListener("submit", () => sessionStorage.removeItem(drafts.key(field)));
}
// Whoever signs out, or comes after them, finds nothing.
document.querySelector('.who form')?.addEventListener("submit", () => sessionStorage.clear());

function open(element) {
  const fold = element.closest("details");
  if (fold) fold.open = true;
}

function follow() {
  const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  open(target);
  if (target.matches("textarea, input")) target.focus();
  else target.querySelector("h2[tabindex]")?.focus();
}
addEventListener("hashchange", follow);
follow();

const prepared = document.getElementById("canned");
prepared?.addEventListener("change", () => {
  const words = document.getElementById("reject");
  const ours = [...prepared.options].some((one) => one.dataset.text === words.value);
  if (words.value && !ours) return;
  words.value = prepared.selectedOptions[0].dataset.text ?? "";
  drafts.keep(words);
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
