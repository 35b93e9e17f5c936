// Nicer, never needed: names after an @ are offered while somebody types. Works on the forms of
// parts/talk_fields.html.

const MOST_SHOWN = 8;
const BEGUN = /(?:^|[\s(])@([^\s@]{0,60})$/;

for (const area of document.querySelectorAll("textarea[data-names]")) {
  const names = document.getElementById(area.dataset.names);
  if (names) offerNames(area, [...names.options].map((one) => ({ written: one.value, who: one.label })));
}

function offerNames(area, people) {
  const list = document.createElement("ul");
  list.className = "talk-names foreign";
  list.id = `${area.id}-names`;
  list.hidden = true;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "@");
  area.after(list);
  area.setAttribute("aria-autocomplete", "list");
  area.setAttribute("aria-controls", list.id);
  let chosen = 0;

  const begun = () => BEGUN.exec(area.value.slice(0, area.selectionStart));
  const close = () => {
    list.hidden = true;
    area.removeAttribute("aria-activedescendant");
  };
  const mark = (index) => {
    chosen = (index + list.children.length) % list.children.length;
    [...list.children].forEach((item, at) => item.setAttribute("aria-selected", String(at === chosen)));
    area.setAttribute("aria-activedescendant", list.children[chosen].id);
    list.children[chosen].scrollIntoView({ block: "nearest" });
  };
  const take = (written) => {
    const found = begun();
    if (found) {
      const end = area.selectionStart;
      area.setRangeText(`${written} `, end - found[1].length - 1, end, "end");
    }
    close();
    area.focus();
  };
  const show = () => {
    const found = begun();
    const wanted = found ? found[1].toLowerCase() : "";
    const fitting = found
      ? people.filter(({ written, who }) => `${written} ${who}`.toLowerCase().includes(wanted)).slice(0, MOST_SHOWN)
      : [];
    if (!fitting.length) return close();
    list.replaceChildren(...fitting.map(({ written, who }, at) => {
      const item = document.createElement("li");
      item.id = `${list.id}-${at}`;
      item.setAttribute("role", "option");
      item.textContent = who && `@${who}` !== written ? `${written} · ${who}` : written;
      item.addEventListener("mousedown", (event) => {
        event.preventDefault();
        take(written);
      });
      item.dataset.written = written;
      return item;
    }));
    list.hidden = false;
    mark(0);
  };

  area.addEventListener("input", show);
  area.addEventListener("blur", close);
  area.addEventListener("keydown", (event) => {
    if (list.hidden) return;
    const keys = {
      ArrowDown: () => mark(chosen + 1),
      ArrowUp: () => mark(chosen - 1),
      Enter: () => take(list.children[chosen].dataset.written),
      Tab: () => take(list.children[chosen].dataset.written),
      Escape: close,
    };
    if (event.key in keys && !event.isComposing) {
      event.preventDefault();
      event.stopPropagation();
      keys[event.key]();
    }
  });
}
