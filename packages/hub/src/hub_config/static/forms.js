// A form that says what it is about to do asks first, and a form is sent once. What a second click sends could replace the answer to the first, which may show
// what is shown only once, such as recovery codes. After a while, or back on the page, it may be sent
// again: the answer may have been lost.
window.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented) return;
  if (form.dataset.sent) return event.preventDefault();
  if (form.dataset.ask && !window.confirm(form.dataset.ask)) return event.preventDefault();
  form.dataset.sent = "yes";
  setTimeout(() => delete form.dataset.sent, 1000 * (form.dataset.takes ?? 10));
});
window.addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});
