/* Draws the page's data on the map. All text from outside arrives as JSON and is shown with textContent only. */
(function () {
  "use strict";
  // A text in the page's language: the page has its words in words-map; {name} in it stands for a value.
  var block = document.getElementById("words-map"), texts = block ? JSON.parse(block.textContent) : {};
  function _(text, values) {
    return (texts[text] || text).replace(/\{(\w+)\}/g, function (all, name) { return values[name]; });
  }
  var data = JSON.parse(document.getElementById("geo-data").textContent);
  // pages of a site have it in a file that they share
  data.ground = data.ground || window.geoGround;
  var map = window[data.map];
  var theme = window.matchMedia("(prefers-color-scheme: dark)");
  var layers = {};
  var pins = [];  // incidents and heaps of them on the map: where each lies, and its half width in pixels
  var others = [];  // the same of marks that another script draws
  if (window.ResizeObserver) {  // the map's height follows the column beside it
    new ResizeObserver(function () { map.invalidateSize(); }).observe(map.getContainer());
  }
  var painted = [];

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  }

  // Colours come from the style sheet, so that they follow the reader's light or dark theme.
  function paint(layer, style) {
    painted.push([layer, style]);
    return layer.setStyle(style());
  }

  theme.addEventListener("change", function () {
    painted.forEach(function (pair) { pair[0].setStyle(pair[1]()); });
  });

  // A line is [x0, y0, dx, dy, …] in whole steps of 1 / scale degrees.
  function line(steps, scale) {
    var x = 0, y = 0, points = [];
    for (var i = 0; i < steps.length; i += 2) {
      x += steps[i];
      y += steps[i + 1];
      points.push([y / scale, x / scale]);
    }
    return points;
  }

  function lines(list, scale) {
    return (list || []).map(function (steps) { return line(steps, scale); });
  }

  function polygons(list, scale) {
    return (list || []).map(function (rings) { return lines(rings, scale); });
  }

  function pane(name, z, silent) {
    var element = map.createPane(name);
    element.style.zIndex = z;
    if (silent) { element.style.pointerEvents = "none"; }
    return name;
  }

  // What the map draws comes deflated, so that the page stays small.
  function inflate(text) {
    var raw = atob(text), bytes = new Uint8Array(raw.length);
    for (var i = 0; i < raw.length; i++) { bytes[i] = raw.charCodeAt(i); }
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"))).arrayBuffer();
  }

  // A document of geo/output/html/map_drawing.py (packed): in its JSON [n] stands for a list of n whole numbers, which
  // follow it in four planes of bytes.
  function unpack(text) {
    return inflate(text).then(function (buffer) {
      var bytes = new Uint8Array(buffer), at = bytes.indexOf(0), n = (bytes.length - at - 1) / 4;
      function number() {
        at++;
        var v = bytes[at] | bytes[at + n] << 8 | bytes[at + 2 * n] << 16 | bytes[at + 3 * n] << 24;
        return v >>> 1 ^ -(v & 1);
      }
      return JSON.parse(new TextDecoder().decode(bytes.subarray(0, at)), function (_, value) {
        return Array.isArray(value) && value.length === 1 && typeof value[0] === "number" ?
          Array.from({ length: value[0] }, number) : value;
      });
    });
  }

  function drawBasemap(base) {
    if (!base) { return; }
    var renderer = L.canvas({ pane: pane("base", 150, true), padding: 0.3 });
    var common = { renderer: renderer, interactive: false, smoothFactor: 0.6 };
    function filled(name, tone) {
      paint(L.polygon(polygons(base[name], base.scale), Object.assign({ weight: 0.6, fillOpacity: 1 }, common)),
        function () { return { color: colour(tone), fillColor: colour(tone) }; }).addTo(map);
    }
    function stroked(name, tone, options) {
      paint(L.polyline(lines(base[name], base.scale), Object.assign({}, common, options)),
        function () { return { color: colour(tone) }; }).addTo(map);
    }
    filled("land", "land");
    filled("woods", "wood");
    filled("built", "built");
    filled("lakes", "sea");
    filled("ponds", "sea");
    stroked("rivers", "river", { weight: 1 });
    stroked("streams", "river", { weight: 1 });
    stroked("railways", "rail", { weight: 1, dashArray: "5 2" });
    stroked("roads", "road", { weight: 1.4 });
    stroked("admin1", "unit", { weight: 0.8, dashArray: "1 3" });
    stroked("borders", "line", { weight: 2 });
    stroked("disputed", "line", { weight: 2, dashArray: "5 4" });
  }

  // Leaflet draws SVG; the hatches of the page's own <defs> are known to it by their ids.
  function classLayer(item, rings, renderer) {
    var style = {
      renderer: renderer, color: item.edge, weight: item.weight, dashArray: item.dash || null, opacity: 0.95,
      fillColor: "url(#" + item.pattern + ")", fillOpacity: 1, smoothFactor: 0.5
    };
    if (item.even) {  // tiles of an even fill would show their seams
      Object.assign(style, { stroke: false, fillColor: item.fill, fillOpacity: item.opacity, className: "even-" + item.even });
    }
    var shapes = polygons(rings, data.scale), at = null, layer = L.polygon(shapes, style);
    layer.on("add", function () {
      if (item.even) { layer.getElement().setAttribute("color", item.colour); }
    });
    return layer.on("click", function (event) { at = event.latlng; }).bindPopup(function () {
      var hit = at ? shapes.findIndex(function (shape) { return isInside(shape, at); }) : -1;
      return card(item.label, ((item.patches || [])[hit] || []).concat(item.facts));
    });
  }

  // Whether a place lies in a polygon: a line from it to the east crosses the rings an odd number of times.
  function isInside(shape, at) {
    var odd = false;
    shape.forEach(function (ring) {
      for (var i = 0, j = ring.length - 1; i < ring.length; j = i++) {
        var a = ring[i], b = ring[j];
        if ((a[0] > at.lat) !== (b[0] > at.lat) &&
            at.lng < (b[1] - a[1]) * (at.lat - a[0]) / (b[0] - a[0]) + a[1]) { odd = !odd; }
      }
    });
    return odd;
  }

  function card(title, facts) {
    var box = document.createElement("div"), head = document.createElement("h3"), list = document.createElement("dl");
    head.textContent = title;
    facts.forEach(function (fact) {
      var term = document.createElement("dt"), value = document.createElement("dd");
      term.textContent = fact[0];
      value.textContent = fact[1];
      list.append(term, value);
    });
    box.append(head, list);
    return box;
  }

  function drawClasses(name, shapes, toggle, z) {
    var group = L.layerGroup();
    var renderer = L.svg({ pane: pane(toggle, z), padding: 0.3 });
    data[name].forEach(function (item, i) { group.addLayer(classLayer(item, shapes[name][i], renderer)); });
    layers[toggle] = group.addTo(map);
  }

  function drawUnits(units, scale) {
    var renderer = L.canvas({ pane: pane("units", 360, true), padding: 0.3 });
    layers.units = paint(L.polyline(lines(units, scale), {
      renderer: renderer, interactive: false, weight: 1, dashArray: "2 3", smoothFactor: 0.6
    }), function () { return { color: colour("soft") }; }).addTo(map);
  }

  // Dark on light or light on dark, with a rim in the ground's colour, so that it stands out from every class.
  function drawFront(list) {
    var renderer = L.svg({ pane: pane("front", 410), padding: 0.3 }), at = lines(list, data.scale);
    function drawn(weight, tone, options) {
      return paint(L.polyline(at, Object.assign({ renderer: renderer, weight: weight, smoothFactor: 0.5 }, options)),
        function () { return { color: colour(tone) }; });
    }
    layers.front = L.layerGroup([drawn(3.4, "halo", { interactive: false, opacity: 0.8 }), drawn(1.5, "ink", {})]);
    if (data.front) {
      layers.front.eachLayer(function (layer) {
        layer.bindPopup(function () { return card(data.front.label, data.front.facts); });
      });
      layers.front.addTo(map);
    }
  }

  // Settlements lie on one canvas, which lets clicks through: a click near one is that one's.
  function drawDots(list) {
    if (!list || !list.length) { return; }
    var renderer = L.canvas({ pane: pane("settlements", 430, true), padding: 0.3 }), group = L.layerGroup(), all = [];
    var classes = list.map(function () { return L.layerGroup().addTo(group); });
    function size() { return map.getZoom() < 7 ? 1.7 : map.getZoom() < 9 ? 2.4 : 3.4; }
    list.forEach(function (some, k) {
      line(some.at, 10000).forEach(function (at, i) {
        var dot = L.circleMarker(at, { renderer: renderer, interactive: false, radius: size(), weight: 0.3,
          color: "#ffffff", fillColor: data.dots[k].colour, fillOpacity: 1 });
        all.push({ at: L.latLng(at), dot: dot, k: k, i: i, on: !some.from });
        if (!some.from) { classes[k].addLayer(dot); }
      });
    });
    map.on("zoomend", function () { all.forEach(function (one) { one.dot.setRadius(size()); }); });
    map.getContainer().addEventListener("click", function (event) {
      var spot = map.mouseEventToContainerPoint(event), view = map.getBounds(), best = null, least = size() + 4;
      if (event.target.closest(".leaflet-popup, .leaflet-control, .heap") || !map.hasLayer(group)) { return; }
      all.forEach(function (one) {
        if (!one.on || !group.hasLayer(classes[one.k]) || !view.contains(one.at)) { return; }
        var far = map.latLngToContainerPoint(one.at).distanceTo(spot);
        if (far < least) { least = far; best = one; }
      });
      if (!best) { return; }
      event.stopPropagation();
      L.popup().setLatLng(best.at).setContent(told(best)).openOn(map);
    }, true);
    function told(one) {
      var some = list[one.k], look = data.dots[one.k], facts = look.facts;
      if (!some.names) { return card(look.label, facts); }
      var said = some.texts[some.said[one.i]];
      return card(some.names[one.i], [["", look.label], [_("Since"), some.days[some.since[one.i]]]]
        .concat(said ? [[_("In the source's words"), said]] : [], facts));
    }
    // on a timeline: those of a day, as days since 1970
    window.geo.showDots = function (day) {
      all.forEach(function (one) {
        var some = list[one.k], until = some.from && some.until[one.i], on = !some.from || (some.from[one.i] <= day && (!until || day < until));
        if (on === one.on) { return; }
        one.on = on;
        if (on) { classes[one.k].addLayer(one.dot); } else { classes[one.k].removeLayer(one.dot); }
      });
    };
    document.querySelectorAll("[data-dots]").forEach(function (box) {
      box.addEventListener("change", function () {
        var mine = classes[Number(box.dataset.dots)];
        if (box.checked) { group.addLayer(mine); } else { group.removeLayer(mine); }
      });
    });
    layers.settlements = group.addTo(map);
    if (window.geo.day !== undefined) { window.geo.showDots(window.geo.day); }
  }

  function incidentLayer(item, regions, renderer) {
    var at = [item.lat, item.lon];
    if (item.kind === "region") {
      return paint(L.polygon(polygons(regions[item.region], data.scale), {
        renderer: renderer, weight: 1.8, dashArray: "7 5", fillOpacity: 0.035, smoothFactor: 0.5
      }), function () { return { color: colour("incident"), fillColor: colour("incident") }; });
    }
    if (item.kind === "circle") {
      // where many share a circle they are many circles: thin, so that what lies under them can be seen
      return paint(L.circle(at, {
        renderer: renderer, radius: item.radius, weight: data.crowd ? 1 : 2, dashArray: "6 5", fill: false
      }), function () { return { color: colour("incident") }; });
    }
    return paint(L.circleMarker(at, { renderer: renderer, radius: 6.5, weight: 2, fillOpacity: 1 }),
      function () { return { color: colour("incident-edge"), fillColor: colour("incident") }; });
  }

  // Very many incidents come with each text once: a row is its place, and the numbers of its texts.
  function apart(crowd) {
    return crowd.rows.map(function (row) {
      var said = row.slice(3).map(function (i) { return crowd.texts[i]; }), facts = [];
      for (var i = 4; i < said.length; i += 2) { facts.push([said[i], said[i + 1]]); }
      return {
        lat: row[0], lon: row[1], radius: row[2], kind: said[0], region: said[1], title: said[2], days: said[3], facts: facts
      };
    });
  }

  // From the list: bring it into view, open its card, move the focus there and back again.
  function showIncident(item, layer, button) {
    if (!layers.incidents.hasLayer(layer) || !map.hasLayer(layers.incidents)) {
      layers.incidents.addTo(map);
      document.querySelector("[data-layer=incidents]").checked = true;
    }
    if (item.kind !== "place") {
      map.fitBounds(layer.getBounds(), { animate: false, maxZoom: 8 });
    } else if (!map.getBounds().contains([item.lat, item.lon])) {
      map.setView([item.lat, item.lon], 8, { animate: false });
    }
    map.getContainer().scrollIntoView({ block: "nearest" });
    layer.openPopup();
    var box = layer.getPopup().getElement();
    box.tabIndex = -1;
    box.focus({ preventScroll: true });
    layer.once("popupclose", function () { button.focus({ preventScroll: true }); });
  }

  // Pins that would hide each other stand as one with their number. What is known to a region or a circle is no pin,
  // and is never among them. The squares in which pins are gathered belong to the zoom, so the same view looks the same.
  function drawIncidents(regions) {
    // regions lie under the ground that is held, so that they hide nobody's
    var renderer = L.svg({ pane: pane("incidents", 450), padding: 0.3 });
    var under = L.svg({ pane: pane("regions", 375), padding: 0.3 });
    var group = L.layerGroup(), heaps = L.layerGroup().addTo(group), alone = null, listed = document.querySelector("[data-listed]");
    var all = (data.incidents || []).map(function (item, i) {
      var one = { item: item, at: L.latLng(item.lat, item.lon), on: true };
      var button = document.getElementById("incident-" + i);
      one.layer = incidentLayer(item, regions, item.kind === "region" ? under : renderer)
        .bindPopup(function () { return card(item.title, item.facts); });
      one.layer.on("popupclose", function () { if (alone === one) { alone = null; setTimeout(settle); } });
      one.layer.on("popupopen", function () { alone = one; });
      one.row = button && button.closest("li");
      if (button) {
        button.addEventListener("click", function () {
          single(one);
          showIncident(item, one.layer, button);
        });
      }
      return one;
    });
    function single(one) {
      alone = one;
      settle();
    }
    function together(some) {
      return some.length > 2 || (some.length === 2 && some[0].at.equals(some[1].at));
    }
    function settle() {
      var squares = new Map(), shown = new Set(), view = map.getBounds().pad(0.5);
      heaps.clearLayers();
      pins = [];
      all.forEach(function (one) {
        if (!one.on || (one.item.kind === "place" && !view.contains(one.at))) { return; }
        if (one.item.kind !== "place" || one === alone) { shown.add(one); return; }
        var spot = map.project(one.at), key = Math.floor(spot.x / 44) + " " + Math.floor(spot.y / 44);
        if (squares.has(key)) { squares.get(key).push(one); } else { squares.set(key, [one]); }
      });
      squares.forEach(function (some) {
        if (together(some)) { heaps.addLayer(heap(some)); } else { some.forEach(shown.add, shown); }
      });
      shown.forEach(function (one) { if (one.item.kind === "place") { pins.push([one.at, one.layer.options.radius + 1]); } });
      all.forEach(function (one) {
        if (shown.has(one)) { group.addLayer(one.layer); } else { group.removeLayer(one.layer); }
      });
      if (listed) { list(); }
    }
    // Of very many the first in view are listed, anew for every view.
    function list() {
      var view = map.getBounds(), seen = all.filter(function (one) { return one.on && view.contains(one.at); });
      listed.replaceChildren.apply(listed, seen.slice(0, 100).map(function (one) {
        var line = document.createElement("li"), button = document.createElement("button"), small = document.createElement("small");
        button.type = "button";
        button.textContent = one.item.title;
        button.addEventListener("click", function () {
          single(one);
          showIncident(one.item, one.layer, button);
        });
        small.textContent = one.item.facts.map(function (fact) { return fact.join(": "); }).join(_("; "));
        line.append(button, small);
        return line;
      }));
    }
    function heap(some) {
      var bounds = L.latLngBounds(some.map(function (one) { return one.at; })), number = document.createElement("span");
      var count = some.length;
      number.textContent = count;
      var size = Math.round(20 + 4 * String(count).length + Math.min(28, 4 * Math.log2(count)));
      var icon = L.divIcon({ className: "heap", html: number, iconSize: [size, size] });
      var words = _("{n} incidents close together", { n: count });
      pins.push([bounds.getCenter(), size / 2]);
      var marker = L.marker(bounds.getCenter(), { icon: icon, pane: "incidents", title: words, alt: words });
      marker.on("add", function () { marker.getElement().setAttribute("aria-label", words); });
      marker.on("keydown", function (event) {
        if (event.originalEvent.key === "Enter" || event.originalEvent.key === " ") {
          event.originalEvent.preventDefault();
          open();
        }
      });
      function open() {
        var zoom = map.getBoundsZoom(bounds.pad(0.2));
        if (bounds.getNorthEast().equals(bounds.getSouthWest()) || zoom <= map.getZoom()) {
          var box = choice(some, words);
          L.popup().setLatLng(bounds.getCenter()).setContent(box).openOn(map);
          box.querySelector("button").focus({ preventScroll: true });
        } else {
          map.fitBounds(bounds.pad(0.2), { animate: false });
          map.getContainer().focus({ preventScroll: true });
        }
      }
      return marker.on("click", open);
    }
    // Of those that no zoom takes apart, the reader picks one.
    function choice(some, words) {
      var box = card(words, []), list = document.createElement("ul");
      list.className = "incidents";
      some.slice(0, 100).forEach(function (one) {
        var line = document.createElement("li"), button = document.createElement("button");
        button.type = "button";
        button.textContent = one.item.title;
        button.addEventListener("click", function () {
          map.closePopup();
          single(one);
          showIncident(one.item, one.layer, map.getContainer());
        });
        line.append(button);
        list.append(line);
      });
      box.append(list);
      return box;
    }
    map.on("zoomend moveend", settle);
    wireFilters(all, function () {
      settle();
      map.fire("pins");
    });
    settle();
    layers.incidents = group.addTo(map);
  }

  // The list and the map show what passes every filter of the page.
  function wireFilters(all, settle) {
    var controls = Array.from(document.querySelectorAll("[data-filter]")), count = document.querySelector("[data-shown]");
    function fact(item, name) {
      var found = item.facts.find(function (fact) { return fact[0] === name; });
      return found ? found[1] : _("not stated");
    }
    function passes(item, control) {
      var value = control.value;
      if (!value) { return true; }
      if (control.dataset.filter === "since") { return item.days.slice(-10) >= value; }
      if (control.dataset.filter === "until") { return item.days.slice(0, 10) <= value; }
      return fact(item, control.dataset.filter) === value;
    }
    function apply() {
      var left = all.filter(function (one) {
        one.on = controls.every(function (control) { return passes(one.item, control); });
        if (one.row) { one.row.hidden = !one.on; }
        return one.on;
      });
      count.textContent = _("{some} of {all} shown", { some: left.length, all: all.length });
      map.closePopup();
      settle();
    }
    controls.forEach(function (control) { control.addEventListener("change", apply); });
    wireSteps(apply);
  }

  // A slider over days, weeks or months sets the first and the last day that is shown; left of all, every day.
  function wireSteps(apply) {
    var since = document.querySelector("[data-filter=since]"), until = document.querySelector("[data-filter=until]");
    var slider = document.querySelector("#steps #slider"), bars = Array.from(document.querySelectorAll("[data-step]"));
    if (!slider) { return; }
    var now = document.querySelector("#steps [data-now]"), everything = now.textContent;
    function step(i) {
      var on = bars[i - 1], ends = on ? [on, on] : [bars[0], bars[bars.length - 1]];
      slider.value = i;
      if (since) {
        since.value = ends[0].dataset.since;
        until.value = ends[1].dataset.until;
      }
      if (window.geo.showDots) { window.geo.showDots(Date.parse(ends[1].dataset.until) / 86400000); }
      bars.forEach(function (bar) { bar.classList.toggle("on", bar === on); });
      now.textContent = on ? on.dataset.words + ": " + on.dataset.count : everything;
      slider.setAttribute("aria-valuetext", now.textContent);
      try { history.replaceState(null, "", on ? "#" + on.dataset.since : location.pathname + location.search); } catch (refused) { /* a frame without an address */ }
      if (since) { apply(); }
    }
    slider.addEventListener("input", function () { step(Number(slider.value)); });
    bars.forEach(function (bar, i) { bar.addEventListener("click", function () { step(i + 1); }); });
    var at = bars.findIndex(function (bar) {
      return location.hash && bar.dataset.since <= location.hash.slice(1) && location.hash.slice(1) <= bar.dataset.until;
    });
    if (at >= 0 || !since) { step(at >= 0 ? at + 1 : bars.length); }
  }

  // The whole screen, where the browser lets a page have it.
  function offerScreen() {
    var live = map.getContainer().closest(".live");
    if (!document.fullscreenEnabled || !live) { return; }
    var control = L.control({ position: "topleft" });
    control.onAdd = function () {
      var box = L.DomUtil.create("div", "leaflet-bar"), button = L.DomUtil.create("a", "screen", box);
      button.href = "#";
      button.role = "button";
      button.textContent = "\u26f6";
      button.title = _("Full screen");
      button.setAttribute("aria-label", _("Full screen"));
      L.DomEvent.on(button, "click", function (event) {
        L.DomEvent.stop(event);
        if (document.fullscreenElement) { document.exitFullscreen(); } else { live.requestFullscreen(); }
      });
      return box;
    };
    control.addTo(map);
  }

  // A place by its name: the map goes there.
  function offerSearch(places) {
    var control = L.control({ position: "topright" });
    if (!places.length) { return; }
    control.onAdd = function () {
      var box = L.DomUtil.create("div", "find"), input = L.DomUtil.create("input", "", box), list = L.DomUtil.create("datalist", "", box);
      input.type = "search";
      input.placeholder = _("Find a place");
      input.setAttribute("aria-label", _("Find a place"));
      list.id = "found-places";
      input.setAttribute("list", list.id);
      places.forEach(function (place) {
        var option = document.createElement("option");
        option.value = place[2];
        list.append(option);
      });
      L.DomEvent.disableClickPropagation(box);
      input.addEventListener("change", function () {
        var wanted = input.value.trim().toLocaleLowerCase(), at = places.find(function (place) {
          return place[2].toLocaleLowerCase() === wanted;
        });
        if (at) { map.setView([at[0], at[1]], Math.max(map.getZoom(), 10), { animate: false }); }
      });
      return box;
    };
    control.addTo(map);
  }

  // Names by how much a place matters, those that do most first; one that would touch another is left out.
  function drawPlaces(places, areas) {
    var KINDS = ["country", "region", "sea", "river"];
    var host = pane("places", 420, true);
    var holder = map.getPane(host), pen = document.createElement("canvas").getContext("2d");
    function free(taken, box) {
      return taken.every(function (other) {
        return box[2] < other[0] || box[0] > other[2] || box[3] < other[1] || box[1] > other[3];
      });
    }
    function least() {
      var zoom = map.getZoom();
      return zoom >= 10 ? 0 : zoom >= 9 ? 2000 : zoom >= 8 ? 20000 : zoom >= 7 ? 60000 : zoom >= 6 ? 200000 : 500000;
    }
    // Sizes as the reader has them, at 200 % text as well.
    function fonts() {
      return ["place", "place capital"].concat(KINDS.map(function (kind) { return "place area " + kind; })).map(function (name) {
        var probe = document.createElement("span");
        probe.className = name;
        holder.append(probe);
        var style = getComputedStyle(probe), found = { font: style.fontStyle + " " + style.fontWeight + " " + style.fontSize + " " + style.fontFamily,
          high: parseFloat(style.fontSize) };
        probe.remove();
        return found;
      });
    }
    function place() {
      holder.replaceChildren();
      if (map.getPane("places").hidden) { return; }
      var size = map.getSize(), seen = map.getBounds(), floor = least(), kinds = fonts();
      // no name lies under a button, the search or the scale bar
      var whole = map.getContainer().getBoundingClientRect();
      var taken = Array.from(map.getContainer().querySelectorAll(".leaflet-control")).map(function (control) {
        var at = control.getBoundingClientRect();
        return [at.left - whole.left, at.top - whole.top, at.right - whole.left, at.bottom - whole.top];
      });
      // nor under an incident; one whose own dot does stands beside the incident instead
      var marks = (layers.incidents && map.hasLayer(layers.incidents) ? pins : []).concat(others).map(function (pin) {
        var at = map.latLngToContainerPoint(pin[0]);
        return [at.x - pin[1], at.y - pin[1], at.x + pin[1], at.y + pin[1]];
      });
      // countries, regions and waters where there is room beside the towns, near the middle of what is seen
      function placeArea(item) {
        var kind = kinds[2 + KINDS.indexOf(item[0])], centre = { x: size.x / 2, y: size.y / 2 }, spots = [];
        pen.font = kind.font;
        var text = item[0] === "country" ? item[1].toLocaleUpperCase(data.lang) : item[1];
        var wide = pen.measureText(text).width, high = kind.high, up = item[0] === "river" ? high : 0;
        for (var i = 2; i < item.length; i += 2) {
          if (seen.contains([item[i], item[i + 1]])) { spots.push([item[i], item[i + 1]]); }
        }
        spots.map(function (spot) {
          var at = map.latLngToContainerPoint(spot);
          return { spot: spot, at: at, far: Math.hypot(at.x - centre.x, at.y - centre.y) };
        }).sort(function (a, b) { return a.far - b.far; }).some(function (found) {
          var x = found.at.x - wide / 2, y = found.at.y - high / 2 - up, box = [x - 4, y - 3, x + wide + 4, y + high + 3];
          if (box[0] < 2 || box[1] < 2 || box[2] > size.x - 2 || box[3] > size.y - 2 || !free(taken.concat(marks), box)) { return false; }
          taken.push(box);
          var label = document.createElement("span"), point = map.latLngToLayerPoint(found.spot);
          label.className = "place area " + item[0];
          label.textContent = text;
          label.lang = data.lang;
          label.style.left = point.x - wide / 2 + "px";
          label.style.top = point.y - high / 2 - up + "px";
          holder.append(label);
          return true;
        });
      }
      var few = size.x * size.y / 15000, named = 0;
      places.forEach(function (item) {
        if (!seen.contains([item[0], item[1]]) || (item[3] < floor && named >= few && !item[4])) { return; }
        var at = map.latLngToContainerPoint([item[0], item[1]]), point = map.latLngToLayerPoint([item[0], item[1]]);
        var kind = kinds[item[4] ? 1 : 0];
        pen.font = kind.font;
        var wide = pen.measureText(item[2]).width, high = kind.high;
        var over = marks.filter(function (mark) { return at.x > mark[0] && at.x < mark[2] && at.y > mark[1] && at.y < mark[3]; });
        var dx = 6, up = 4, down = 4;
        over.forEach(function (mark) {
          dx = Math.max(dx, mark[2] - at.x + 3, at.x - mark[0] + 3);
          up = Math.max(up, at.y - mark[1] + 3);
          down = Math.max(down, mark[3] - at.y + 3);
        });
        // right of its dot, left, above or below; none is cut by the edge of the map
        [[dx, -high / 2], [-dx - wide, -high / 2], [-wide / 2, -high - up], [-wide / 2, down]].some(function (shift) {
          var x = at.x + shift[0], y = at.y + shift[1];
          if (!free(marks, [x - 1, y - 1, x + wide + 1, y + high + 1])) { return false; }
          var box = [Math.min(x, at.x - 3) - 2, Math.min(y, at.y - 3) - 2, Math.max(x + wide, at.x + 3) + 2, Math.max(y + high, at.y + 3) + 2];
          var cut = box[0] < 2 || box[1] < 2 || box[2] > size.x - 2 || box[3] > size.y - 2;
          if (cut || !free(taken, box)) { return false; }
          named += 1;
          taken.push(box);
          var label = document.createElement("span"), dot = document.createElement("i");
          label.className = item[4] ? "place capital" : "place";
          label.textContent = item[2];
          label.lang = data.lang;
          label.style.left = point.x + shift[0] + "px";
          label.style.top = point.y + shift[1] + "px";
          dot.className = "dot";
          dot.style.left = point.x - 2 + "px";
          dot.style.top = point.y - 2 + "px";
          holder.append(label);
          if (!over.length) { holder.append(dot); }
          return true;
        });
      });
      areas.forEach(placeArea);
    }
    layers.places = { toggle: function (on) { holder.hidden = !on; place(); } };
    map.on("zoomend moveend resize pins", place);
    place();
  }

  // Places come in columns: latitudes and longitudes in steps of 0.0001°.
  function namePlaces(found, areas) {
    var places = found.names.map(function (name, i) {
      return [found.lat[i] / 10000, found.lon[i] / 10000, name, found.weights[i], found.capitals[i]];
    });
    offerSearch(places);
    drawPlaces(places, areas || []);
  }

  // Leaflet hears the key only while the map itself has the focus, not a card on it.
  map.getContainer().addEventListener("keydown", function (event) {
    if (event.key === "Escape") { map.closePopup(); }
  });

  // The two ways to see everything: what the page opened with, and the whole reach of its data.
  function wireViews() {
    document.querySelectorAll("[data-view]").forEach(function (button) {
      button.addEventListener("click", function () {
        map.closePopup();
        map.fitBounds(data[button.dataset.view], { animate: false });
      });
    });
  }

  // Beyond the basemap there is nothing to see, so the map does not go there.
  function limitViews() {
    function least() {
      var whole = map.getBoundsZoom(data.limits), inside = map.getBoundsZoom(data.reach, true);
      map.setMinZoom(Math.min(whole, inside, map.getBoundsZoom(data.bounds)));
    }
    map.setMaxZoom(18);
    map.setMaxBounds(data.reach);
    map.on("resize", least);
    least();
  }

  function drawAll() {
    if (!data.shapes) { // the timeline draws its own, and says where it cannot
      if (!window.geo.ground) { finish(); return; }
      window.geo.ground.then(function (ground) {
        namePlaces(ground.places);
        drawDots(ground.dots);
        finish();
      });
      return;
    }
    if (!("DecompressionStream" in window)) {
      fail(_("This browser cannot unpack the map (that takes Chrome 80, Firefox 113 or Safari 16.4, or later ones): the picture shows it, and the figures and lists are complete."));
      return;
    }
    Promise.all([unpack(data.ground), unpack(data.shapes), data.crowd ? unpack(data.crowd) : null]).then(function (found) {
      var ground = found[0];
      drawBasemap(ground.basemap);
      drawClasses("classes", found[1], "control", 380);
      drawClasses("changes", found[1], "changes", 400);
      // what else a page draws, each with its height, and a layer by its name
      (data.more || []).forEach(function (one) { drawClasses(one[0], found[1], one[0], one[1]); });
      drawUnits(ground.units, ground.line_scale);
      drawFront(found[1].front);
      drawDots(found[1].dots);
      if (found[2]) { data.incidents = apart(found[2]); }
      drawIncidents(found[1].regions);
      namePlaces(found[1].places, found[1].areas);
      finish();
    }).catch(function (error) {
      fail(_("The map could not be unpacked ({error}): the picture shows it.", { error: error.message }));
    });
  }

  // The still picture in place of the map, and why.
  function fail(words) {
    var line = document.createElement("p");
    line.className = "workings";
    line.setAttribute("role", "status");
    line.textContent = words;
    document.documentElement.classList.add("no-map");
    document.querySelector(".desk > main").prepend(line);
  }

  function finish() {
    wireToggles();
    document.dispatchEvent(new Event("geo-ready"));
    document.documentElement.dataset.ready = "yes";
  }

  function wireToggles() {
    document.querySelectorAll("[data-layer]").forEach(function (box) {
      box.addEventListener("change", function () {
        var layer = layers[box.dataset.layer];
        if (!layer) { return; }
        if (layer.toggle) {
          layer.toggle(box.checked);
        } else if (box.checked) {
          layer.addTo(map);
        } else {
          layer.remove();
        }
      });
    });
  }

  map.on("popupopen", function (event) {
    var close = event.popup.getElement().querySelector(".leaflet-popup-close-button");
    if (close) { close.setAttribute("aria-label", _("Close popup")); }
  });
  map.attributionControl.setPrefix(false);
  map.fitBounds(data.bounds, { animate: false });
  limitViews();
  wireViews();
  offerScreen();
  var scale = L.control.scale({ maxWidth: 160 });
  scale._updateScale = function (bar, text, ratio) {
    bar.style.width = Math.round(this.options.maxWidth * ratio) + "px";
    bar.textContent = text.replace(/[a-z]+$/, function (unit) { return { m: _("m"), km: _("km"), mi: _("mi"), ft: _("ft") }[unit]; });
  };
  scale.addTo(map);
  [[".leaflet-control-zoom-in", _("Zoom in")], [".leaflet-control-zoom-out", _("Zoom out")]].forEach(function (pair) {
    var button = map.getContainer().querySelector(pair[0]);
    if (button) { button.title = pair[1]; button.setAttribute("aria-label", pair[1]); }
  });
  var ground = !data.shapes && "DecompressionStream" in window ? unpack(data.ground) : null;
  // Another script's marks on this map: each with its place and half its width.
  function keepClear(some) {
    others = some;
    map.fire("pins");
  }
  window.geo = { keepClear: keepClear, inflate: inflate, ground: ground, fail: fail, layers: layers, card: card };
  drawAll();
})();
