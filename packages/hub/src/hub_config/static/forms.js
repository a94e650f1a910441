// A text in the language of the page; what stands as %(name)s in it is given.
window.tr = (text, given = {}) =>
  (window.texts[text] ?? text).replace(/%\((\w+)\)s/g, (_, name) => given[name]);
// Times in the zone of whoever reads them, or how long ago; what the page said by itself is a hint.
document.addEventListener("DOMContentLoaded", () => {
  const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const { lang } = document.documentElement;
  const words = new Intl.RelativeTimeFormat(lang, { numeric: "auto" });
  const shape = { dateStyle: "medium", timeStyle: "short" };
  // A style names no zone, so it is taken from a time that has one (ECMA-402, DateTimeFormat).
  const zone = new Intl.DateTimeFormat(lang, { timeZoneName: "short" });
  const here = (at) =>
    `${at.toLocaleString(lang, shape)} ${zone.formatToParts(at).find(({ type }) => type === "timeZoneName").value}`;
  for (const time of document.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    const seconds = Math.round((at - Date.now()) / 1000);
    const [unit, each] = units.find(([, each]) => Math.abs(seconds) >= each) ?? units.at(-1);
    const ago = "ago" in time.dataset;
    time.title = ago ? here(at) : time.textContent;
    time.textContent = ago ? words.format(Math.round(seconds / each), unit) : here(at);
  }
  // What is asked for in a zone is meant in that of whoever asks, unless they say another.
  for (const field of document.querySelectorAll("[data-own-zone]")) field.value = zone.resolvedOptions().timeZone;
  // Another language of the same page, with all that its address asks for.
  for (const link of document.querySelectorAll("a[hreflang]")) {
    const here = new URL(window.location);
    here.searchParams.set("language", link.lang);
    link.href = here;
  }
});
// A form that says what it is about to do asks first, and a form is sent once. What a second click sends
// could replace the answer to the first, which may show what is shown only once, such as recovery codes.
// After a while, or back on the page, it may be sent again: the answer may have been lost.
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
