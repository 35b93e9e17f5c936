// Deciding on several: heading and button say how many are ticked. Nothing here is needed to decide.

const boxes = [...document.querySelectorAll("input[name=pick]")];
const button = document.querySelector("[data-decide]");
const counting = [...document.querySelectorAll("[data-counts]")].map((element) => ({ element, none: element.textContent }));

function count() {
  const many = boxes.filter((box) => box.checked).length;
  for (const { element, none } of counting) {
    const { one, many: several } = element.dataset;
    element.textContent = many === 0 ? none : many === 1 ? one : several.replace("%(n)s", many);
  }
  if (button) button.disabled = many === 0;
}
document.addEventListener("change", count);
addEventListener("pageshow", count);
