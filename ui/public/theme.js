// Before the first paint, so that a chosen theme never flashes. A file of its own because the content policy refuses
// inline scripts.
try {
  var theme = localStorage.getItem("majordomo.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be closed; the system's theme is used.
}
