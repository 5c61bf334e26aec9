/* Keeps an open page fresh: asks for the same page again and puts in the regions that changed.
   Follows a run's news, so that what an act prints stands on its page at once.
   Without it every page still works; it only has to be loaded again. */
(() => {
  "use strict";
  const body = document.body;
  const every = Number(body.dataset.every || 0);
  const ahead = Date.parse(body.dataset.now) - Date.now();
  const shown = new Map();
  const stale = document.getElementById("stale");
  let lost = null;
  let timer = 0;
  let streaming = false;

  const say = (seconds) => {
    const parts = [];
    let rest = Math.max(0, Math.round(seconds));
    for (const [size, name] of [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]]) {
      const count = Math.floor(rest / size);
      rest %= size;
      if (count) parts.push(`${count}\u00a0${name}`);
      else if (parts.length) break;
      if (parts.length === 2) break;
    }
    return parts.join(" ") || "0\u00a0s";
  };

  const tick = () => {
    for (const mark of document.querySelectorAll("time[data-tick]")) {
      const seconds = (Date.now() + ahead - Date.parse(mark.dateTime)) / 1000;
      mark.textContent = mark.dataset.tick === "until" ? say(Math.abs(seconds)) : say(seconds);
    }
  };

  const plain = (region) => {
    const copy = region.cloneNode(true);
    for (const mark of copy.querySelectorAll("time[data-tick]")) mark.textContent = "";
    return copy.innerHTML;
  };

  const inUse = (region) => {
    const selection = document.getSelection();
    if (selection && !selection.isCollapsed && region.contains(selection.anchorNode)) return true;
    if (document.activeElement && region.contains(document.activeElement) && document.activeElement.matches("input, textarea, select")) return true;
    return [...region.querySelectorAll("input[type=text], textarea")].some((field) => field.value !== field.defaultValue);
  };

  const put = (old, fresh) => {
    const opened = new Map([...old.querySelectorAll("details[data-touched]")].map((d) => [d.id, d.open]));
    const places = new Map([...old.querySelectorAll("pre[id]")].map((p) => [p.id, p.scrollHeight - p.scrollTop - p.clientHeight < 24 ? null : p.scrollTop]));
    old.replaceChildren(...document.adoptNode(fresh).childNodes);
    for (const [id, open] of opened) {
      const details = document.getElementById(id);
      if (details) { details.open = open; details.dataset.touched = ""; }
    }
    for (const pre of old.querySelectorAll("pre[id]")) {
      const place = places.get(pre.id);
      pre.scrollTop = place === undefined || place === null ? pre.scrollHeight : place;
    }
  };

  const take = (text) => {
    const page = new DOMParser().parseFromString(text, "text/html");
    document.title = page.title;
    for (const old of document.querySelectorAll("[data-live]")) {
      const fresh = page.getElementById(old.id);
      if (!fresh) continue;
      const now = plain(fresh);
      if (old.dataset.stream && !fresh.dataset.stream) delete old.dataset.stream;
      if (shown.get(old.id) === now || inUse(old)) continue;
      shown.set(old.id, now);
      put(old, fresh);
    }
  };

  const look = async () => {
    clearTimeout(timer);
    let again = streaming ? Math.max(every, 10000) : document.hidden ? every * 5 : every;
    try {
      const answer = await fetch(location.href, { cache: "no-store", credentials: "same-origin", redirect: "error" });
      if (!answer.ok) throw new Error(String(answer.status));
      take(await answer.text());
      lost = null;
    } catch {
      lost = lost || new Date();
      again = Math.max(every, 2000);
    }
    if (stale) {
      stale.hidden = lost === null;
      if (lost) stale.querySelector("time").textContent = lost.toTimeString().slice(0, 8);
    }
    tick();
    timer = setTimeout(look, again);
  };

  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(look, 150);
  };

  /* What an act printed: words, and colours as spans. Built of text nodes alone, so that nothing in it can be markup. */
  const painted = (text) => {
    const made = document.createDocumentFragment();
    let names = [];
    for (const [place, part] of text.split(/\x1b\[([0-9;]*)m/).entries()) {
      if (place % 2) {
        for (const code of part.split(";")) {
          if (Number(code) === 0) names = [];
          else names.push({ 1: "bold", 3: "italic", 4: "underlined" }[code] || `c${code}`);
        }
      } else if (part) {
        const span = names.length ? document.createElement("span") : null;
        if (span) span.className = names.join(" ");
        made.append(span ? (span.append(part), span) : part);
      }
    }
    return made;
  };

  const append = (piece) => {
    const pre = document.querySelector(`pre[data-act="${piece.act}"][data-attempt="${piece.attempt}"]`);
    const end = pre ? Number(pre.dataset.end) : 0;
    if (!pre || (piece.start > end && !piece.left_out)) return soon();
    if (piece.end <= end) return;
    const follows = pre.scrollHeight - pre.scrollTop - pre.clientHeight < 24;
    if (piece.left_out) {
      const gap = document.createElement("span");
      gap.className = "gap";
      gap.append(`\n… ${piece.left_out} characters left out …\n`);
      pre.append(gap);
    }
    pre.append(painted(piece.start < end ? Array.from(piece.text).slice(end - piece.start).join("") : piece.text));
    pre.dataset.end = piece.end;
    while (pre.textContent.length > 150000 && pre.childNodes.length > 1) pre.firstChild.remove();
    if (follows) pre.scrollTop = pre.scrollHeight;
  };

  const follow = (address) => {
    const source = new EventSource(address);
    source.addEventListener("open", () => { streaming = true; });
    source.addEventListener("error", () => { streaming = false; soon(); });
    source.addEventListener("log", soon);
    source.addEventListener("output", (event) => append(JSON.parse(event.data)));
    source.addEventListener("over", () => { source.close(); streaming = false; soon(); });
  };

  document.addEventListener("click", (event) => {
    const summary = event.target.closest && event.target.closest("summary");
    if (summary && summary.parentElement.id) summary.parentElement.dataset.touched = "";
  });
  document.addEventListener("submit", (event) => {
    for (const button of event.target.querySelectorAll("button")) setTimeout(() => { button.disabled = true; });
  });
  for (const region of document.querySelectorAll("[data-live]")) shown.set(region.id, plain(region));
  for (const pre of document.querySelectorAll("pre.output[id]")) pre.scrollTop = pre.scrollHeight;
  setInterval(tick, 1000);
  tick();
  if (every) timer = setTimeout(look, every);
  const followed = document.querySelector("[data-stream]");
  if (followed) follow(followed.dataset.stream);
})();
