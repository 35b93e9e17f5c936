// Offers the browser's time zone where the list has it and another one is chosen.

const list = document.querySelector("select[name=time_zone]");
const hint = document.querySelector("[data-zone-hint]");

// Browsers keep some names of old (CLDR); the list has today's.
const TODAY = {
  "Africa/Asmera": "Africa/Asmara", "America/Buenos_Aires": "America/Argentina/Buenos_Aires",
  "America/Catamarca": "America/Argentina/Catamarca", "America/Coral_Harbour": "America/Atikokan",
  "America/Cordoba": "America/Argentina/Cordoba", "America/Godthab": "America/Nuuk",
  "America/Indianapolis": "America/Indiana/Indianapolis", "America/Jujuy": "America/Argentina/Jujuy",
  "America/Louisville": "America/Kentucky/Louisville", "America/Mendoza": "America/Argentina/Mendoza",
  "Asia/Calcutta": "Asia/Kolkata", "Asia/Katmandu": "Asia/Kathmandu", "Asia/Rangoon": "Asia/Yangon",
  "Asia/Saigon": "Asia/Ho_Chi_Minh", "Atlantic/Faeroe": "Atlantic/Faroe", "Europe/Kiev": "Europe/Kyiv",
  "Pacific/Enderbury": "Pacific/Kanton", "Pacific/Ponape": "Pacific/Pohnpei", "Pacific/Truk": "Pacific/Chuuk",
};
const named = Intl.DateTimeFormat().resolvedOptions().timeZone;
const here = TODAY[named] ?? named;

if (list && hint && here && here !== list.value && [...list.options].some((one) => one.value === here)) {
  hint.querySelector("[data-zone-name]").textContent = here.replaceAll("_", " ");
  hint.hidden = false;
  hint.querySelector("button").addEventListener("click", () => {
    list.value = here;
    hint.hidden = true;
    list.focus();
  });
}
