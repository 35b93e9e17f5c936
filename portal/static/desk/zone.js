// Offers the browser's time zone where the list has it and another one is chosen.

const list = document.querySelector("select[name=time_zone]");
const hint = document.querySelector("[data-zone-hint]");
const here = Intl.DateTimeFormat().resolvedOptions().timeZone;

if (list && hint && here && here !== list.value && [...list.options].some((one) => one.value === here)) {
  hint.querySelector("[data-zone-name]").textContent = here.replaceAll("_", " ");
  hint.hidden = false;
  hint.querySelector("button").addEventListener("click", () => {
    list.value = here;
    hint.hidden = true;
    list.focus();
  });
}
