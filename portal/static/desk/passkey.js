// Passkeys: the browser's part of a ceremony. Where the browser knows none, the page stays as it is without script.
// A form says what it does by data-passkey: add, use (the options stand in the page), login (they are fetched).

async function options(form) {
  if (form.dataset.passkey !== "login") {
    return JSON.parse(document.getElementById(form.dataset.options).textContent);
  }
  const answer = await fetch(form.action, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

function creation(given, alone) {
  const chosen = given.creation_options.publicKey.authenticatorSelection;
  chosen.residentKey = alone ? "required" : "discouraged";
  chosen.requireResidentKey = alone;
  if (alone) chosen.userVerification = "required";
  return given.creation_options;
}

async function ceremony(form) {
  const given = await options(form);
  if (form.dataset.passkey !== "add") return window.webauthnJSON.get(given.request_options);
  const alone = form.querySelector("input[name=passwordless]");
  return window.webauthnJSON.create(creation(given, alone ? alone.checked : false));
}

function offer(form) {
  const button = document.querySelector(`[data-passkey-button="${form.id}"]`);
  const trouble = document.querySelector(`[data-passkey-trouble="${form.id}"]`);
  button.hidden = false;
  button.addEventListener("click", async (event) => {
    event.preventDefault();
    trouble.hidden = true;
    try {
      form.elements.credential.value = JSON.stringify(await ceremony(form));
      form.submit();
    } catch {
      trouble.hidden = false;
    }
  });
}

if (window.PublicKeyCredential && window.webauthnJSON) {
  for (const form of document.querySelectorAll("form[data-passkey]")) offer(form);
  for (const note of document.querySelectorAll("[data-passkey-none]")) note.hidden = true;
}
