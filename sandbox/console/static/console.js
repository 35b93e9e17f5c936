// Live pages without this file reload themselves (a meta refresh in <noscript>); with it only what changed is replaced.
(() => {
  const live = () => document.getElementById("live");

  async function refresh() {
    if (!document.hidden) {
      try {
        const answer = await fetch(location.href, { redirect: "error" });
        const next = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live");
        if (next && next.innerHTML !== live().innerHTML) live().replaceWith(next);
      } catch { /* the sandbox is away for a moment: the next try shows it */ }
    }
    plan();
  }

  function plan() {
    const wait = Number(live()?.dataset.refresh);
    if (wait) setTimeout(refresh, wait);
  }

  document.querySelector("[data-focus]")?.focus();
  plan();
})();
