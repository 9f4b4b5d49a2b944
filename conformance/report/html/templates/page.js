"use strict";
(() => {
  const SHOWN = 40, LISTED = 200;
  const $ = (id) => document.getElementById(id);
  const make = (tag, text, kind) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (kind) element.className = kind;
    return element;
  };

  // Colours: as the system has them, unless chosen here.
  const themes = ["auto", "light", "dark"];
  const remembered = () => {
    try { return localStorage.getItem("equipoise-theme"); } catch { return null; }
  };
  const setTheme = (name) => {
    if (name === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = name;
    $("theme").textContent = `Theme: ${name}`;
    try { localStorage.setItem("equipoise-theme", name); } catch { /* not kept then */ }
  };
  let theme = themes.includes(remembered()) ? remembered() : "auto";
  setTheme(theme);
  $("theme").hidden = false;
  $("theme").addEventListener("click", () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    setTheme(theme);
  });

  // What a link leads to may lie in a closed part of the page.
  const reveal = () => {
    const target = location.hash.includes("=") ? null : $(location.hash.slice(1));
    for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    if (target && target.id !== "main") target.scrollIntoView();
  };
  window.addEventListener("hashchange", reveal);
  reveal();
  window.addEventListener("beforeprint", () => {
    document.querySelectorAll("details.case").forEach((one) => { one.open = true; });
  });
  if (!$("index")) return;

  // Results: [group, form, status, compared, failed, worst, reason, id], the words
  // being places in `texts`.
  const { statuses, rows: results, texts } = JSON.parse($("index").textContent);
  const lower = texts.map((text) => text.toLowerCase());
  const fields = ["q", "op", "impl", "profile", "status"].map($);
  const rows = [...$("rows").tBodies[0].rows].map((line, at) => ({
    line,
    results: results[at],
    words: Object.values(line.dataset).join(" ").toLowerCase(),
    open: null,
  }));
  let all = false;

  const asked = () => Object.fromEntries(fields.map((field) => [field.id, field.value.trim()]));
  const found = (row, want, terms) => {
    const data = row.line.dataset;
    if (["op", "impl", "profile"].some((key) => want[key] && data[key] !== want[key])) return [];
    const status = statuses.indexOf(want.status);
    const rest = terms.filter((term) => !row.words.includes(term));
    return row.results.filter((one) =>
      (status < 0 || one[2] === status)
      && rest.every((term) => [0, 1, 6, 7].some((i) => lower[one[i]].includes(term))
        || statuses[one[2]].includes(term)));
  };

  const listed = (hits) => {
    const table = make("table"), head = table.createTHead().insertRow();
    const titles = ["Group or check", "Output, transform, reduction", "Status", "Numbers", "Worst u·K", "Why and where"];
    titles.forEach((title, i) => {
      const cell = make("th", title, i === 3 || i === 4 ? "number" : "");
      cell.scope = "col";
      head.append(cell);
    });
    const body = table.createTBody();
    const faults = hits.filter((one) => ["fail", "errored"].includes(statuses[one[2]]));
    const rest = hits.filter((one) => !faults.includes(one));
    for (const [group, form, status, compared, failed, worst, reason, id] of [...faults, ...rest].slice(0, LISTED)) {
      const line = body.insertRow();
      const bad = ["fail", "errored"].includes(statuses[status]);
      line.append(
        make("td", texts[group], "mono id"), make("td", texts[form]),
        make("td", statuses[status].replace("_", " "), bad ? "bad" : ""),
        make("td", failed ? `${failed} of ${compared}` : compared, "number"),
        make("td", worst || "-", "number"),
        make("td", [texts[reason], texts[id]].filter(Boolean).join(" at "), "id"));
    }
    const parts = [table];
    if (hits.length > LISTED) parts.push(make("p", `and ${hits.length - LISTED} more; narrow the search`, "soft"));
    return parts;
  };
  const toggle = (row) => {
    const button = row.line.querySelector("button");
    if (row.open) { row.open.remove(); row.open = null; } else {
      row.open = make("tr");
      const cell = make("td", undefined, "inner");
      cell.colSpan = row.line.cells.length;
      cell.append(...listed(row.hits));
      row.open.append(cell);
      row.line.after(row.open);
    }
    button.setAttribute("aria-expanded", String(Boolean(row.open)));
    button.firstChild.textContent = row.open ? "▾ " : "▸ ";
  };
  for (const row of rows) {
    const cell = row.line.cells[0], button = make("button", undefined, "plain");
    button.type = "button";
    button.append(make("span", "▸ "), cell.textContent);
    button.firstChild.setAttribute("aria-hidden", "true");
    button.setAttribute("aria-expanded", "false");
    button.setAttribute("aria-label", `${cell.textContent} ${row.line.dataset.op} ${row.line.dataset.profile} ${row.line.dataset.dtype}: single results`);
    button.addEventListener("click", () => toggle(row));
    cell.replaceChildren(button);
  }

  const counted = (number, noun) => `${number.toLocaleString("en").replaceAll(",", "\u00a0")} ${noun}${number === 1 ? "" : "s"}`;
  const apply = () => {
    const want = asked(), terms = want.q.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0, hits = 0, matching = 0;
    for (const row of rows) {
      if (row.open) toggle(row);
      row.hits = found(row, want, terms);
      hits += row.hits.length;
      matching += row.hits.length > 0;
      const visible = row.hits.length > 0 && (all || shown < SHOWN);
      shown += visible;
      row.line.hidden = !visible;
      row.line.cells[4].textContent = row.hits.length === row.results.length
        ? row.results.length : `${row.hits.length} of ${row.results.length}`;
    }
    $("hits").textContent = `${counted(hits, "result")} in ${counted(matching, "row")}`
      + (shown < matching ? `, ${shown} shown` : "");
    $("more").hidden = shown >= matching;
    $("more").textContent = `Show all ${counted(matching, "row")}`;
    filterCases(want, terms);
  };
  const cases = [...document.querySelectorAll("details.case")];
  const filterCases = (want, terms) => {
    let shown = 0;
    for (const one of cases) {
      const { impl, op, profile, status } = one.dataset;
      const text = `${one.textContent} ${op} ${status}`.toLowerCase();
      one.hidden = Boolean((want.impl && want.impl !== impl) || (want.op && want.op !== op)
        || (want.profile && !profile.split(" ").includes(want.profile))
        || (want.status && want.status !== status)
        || !terms.every((term) => text.includes(term)));
      shown += !one.hidden;
    }
    if (cases.length) $("case-hits").textContent = shown < cases.length
      ? `${shown} of ${counted(cases.length, "case")} match the filter` : "";
  };

  // The state stands in the address, so that it can be shared.
  const remember = () => {
    const state = new URLSearchParams(Object.entries(asked()).filter(([, value]) => value));
    history.replaceState(null, "", state.size ? `#${state}` : location.pathname + location.search);
  };
  const recall = () => {
    const state = new URLSearchParams(location.hash.slice(1));
    for (const field of fields) field.value = state.get(field.id) ?? "";
    apply();
    $("filter").scrollIntoView();
  };
  let waiting = 0;
  $("filter").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { apply(); remember(); }, 80);
  });
  $("filter").addEventListener("submit", (event) => event.preventDefault());
  $("filter").addEventListener("reset", () => setTimeout(() => { apply(); remember(); }));
  $("more").addEventListener("click", () => { all = true; apply(); });
  window.addEventListener("hashchange", () => { if (location.hash.includes("=")) recall(); });
  $("filter").hidden = false;
  if (location.hash.includes("=")) recall(); else apply();
})();
