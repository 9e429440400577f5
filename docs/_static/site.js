// Names for screen readers that the theme lacks.
document.addEventListener("DOMContentLoaded", () => {
  for (const button of document.querySelectorAll(".search-button-field")) {
    // the text of the button is its name
    button.removeAttribute("aria-label");
  }
  for (const summary of document.querySelectorAll(".bd-sidebar summary")) {
    const section = summary.closest("li").querySelector("a").textContent.trim();
    summary.setAttribute("aria-label", `Pages of ${section}`);
  }
});
