/* The review page: the briefing's text with marked words, the list of drafts, the map. Text is shown with textContent. */
(function () {
  "use strict";
  // A text in the page's language: the page has its words in words-review; {name} in it stands for a value.
  var block = document.getElementById("words-review"), texts = block ? JSON.parse(block.textContent) : {};
  function _(text, values) {
    return (texts[text] || text).replace(/\{(\w+)\}/g, function (all, name) { return values[name]; });
  }
  var page, data, drafts, map, layers = [], buttons = [], rows = [], marks = [], chosen = -1, pane, under;

  function element(tag, text, name) {
    var made = document.createElement(tag);
    if (text !== undefined) { made.textContent = text; }
    if (name) { made.className = name; }
    return made;
  }

  function by(id) { return document.getElementById(id); }

  // A ring is [x0, y0, dx, dy, …] in whole steps of 1 / scale degrees.
  function ring(steps) {
    var x = 0, y = 0, points = [];
    for (var i = 0; i < steps.length; i += 2) {
      x += steps[i];
      y += steps[i + 1];
      points.push([y / page.scale, x / page.scale]);
    }
    return points;
  }

  function layer(draft, number) {
    var at = draft.at;
    if (!at) { return null; }
    if (draft.rings) {
      return L.polygon(draft.rings.map(function (rings) { return rings.map(ring); }),
        { renderer: under, className: "spot region", weight: 1.8, dashArray: "7 5", fillOpacity: 0.05, smoothFactor: 0.5 });
    }
    if (at.kind === "circle") {
      return L.circle([at.lat, at.lon], { renderer: under, className: "spot", radius: at.radius, weight: 2, dashArray: "6 5", fillOpacity: 0.03 });
    }
    return L.marker([at.lat, at.lon], {
      icon: L.divIcon({ className: "pin", html: element("b", String(number + 1)), iconSize: [26, 26] }),
      title: draft.title, alt: draft.title, keyboard: false, pane: "drafts"
    });
  }

  function shape(one) {
    return one && (one.getElement ? one.getElement() : null);
  }

  function draw() {
    map.createPane("drafts").style.zIndex = 620;
    map.createPane("around").style.zIndex = 440;
    under = L.svg({ pane: "around", padding: 0.3 });
    drafts.forEach(function (draft, i) {
      var made = layer(draft, i);
      layers.push(made);
      if (made) { made.addTo(map).on("click", function () { choose(i, "map"); }); }
    });
    window.geo.keepClear(drafts.filter(function (draft) { return draft.at && draft.at.kind === "place"; }).map(function (draft) {
      return [L.latLng(draft.at.lat, draft.at.lon), 14];
    }));
  }

  function write() {
    var host = by("text");
    data.text.forEach(function (pieces) {
      var paragraph = element("p");
      pieces.forEach(function (piece) {
        var words = piece[0], keys = piece[1];
        var told = keys.filter(function (k) { return k[1] === "told"; });
        var shown = keys.filter(function (k) { return k[1] !== "told" && k[1] !== "claim"; });
        var claim = keys.some(function (k) { return k[1] === "claim"; });
        if (!keys.length) { paragraph.append(words); return; }
        var made = element(shown.length ? "mark" : "span", words, shown.length ? shown[0][1] : "");
        if (claim) { made.classList.add("claim"); }
        var own = (shown.length ? shown : told).map(function (k) { return k[0]; });
        marks.push({ element: made, own: own, told: told.map(function (k) { return k[0]; }), strong: shown.length > 0 });
        if (own.length) {
          made.addEventListener("click", function () {
            // the draft after the one that is chosen, where several rest on the same words
            var seen = own.filter(function (n) { return visible(n); });
            if (seen.length) { choose(seen[(seen.indexOf(chosen) + 1) % seen.length], "text"); }
          });
        }
        paragraph.append(made);
      });
      host.append(paragraph);
    });
  }

  function list() {
    var host = by("drafts"), body = by("table").tBodies[0];
    drafts.forEach(function (draft, i) {
      var item = element("li"), button = element("button", draft.title);
      button.type = "button";
      button.addEventListener("click", function () { choose(i, "list"); });
      item.append(button, element("small", [draft.table[0], draft.at ? "" : _("no place"), draft.verification].filter(Boolean).join(", ")));
      host.append(item);
      buttons.push(button);
      var row = element("tr"), head = element("th", String(i + 1));
      head.scope = "row";
      row.append(head);
      draft.table.forEach(function (cell) { row.append(element("td", cell)); });
      body.append(row);
      rows.push(row);
    });
    var claims = by("claims");
    claims.hidden = !data.claims.length;
    data.claims.forEach(function (claim) {
      var item = element("li", "“" + claim[0] + "”");
      item.append(element("small", claim[1]));
      claims.querySelector("ul").append(item);
    });
  }

  function options(id, name) {
    var seen = [];
    drafts.forEach(function (d) { if (seen.indexOf(d[name]) < 0) { seen.push(d[name]); } });
    seen.sort().forEach(function (value) {
      var option = element("option", value);
      option.value = value;
      by(id).append(option);
    });
  }

  function visible(i) {
    var draft = drafts[i];
    return draft && (!by("by-type").value || draft.type === by("by-type").value) &&
      (!by("by-check").value || draft.verification === by("by-check").value) &&
      (!by("by-place").checked || !draft.at);
  }

  function refresh() {
    var count = 0;
    drafts.forEach(function (draft, i) {
      var on = visible(i);
      count += on ? 1 : 0;
      buttons[i].parentElement.hidden = !on;
      rows[i].hidden = !on;
      if (layers[i]) {
        if (on) { layers[i].addTo(map); } else { layers[i].remove(); }
        var drawn = shape(layers[i]);
        if (drawn) { drawn.classList.toggle("chosen", i === chosen); }
      }
      buttons[i].setAttribute("aria-current", i === chosen ? "true" : "false");
    });
    marks.forEach(function (mark) {
      var on = mark.own.filter(visible);
      mark.element.classList.toggle("out", mark.own.length > 0 && !on.length);
      mark.element.classList.toggle("chosen", mark.strong && on.indexOf(chosen) >= 0);
      mark.element.classList.toggle("telling", mark.told.indexOf(chosen) >= 0 && visible(chosen));
    });
    by("count").textContent = count === drafts.length ? _("All {n} drafts are shown.", { n: count }) :
      _("{some} of {all} drafts are shown.", { some: count, all: drafts.length });
  }

  function card() {
    var host = by("card"), draft = drafts[chosen];
    host.hidden = !draft;
    host.replaceChildren();
    if (!draft) { return; }
    var facts = element("dl");
    draft.facts.forEach(function (fact) {
      if (!fact[1] || (fact[1] === _("not known") && !fact[2].length && fact[0] !== _("Killed") && fact[0] !== _("Injured"))) { return; }
      var told = element("dd", fact[1]);
      if (fact[2].length) { told.append(element("q", fact[2].join(" … "))); }
      facts.append(element("dt", fact[0]), told);
    });
    host.append(element("h2", chosen + 1 + ". " + draft.title), facts);
  }

  function choose(i, from) {
    chosen = i;
    refresh();
    card();
    if (i < 0) { return; }
    if (layers[i] && from !== "map") { look(i); }
    if (from !== "text") {
      var first = marks.filter(function (m) { return m.strong && m.own.indexOf(i) >= 0; })[0];
      if (first) { first.element.scrollIntoView({ block: "center" }); }
    }
  }

  function look(i) {
    var at = drafts[i].at;
    if (!at) { return; }
    if (at.kind === "place") {
      map.setView([at.lat, at.lon], Math.max(map.getZoom(), 7), { animate: false });
    } else {
      map.fitBounds(layers[i].getBounds(), { animate: false, maxZoom: 8 });
    }
  }

  function step(by_) {
    var count = drafts.length;
    for (var n = 1, i = chosen; n <= count; n++) {
      i = i < 0 && by_ < 0 ? count - 1 : (i + by_ + count) % count;
      if (visible(i)) { choose(i, "keys"); return; }
    }
  }

  function all() {
    by("by-type").value = by("by-check").value = "";
    by("by-place").checked = false;
    choose(-1);
    map.fitBounds(page.bounds, { animate: false });
  }

  function filter() {
    if (chosen >= 0 && !visible(chosen)) { chosen = -1; }
    refresh();
    card();
  }

  function wire() {
    ["by-type", "by-check", "by-place"].forEach(function (id) { by(id).addEventListener("change", filter); });
    by("next").addEventListener("click", function () { step(1); });
    by("before").addEventListener("click", function () { step(-1); });
    by("all").addEventListener("click", all);
    var keys = {
      j: function () { step(1); }, k: function () { step(-1); },
      ArrowRight: function () { step(1); }, ArrowLeft: function () { step(-1); },
      m: function () { if (chosen >= 0) { look(chosen); } },
      u: function () { by("by-place").checked = !by("by-place").checked; filter(); },
      t: function () { by("by-type").focus(); }, v: function () { by("by-check").focus(); },
      Escape: all
    };
    document.addEventListener("keydown", function (event) {
      var inside = event.target.closest ? event.target.closest("select, input, .folium-map, .scroll") : null;
      var other = event.ctrlKey || event.metaKey || event.altKey;
      if (other || !keys[event.key] || (inside && event.key !== "Escape")) { return; }
      event.preventDefault();
      keys[event.key]();
    });
  }

  document.addEventListener("geo-ready", function () {
    page = JSON.parse(by("geo-data").textContent);
    data = page.review;
    drafts = data.drafts;
    map = window[page.map];
    draw();
    write();
    list();
    options("by-type", "type");
    options("by-check", "verification");
    wire();
    refresh();
    document.documentElement.dataset.review = "yes";
  });
})();
