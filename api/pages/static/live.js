// Keeps #live up to date: asks for the part of this page that changes and works the differences in, element by element, so
// that focus, what is being typed, what is unfolded and where one has scrolled to stay as they are. No library.
"use strict";
(() => {
  const SHORTEST = 2000, LONGEST = 60000, SETTLE = 1000;
  const stuck = document.getElementById("stuck"), announce = document.getElementById("announce");
  let wait = SHORTEST, tag = "", timer = 0, asking = false;

  const here = new URL(location.href);
  if (here.searchParams.has("said")) {  // said once: a reload must not say it again
    here.searchParams.delete("said");
    history.replaceState(null, "", here);
  }

  const say = (which) => {
    const text = which ? stuck.dataset[which] : "";
    if (stuck.textContent !== text) { stuck.textContent = text; announce.textContent = text || announce.textContent; }
    stuck.hidden = !text;
  };

  const later = () => {
    clearTimeout(timer);
    if (!document.hidden) timer = setTimeout(refresh, wait * (0.9 + Math.random() / 5));
  };

  async function refresh() {
    if (asking) return;
    asking = true;
    const gone = new AbortController(), deadline = setTimeout(() => gone.abort(), 10000);
    try {
      const headers = {"Lumen-Part": "main"};
      if (tag) headers["If-None-Match"] = tag;
      const answer = await fetch(here.pathname + here.search, {headers, redirect: "manual", cache: "no-store", signal: gone.signal});
      if (answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403) return say("signedOut");
      if (answer.status === 200) {
        take(await answer.text());
        tag = answer.headers.get("ETag") || "";
      } else if (answer.status !== 304) {
        throw new Error("status " + answer.status);
      }
      wait = SHORTEST;
      if (stuck.textContent !== stuck.dataset.changed) say("");
      later();
    } catch {
      wait = Math.min(wait * 2, LONGEST);
      say("paused");
      later();
    } finally {
      clearTimeout(deadline);
      asking = false;
    }
  }

  function take(text) {
    const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("live");
    const live = document.getElementById("live");
    if (!fresh || !live) throw new Error("not the part that was asked for");
    const before = live.dataset.announce;
    sync(live, fresh);
    if (live.dataset.announce && live.dataset.announce !== before) announce.textContent = live.dataset.announce;
  }

  const same = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName &&
    (a.nodeType !== 1 || (a.dataset.key === b.dataset.key && a.id === b.id));

  // A form is about one thing. When that changes while somebody uses the form, the old form stays: sent, it is refused.
  const bound = (node) => node.nodeType === 1 && node.dataset.bound !== undefined;
  const inUse = (form) => form.contains(document.activeElement) ||
    [...form.elements].some((field) => field.type === "radio" ? field.checked !== field.defaultChecked :
      "defaultValue" in field && field.type !== "hidden" && field.value !== field.defaultValue);

  // A click that was meant for what stood there a moment ago must not meet a new button.
  function born(fresh) {
    const node = document.importNode(fresh, true);
    if (node.nodeType === 1 && (node.nodeName === "FORM" || node.querySelector("form"))) {
      node.inert = true;
      setTimeout(() => { node.inert = false; }, SETTLE);
    }
    return node;
  }

  function sync(old, fresh) {
    if (bound(old) && old.dataset.bound !== fresh.dataset.bound) {
      if (inUse(old)) return say("changed");
      return old.replaceWith(born(fresh));
    }
    for (const {name, value} of fresh.attributes) {
      if (name !== "open" && old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    for (const {name} of [...old.attributes]) {
      if (name !== "open" && !fresh.hasAttribute(name)) old.removeAttribute(name);
    }
    if (old.nodeName !== "TEXTAREA" && old.nodeName !== "SELECT") children(old, fresh);
  }

  function children(old, fresh) {
    const wanted = new Set([...fresh.children].map((node) => node.dataset.key).filter(Boolean));
    for (const node of [...old.children]) {
      if (keyOf(node) && !wanted.has(keyOf(node))) remove(node);
    }
    const keyed = new Map([...old.children].filter((node) => node.dataset.key).map((node) => [node.dataset.key, node]));
    let place = old.firstChild;
    for (const want of [...fresh.childNodes]) {
      const known = want.nodeType === 1 ? keyed.get(want.dataset.key) : undefined;
      if (known && same(known, want)) {
        // What stands before it goes, rather than that it is moved: an element that is moved loses the focus.
        while (place && place !== known && !keyOf(place)) place = passed(place);
        if (place !== known) old.insertBefore(known, place);
        place = known;
      }
      if (place && same(place, want)) {
        const next = place.nextSibling;
        if (place.nodeType === 1) sync(place, want);
        else if (place.nodeValue !== want.nodeValue) place.nodeValue = want.nodeValue;
        place = next;
      } else {
        old.insertBefore(born(want), place);
        if (place && !keyOf(place) && !keyOf(want)) place = passed(place);
      }
    }
    while (place) place = passed(place);
  }

  const keyOf = (node) => node.nodeType === 1 && node.dataset.key || "";
  const passed = (node) => { const next = node.nextSibling; remove(node); return next; };

  // What is no longer asked goes away, unless somebody is writing in it.
  function remove(node) {
    const forms = node.nodeType === 1 ? [...node.querySelectorAll("form[data-bound]"), ...(bound(node) ? [node] : [])] : [];
    if (forms.some(inUse)) say("changed");
    else node.remove();
  }

  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (!document.hidden) { wait = SHORTEST; refresh(); }
  });
  later();
})();
