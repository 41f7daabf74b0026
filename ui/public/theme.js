// Before the first paint, so that a chosen theme never flashes. A file of its own because the content policy refuses
// inline scripts.
let theme = null;
try {
  theme = localStorage.getItem("majordomo.theme");
} catch {
  // Storage may be closed; the system's theme is used.
}
if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
