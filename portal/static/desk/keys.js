// Keys that a page understands, their help, and the switch that turns them off in this browser. What a key does, the
// page's own script knows: it hears "desk:key" and prevents the default where it did something.

const dialog = document.getElementById("keys");
const OFF = "gatehouse-no-keys";
const remembered = (() => { try { return localStorage; } catch { return null; } })();
const switched = document.getElementById("keys-on");
switched.checked = remembered?.getItem(OFF) !== "1";
switched.addEventListener("change", () => remembered?.[switched.checked ? "removeItem" : "setItem"](OFF, "1"));

const opener = document.getElementById("keys-show");
opener.hidden = false;
opener.addEventListener("click", () => dialog.showModal());

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input:not([type=checkbox]), select, textarea, [contenteditable], dialog[open]");
  if (typing || event.ctrlKey || event.altKey || event.metaKey || event.isComposing || dialog.open) return;
  if (event.key === "?") {
    event.preventDefault();
    dialog.showModal();
  } else if (switched.checked) {
    const heard = new CustomEvent("desk:key", { detail: event.key, cancelable: true });
    if (!document.dispatchEvent(heard)) event.preventDefault();
  }
});
