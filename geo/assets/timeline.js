/* The timeline: unpacks the series, draws a date on a canvas, and moves every word and figure along with it.
   The bytes are described in geo/film.py. Text from outside arrives as JSON and is shown with textContent only. */
(function () {
  "use strict";
  // A text in the page's language: the page has its words in words-timeline; {name} in it stands for a value.
  var block = document.getElementById("words-timeline"), texts = block ? JSON.parse(block.textContent) : {};
  function _(text, values) {
    return (texts[text] || text).replace(/\{(\w+)\}/g, function (all, name) { return values[name]; });
  }

  // as CLDR has it for the page's language, in Western digits as the program writes them
  var lang = document.documentElement.lang, locale = lang === "en" ? "en-GB" : lang + "-u-nu-latn";
  var KM = 6378.137, E2 = 0.0066943799901413165, RADIAN = Math.PI / 180;
  var SVG = "http://www.w3.org/2000/svg";
  var whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0, useGrouping: true });
  var tenths = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1, useGrouping: true });
  var days = new Intl.DateTimeFormat(locale, { dateStyle: "long", timeZone: "UTC" });
  var film, map, layer, data, scale, at = 0, playing = false, touched = false, settling = 0, ticking = 0, ticked = 0;
  var cuts = {}, hidden = { gained: false, lost: false };

  function $(id) { return document.getElementById(id); }

  // -- unpacking -----------------------------------------------------------------------------------------------

  function read(buffer) {
    var bytes = new Uint8Array(buffer), pos = 0;
    function next() {
      var b = bytes[pos++], v = b & 127, f = 128;
      while (b > 127) { b = bytes[pos++]; v += (b & 127) * f; f *= 128; }
      return v;
    }
    function signed(v) { return v % 2 ? -(v + 1) / 2 : v / 2; }
    function numbers(length) {
      var list = new Array(length);
      for (var i = 0; i < length; i++) { list[i] = next(); }
      return list;
    }
    function sums(into, list) {
      for (var i = 0, sum = 0; i < list.length; i++) { into[i] = sum += list[i]; }
      return into;
    }
    function axis(length) {
      var low = bytes.subarray(pos, pos += length);
      return sums(new Int32Array(length), numbers(length).map(function (high, i) {
        var v = low[i] + 256 * high;
        return unit === 1 ? signed(v) : v % 2 ? signed((v - 1) / 2) : unit * signed(v / 2);
      }));
    }
    var count = next(), n = next(), m = next(), unit = next(), met = 0, found = { count: count, tracks: [] };
    found.times = sums(new Float64Array(count), numbers(count));
    found.lon = axis(n);
    found.lat = axis(n);
    function track() {
      var tails = [], heads = [], births = [], arcs = next(), born = sums([], numbers(arcs)), counts = numbers(arcs);
      var tokens = numbers(next()), wheres = numbers(tokens.filter(function (t) { return t & 3; }).length), t = 0, w = 0;
      for (var a = 0; a < arcs; a++) {
        for (var end = t + counts[a], p = 0, began = false; t < end; t++) {
          var length = tokens[t] >> 2, kind = tokens[t] & 3, step = kind === 2 ? -1 : 1;
          var q = kind ? p + signed(wheres[w++]) : met;
          if (!kind) { met += length; }
          for (; length > 0; length--, q += step) {
            if (began) { tails.push(p); heads.push(q); births.push(born[a]); }
            began = true;
            p = q;
          }
        }
      }
      var deaths = new Int32Array(tails.length).fill(count), runs = next(), date = 0, edge = 0;
      var later = numbers(runs), further = numbers(runs), lengths = numbers(runs);
      for (var r = 0; r < runs; r++) {
        date += later[r];
        edge += signed(further[r]);
        deaths.fill(date, edge, edge += lengths[r]);
      }
      function km2(list) { return Float64Array.from(list, function (v) { return v / 1000; }); }
      return { tails: Int32Array.from(tails), heads: Int32Array.from(heads), births: Int32Array.from(births),
        deaths: deaths, more: new Int32Array(tails.length), area: km2(sums([], numbers(count).map(signed))),
        gained: km2(numbers(count)), lost: km2(numbers(count)) };
    }
    for (var k = 0; k < m; k++) { found.tracks.push(track()); }
    // the map's own projection, once: pixels are these times 256 · 2^zoom
    found.x = new Float64Array(n);
    found.y = new Float64Array(n);
    for (var i = 0; i < n; i++) {
      found.x[i] = found.lon[i] / scale / 360 + 0.5;
      found.y[i] = mercator(found.lat[i] / scale);
    }
    found.next = new Int32Array(n).fill(-1);
    found.live = new Int32Array(Math.max.apply(null, found.tracks.map(function (t) { return t.tails.length; }).concat(1)));
    return found;
  }

  // -- boundaries ----------------------------------------------------------------------------------------------

  // Draws a line of many points: those under a pixel apart, and those that lie together beyond one side of the view,
  // are left out.
  function Pen(view, sink) {
    this.view = view;
    this.sink = sink;
    this.x = this.y = this.lastX = this.lastY = 0;
    this.common = 0;
    this.pending = false;
  }
  Pen.prototype = {
    start: function (x, y) {
      this.x = x;
      this.y = y;
      this.common = sideOf(x, y, this.view);
      this.pending = false;
      this.sink.moveTo(x, y);
    },
    to: function (x, y) {
      var dx = x - this.x, dy = y - this.y;
      if (dx * dx + dy * dy < 0.5) { return; }
      var side = sideOf(x, y, this.view), common = this.common & side;
      if (common) {
        this.common = common;
        this.lastX = x;
        this.lastY = y;
        this.pending = true;
        return;
      }
      this.end();
      this.sink.lineTo(x, y);
      this.common = side;
      this.x = x;
      this.y = y;
    },
    end: function () {
      if (this.pending) { this.sink.lineTo(this.lastX, this.lastY); }
      this.pending = false;
    }
  };

  // The rings of a date (a < 0), or what of the boundary differs between two: b's edges, and a's the other way round.
  // Which way is taken where rings touch does not matter to the fill.
  function trace(track, a, b, view, sink) {
    var births = track.births, deaths = track.deaths, tails = track.tails, heads = track.heads, more = track.more;
    var next = film.next, live = film.live, n = 0, last = Math.max(a, b);
    for (var e = 0; e < births.length && births[e] <= last; e++) {
      var inB = births[e] <= b && b < deaths[e], inA = births[e] <= a && a < deaths[e];
      if (inA !== inB) {
        var from = inB ? tails[e] : heads[e];
        more[e] = next[from];
        next[from] = e;
        live[n++] = e;
      }
    }
    var X = view.X, Y = view.Y, kx = view.kx, ky = view.ky, ox = view.ox, oy = view.oy, pen = new Pen(view, sink);
    for (var i = 0; i < n; i++) {
      var p = births[live[i]] <= b && b < deaths[live[i]] ? tails[live[i]] : heads[live[i]];
      if (next[p] < 0) { continue; }
      pen.start(X[p] * kx - ox, Y[p] * ky - oy);
      for (var on = next[p]; on >= 0; on = next[p]) {
        next[p] = more[on];
        p = births[on] <= b && b < deaths[on] ? heads[on] : tails[on];
        pen.to(X[p] * kx - ox, Y[p] * ky - oy);
      }
      pen.end();
      sink.closePath();
    }
    return sink;
  }

  function sideOf(x, y, view) {
    return (x < view.west ? 1 : x > view.east ? 2 : 0) | (y < view.north ? 4 : y > view.south ? 8 : 0);
  }

  // Gross km² gained and lost between two dates: a sweep from south to north over the edges that differ. Between two
  // neighbouring latitudes they are lines that do not meet (where they do, the strip is cut there), and the ground
  // between them is gained, lost or neither by the winding number of the changed boundary.
  function gross(track, a, b) {
    var x0 = [], y0 = [], x1 = [], y1 = [], turn = [], order = [], levels = [], gained = 0, lost = 0;
    for (var e = 0; e < track.births.length; e++) {
      var inB = track.births[e] <= b && b < track.deaths[e], inA = track.births[e] <= a && a < track.deaths[e];
      var p = track.tails[e], q = track.heads[e], down = film.lat[q] < film.lat[p];
      if (inA === inB || film.lat[p] === film.lat[q]) { continue; }
      if (down) { var swap = p; p = q; q = swap; }
      x0.push(film.lon[p] - film.lon[0]);
      y0.push(film.lat[p]);
      x1.push(film.lon[q] - film.lon[0]);
      y1.push(film.lat[q]);
      turn.push(down === inB ? 1 : -1);
      levels.push(film.lat[p], film.lat[q]);
      order.push(order.length);
    }
    order.sort(function (i, j) { return y0[i] - y0[j]; });
    levels = Float64Array.from(levels).sort();
    function along(i, y) { return x0[i] + (x1[i] - x0[i]) * (y - y0[i]) / (y1[i] - y0[i]); }
    function strip(active, low, high) {
      var half = (high - low) / 2, middle = (high + low) / 2, weights = [5 / 9, 8 / 9, 5 / 9], w0 = 0, w1 = 0, w = 0;
      [-0.7745966692414834, 0, 0.7745966692414834].forEach(function (node, k) {
        var phi = (middle + half * node) / scale * RADIAN, s = Math.sin(phi), f = 1 - E2 * s * s;
        var g = weights[k] * half * Math.cos(phi) / (f * f);
        w0 += g * (1 - node) / 2;
        w1 += g * (1 + node) / 2;
      });
      for (var i = 0; i < active.length; i++) {
        var before = w;
        w += turn[active[i]];
        if ((before > 0) === (w > 0) && (before < 0) === (w < 0)) { continue; }
        var amount = along(active[i], low) * w0 + along(active[i], high) * w1;
        if ((before > 0) !== (w > 0)) { gained += w > 0 ? -amount : amount; }
        if ((before < 0) !== (w < 0)) { lost += w < 0 ? -amount : amount; }
      }
    }
    function sorted(active, y) {
      var keys = active.map(function (i) { return along(i, y); });
      for (var i = 1; i < active.length; i++) {
        for (var j = i, key = keys[i], one = active[i]; j > 0 && keys[j - 1] > key; j--) {
          keys[j] = keys[j - 1];
          active[j] = active[j - 1];
        }
        keys[j] = key;
        active[j] = one;
      }
    }
    function crossings(active, low, high) {
      var left = active.map(function (i) { return along(i, low); }), found = [], i, j;
      var right = active.map(function (i) { return along(i, high); });
      for (i = 0; i < active.length; i++) {
        for (j = i + 1; j < active.length; j++) {
          var d0 = left[j] - left[i], d1 = right[j] - right[i];
          if (d0 * d1 < 0) { found.push(low + (high - low) * d0 / (d0 - d1)); }
        }
      }
      return found.sort(function (u, v) { return u - v; });
    }
    for (var k = 1, came = 0, active = []; k < levels.length; k++) {
      var low = levels[k - 1], high = levels[k];
      if (low === high) { continue; }
      active = active.filter(function (i) { return y1[i] > low; });
      while (came < order.length && y0[order[came]] <= low) { active.push(order[came++]); }
      var from = low;
      crossings(active, low, high).concat(high).forEach(function (to) {
        if (to > from) {
          sorted(active, (from + to) / 2);
          strip(active, from, to);
          from = to;
        }
      });
    }
    var unit = KM * KM * (1 - E2) * Math.pow(RADIAN / scale, 2);
    return [Math.max(0, gained * unit), Math.max(0, lost * unit)];
  }

  // -- the canvas ----------------------------------------------------------------------------------------------

  // The look of a class is the pattern of the page's own <defs>, which the legend and the still picture show, too.
  function patternOf(name, ratio) {
    var from = $(name), size = Number(from.getAttribute("width")), turn = from.getAttribute("patternTransform") || "";
    if (!from.children.length) { return null; }
    var tile = document.createElement("canvas"), context = tile.getContext("2d");
    tile.width = tile.height = size * ratio;
    context.scale(ratio, ratio);
    Array.prototype.forEach.call(from.children, function (child) {
      function said(what) { return child.getAttribute(what); }
      if (child.tagName === "path") {
        context.globalAlpha = Number(getComputedStyle(child).strokeOpacity);
        context.strokeStyle = said("stroke");
        context.lineWidth = Number(said("stroke-width"));
        context.stroke(new Path2D(said("d")));
        return;
      }
      context.globalAlpha = Number(getComputedStyle(child).fillOpacity);  // dark pages fill held ground more strongly
      context.fillStyle = getComputedStyle(child).fill;
      if (child.tagName === "rect") {
        context.fillRect(0, 0, size, size);
      } else {
        context.beginPath();
        context.arc(Number(said("cx")), Number(said("cy")), Number(said("r")), 0, 2 * Math.PI);
        context.fill();
      }
    });
    var made = context.createPattern(tile, "repeat"), angle = /rotate\((\d+)\)/.exec(turn);
    made.setTransform(new DOMMatrix().rotate(angle ? Number(angle[1]) : 0).scale(1 / ratio));
    return made;
  }

  // A canvas that moves and zooms with the map; `draw` fills it.
  var Sheet = L.Renderer.extend({
    options: { padding: 0.15 },
    _initContainer: function () {
      this._container = document.createElement("canvas");
      this._context = this._container.getContext("2d");
    },
    _destroyContainer: function () { L.DomUtil.remove(this._container); },
    _update: function () {
      if (this._map._animatingZoom && this._bounds) { return; }
      L.Renderer.prototype._update.call(this);
      var box = this._bounds, size = box.getSize(), ratio = Math.min(window.devicePixelRatio || 1, 2);
      var k = 256 * Math.pow(2, this._map.getZoom()), origin = this._map.getPixelOrigin();
      L.DomUtil.setPosition(this._container, box.min);
      this._container.width = ratio * size.x;
      this._container.height = ratio * size.y;
      this._container.style.width = size.x + "px";
      this._container.style.height = size.y + "px";
      this._context.setTransform(ratio, 0, 0, ratio, -ratio * box.min.x, -ratio * box.min.y);
      this.view = { X: film && film.x, Y: film && film.y, kx: k, ky: k, ox: origin.x, oy: origin.y, west: box.min.x - 9,
        east: box.max.x + 9, north: box.min.y - 9, south: box.max.y + 9 };
      if (this.ratio !== ratio) {
        this.ratio = ratio;
        this.patterns = {};
      }
      this.draw();
    },
    clear: function () {
      var box = this._bounds, context = this._context;
      context.clearRect(box.min.x, box.min.y, box.max.x - box.min.x, box.max.y - box.min.y);
      context.lineJoin = "round";
      return context;
    }
  });

  var Dates = Sheet.extend({
    fill: function (name) {
      if (!(name in this.patterns)) { this.patterns[name] = patternOf(name, this.ratio); }
      return this.patterns[name];
    },
    draw: function () {
      var context = this.clear(), view = this.view, self = this, since = sinceOf(at);
      data.tracks.forEach(function (look, k) {
        if (look.off || !film.kinds[k][at]) { return; }
        var path = trace(film.tracks[k], -1, at, view, new Path2D()), fill = self.fill(look.pattern);
        if (fill) {
          context.fillStyle = fill;
          context.fill(path);
        }
        context.strokeStyle = look.edge;
        context.lineWidth = look.weight;
        context.setLineDash(look.dash ? look.dash.split(" ").map(Number) : []);
        context.stroke(path);
      });
      context.setLineDash([]);
      if (since < 0) { return; }
      data.tracks.forEach(function (look, k) {
        if (look.off || !look.changes.length || !alike(k, since, at)) { return; }
        var changed = trace(film.tracks[k], since, at, view, new Path2D());
        [at, since].forEach(function (when, i) {
          if (hidden[i ? "lost" : "gained"]) { return; }
          context.save();
          context.clip(trace(film.tracks[k], -1, when, view, new Path2D()));
          context.fillStyle = self.fill(look.changes[i]);
          context.fill(changed, "evenodd");
          context.restore();
        });
        context.strokeStyle = "#1c2024";
        context.lineWidth = 0.9;
        context.stroke(changed);
      });
    }
  });

  // -- the ground under it: the basemap and the units' borders ---------------------------------------------------

  function mercator(lat) { return 0.5 - Math.log(Math.tan(Math.PI / 4 + lat * RADIAN / 2)) / (2 * Math.PI); }

  var Ground = Sheet.extend({
    draw: function () {
      var context = this.clear(), view = this.view, styles = getComputedStyle(document.documentElement);
      this.marks.forEach(function (mark) {
        var path = new Path2D(), pen = new Pen(view, path);
        mark.lines.forEach(function (line) {
          pen.start(line[0] * view.kx - view.ox, line[1] * view.ky - view.oy);
          for (var i = 2; i < line.length; i += 2) { pen.to(line[i] * view.kx - view.ox, line[i + 1] * view.ky - view.oy); }
          pen.end();
          if (mark.filled) { path.closePath(); }
        });
        context.fillStyle = context.strokeStyle = styles.getPropertyValue("--" + mark.tone).trim();
        context.lineWidth = mark.width;
        context.setLineDash(mark.dash || []);
        if (mark.filled) { context.fill(path, "evenodd"); }
        context.stroke(path);
      });
    }
  });

  function drawGround(ground, steps) {
    var base = ground.basemap;
    function line(list) {
      var points = new Float64Array(list.length);
      for (var i = 0, x = 0, y = 0; i < list.length; i += 2) {
        points[i] = (x += list[i]) / steps / 360 + 0.5;
        points[i + 1] = mercator((y += list[i + 1]) / steps);
      }
      return points;
    }
    function put(name, z, marks) {
      var pane = map.createPane(name), made = new Ground({ pane: name });
      pane.style.zIndex = z;
      pane.style.pointerEvents = "none";
      made.marks = marks;
      window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", function () {
        made.patterns = {};
        if (made._map) { made.draw(); }
      });
      return made.addTo(map);
    }
    function mark(name, tone, width, dash) {
      var filled = ["land", "woods", "built", "lakes", "ponds"].indexOf(name) >= 0, list = base[name] || [];
      return { lines: (filled ? [].concat.apply([], list) : list).map(line), tone: tone, width: width, dash: dash, filled: filled };
    }
    put("ground", 150, base ? [mark("land", "land", 0.6), mark("woods", "wood", 0.6), mark("built", "built", 0.6),
      mark("lakes", "sea", 0.6), mark("ponds", "sea", 0.6), mark("rivers", "river", 1), mark("streams", "river", 1),
      mark("railways", "rail", 1, [5, 2]), mark("roads", "road", 1.4), mark("admin1", "unit", 0.8, [1, 3]),
      mark("borders", "line", 2), mark("disputed", "line", 2, [5, 4])] : []);
    var units = put("borders", 360, [{ lines: ground.units.map(line), tone: "soft", width: 1, dash: [2, 3] }]);
    document.querySelectorAll("[data-ground]").forEach(function (box) {
      box.addEventListener("change", function () { if (box.checked) { units.addTo(map); } else { units.remove(); } });
    });
  }

  // -- dates ---------------------------------------------------------------------------------------------------

  function midnight(time) { return time % 86400 === 0; }

  function wordsOf(i) {
    var time = film.times[i], day = new Date(time * 1000), words = days.format(day).replace(/\s[рг]\.$/, "");
    return midnight(time) ? words : words + ", " + day.toISOString().slice(11, 16) + " UTC";
  }

  function dayOf(i) { return new Date(film.times[i] * 1000).toISOString().slice(0, 10); }

  // A day names its last date; another date of that day is named with its time.
  function nameOf(i) {
    if (i === film.count - 1 || dayOf(i) !== dayOf(i + 1)) { return dayOf(i); }
    return new Date(film.times[i] * 1000).toISOString().replace(/(:00)?\.000Z$/, "Z");
  }

  function lastBefore(time) {
    var low = 0, high = film.count;
    while (low < high) {
      var middle = (low + high) >> 1;
      if (film.times[middle] <= time) { low = middle + 1; } else { high = middle; }
    }
    return low - 1;
  }

  // What stood on a day or at an instant; the first date where nothing had been recorded yet; -1 for no date.
  function find(text) {
    var day = /^\d{4}-\d\d-\d\d$/.test(text), time = Date.parse(day ? text + "T23:59:59Z" : text) / 1000;
    return isNaN(time) ? -1 : Math.max(0, lastBefore(time));
  }

  // The date from which changes count, -1 where none is asked for or none lies before.
  function sinceOf(i) {
    var mode = $("since").value, from = -1;
    if (mode === "step") { from = i - 1; }
    if (mode === "first") { from = 0; }
    if (mode === "date") { from = cuts.since === undefined ? -1 : cuts.since; }
    if (Number(mode)) { from = Math.max(0, lastBefore(film.times[i] - Number(mode) * 86400)); }
    return from < i ? from : -1;
  }

  // -- words ---------------------------------------------------------------------------------------------------

  function figure(km2) {
    return (Math.abs(km2) >= 1000 ? whole : tenths).format(km2).replace("-", "−").replace(/^−(0[.,]0)$/, "$1");
  }

  // without the mark, a sign goes behind its number in a text from right to left
  function plus(km2) { return (km2 >= 0.05 ? (document.documentElement.dir === "rtl" ? "\u200e+" : "+") : "") + figure(km2); }

  function put(id, text) { $(id).textContent = text; }

  // Whether a class stands on both dates by maps of which the same ground was refused: between others nothing counts.
  function alike(k, a, b) { return a >= 0 && film.kinds[k][a] > 0 && film.kinds[k][a] === film.kinds[k][b]; }

  // km² gained and lost: the archive's own for a single step, swept here for a longer span, unknown while it plays.
  function moved(k, from, to) {
    var track = film.tracks[k];
    if (from === to - 1) { return [track.gained[to], track.lost[to]]; }
    if (playing) { return null; }
    var key = k + ":" + from + ":" + to;
    if (cuts.key !== from + ":" + to) { cuts = { since: cuts.since, key: from + ":" + to }; }
    return cuts[key] || null;
  }

  function share(i) {
    var span = film.times[film.count - 1] - film.times[0];
    return span ? (film.times[i] - film.times[0]) / span : 1;
  }

  function summary(k) {
    var from = sinceOf(at), base = from < 0 ? at - 1 : from, track = film.tracks[k], words;
    if (!film.kinds[k][at]) { return data.tracks[k].label + ": –"; }
    words = data.tracks[k].label + ": " + _("{km2} km²", { km2: figure(track.area[at]) });
    return !alike(k, base, at) ? words : words + " (" + _("{change} since {date}", { change: plus(track.area[at] - track.area[base]), date: wordsOf(base) }) + ")";
  }

  function tell() {
    var from = sinceOf(at), base = from < 0 ? at - 1 : from, words = wordsOf(at), slider = $("slider");
    var x = 100 * share(at) + "%";
    window.geo.day = Math.floor(film.times[at] / 86400);
    if (window.geo.showDots) { window.geo.showDots(window.geo.day); }
    put("now-date", words);
    put("now-figure", summary(Number($("charted").value)));
    put("figures-date", words);
    if (document.activeElement !== $("go-to")) { $("go-to").value = dayOf(at); }
    var unlike = film.kinds.some(function (kinds, k) { return base >= 0 && kinds[base] && kinds[at] && !alike(k, base, at); });
    put("figures-since", base < 0 ? "" : _("since {date}", { date: wordsOf(base) }) + (unlike ? " (" + _("not comparable") + ")" : ""));
    slider.value = share(at);
    slider.setAttribute("aria-valuetext", words + ", " + _("{n} of {all}", { n: at + 1, all: film.count }));
    $("cursor").setAttribute("x1", x);
    $("cursor").setAttribute("x2", x);
    if (from >= 0) {
      $("cursor-since").setAttribute("x1", 100 * share(from) + "%");
      $("cursor-since").setAttribute("x2", 100 * share(from) + "%");
      $("cursor-span").setAttribute("x", 100 * share(from) + "%");
      $("cursor-span").setAttribute("width", 100 * (share(at) - share(from)) + "%");
    }
    film.cells.forEach(function (cells, k) {
      var there = film.kinds[k][at] > 0, known = alike(k, base, at), change = known ? moved(k, base, at) : null;
      cells[0].textContent = there ? figure(film.tracks[k].area[at]) : "–";
      cells[1].textContent = change ? figure(change[0]) : known ? "…" : "–";
      cells[2].textContent = change ? figure(change[1]) : known ? "…" : "–";
      cells[3].textContent = known ? plus(film.tracks[k].area[at] - film.tracks[k].area[base]) : "–";
    });
  }

  function ages() {
    var told = Object.keys(data.sources).map(function (name) {
      var own = data.sources[name].filter(function (i) { return i <= at; }).pop();
      if (own === undefined) { return name + ": " + _("none yet"); }
      var old = Math.round((film.times[at] - film.times[own]) / 86400);
      return name + ": " + wordsOf(own) + (old ? ", " + _("{n} days before", { n: old }) : "");
    });
    put("figures-age", told.length ? _("Snapshots: {list}.", { list: told.join("; ") }) : "");
  }

  // What waits until the reader rests: the longer sums, the address, what is read out.
  function settle() {
    var from = sinceOf(at), view = map.getCenter();
    clearTimeout(settling);
    if (from >= 0 && from !== at - 1) {
      moved(0, from, at);
      film.tracks.forEach(function (track, k) {
        if (alike(k, from, at)) { cuts[k + ":" + from + ":" + at] = gross(track, from, at); }
      });
    }
    tell();
    ages();
    var address = "#" + (from >= 0 ? nameOf(from) + ".." : "") + nameOf(at);
    if (film.moved) {
      address += "/" + map.getZoom() + "/" + view.lat.toFixed(4) + "/" + view.lng.toFixed(4);
    }
    $("link").href = address;
    if (!touched) { return; }
    put("spoken", wordsOf(at) + ". " + film.tracks.map(function (_, k) { return summary(k); }).join(". ") + ".");
    try { history.replaceState(null, "", address); } catch (refused) { $("link").title = String(refused.name); }
  }

  function show(i) {
    at = Math.max(0, Math.min(film.count - 1, i));
    layer.draw();
    tell();
    clearTimeout(settling);
    if (!playing) { settling = setTimeout(settle, 180); }
  }

  function go(i) {
    touched = true;
    stop();
    show(i);
  }

  // -- who held a place ----------------------------------------------------------------------------------------

  // How often the boundary of each date winds around a place: an edge that a line to the east crosses counts from the
  // date on which it came until it went.
  function windings(track, lon, lat) {
    var found = new Int32Array(film.count + 1);
    for (var e = 0; e < track.births.length; e++) {
      var p = track.tails[e], q = track.heads[e], up = film.lat[p] <= lat;
      if (up === (film.lat[q] <= lat)) { continue; }
      var x = film.lon[p] + (film.lon[q] - film.lon[p]) * (lat - film.lat[p]) / (film.lat[q] - film.lat[p]);
      if (x > lon) {
        found[track.births[e]] += up ? 1 : -1;
        found[track.deaths[e]] -= up ? 1 : -1;
      }
    }
    for (var i = 1; i < found.length; i++) { found[i] += found[i - 1]; }
    return found;
  }

  // From which date to which each class had a place, in words.
  function heldAt(at) {
    var facts = [];
    film.tracks.forEach(function (track, k) {
      var inside = windings(track, at.lng * scale, at.lat * scale), from = -1;
      for (var i = 0; i <= film.count; i++) {
        var on = i < film.count && inside[i] !== 0 && film.kinds[k][i] > 0;
        if (on && from < 0) { from = i; }
        if (!on && from >= 0) {
          var until = i < film.count ? wordsOf(i - 1) : _("the last date");
          facts.push([data.tracks[k].label, _("{first} to {last}", { first: wordsOf(from), last: until })]);
          from = -1;
        }
      }
    });
    return facts;
  }

  function tellPlace(event) {
    var facts = heldAt(event.latlng);
    L.popup({ maxHeight: 260 }).setLatLng(event.latlng).setContent(window.geo.card(_("Who held this point"),
      facts.length ? facts : [[_("On every date"), _("no ground of a class")]])).openOn(map);
  }

  // -- play ----------------------------------------------------------------------------------------------------

  function play() {
    if (film.count < 2) { return; }
    touched = playing = true;
    if (at === film.count - 1) { at = -1; }
    ticked = 0;
    $("player").classList.add("playing");
    $("play").setAttribute("aria-label", _("Pause"));
    $("play").title = _("Pause");
    ticking = requestAnimationFrame(tick);
  }

  function tick(now) {
    var rate = Number($("speed").value);
    if (rate >= 60 || !ticked || now - ticked >= 1000 / rate - 4) {
      ticked = now;
      show(at + 1);
    }
    if (at >= film.count - 1) { stop(); } else { ticking = requestAnimationFrame(tick); }
  }

  function stop() {
    if (!playing) { return; }
    playing = false;
    cancelAnimationFrame(ticking);
    $("player").classList.remove("playing");
    $("play").setAttribute("aria-label", _("Play"));
    $("play").title = _("Play");
    show(at);
  }

  // -- hands ---------------------------------------------------------------------------------------------------

  function setSince(mode, i) {
    $("since").value = mode;
    cuts.since = i;
    $("since-day-label").hidden = mode !== "date";
    if (mode === "date" && i !== undefined) { $("since-day").value = dayOf(i); }
    $("player").classList.toggle("since", mode !== "");
  }

  function key(event) {
    var target = event.target, name = target.tagName, onSlider = target.id === "slider";
    if (event.altKey || event.ctrlKey || event.metaKey || (name === "INPUT" && !onSlider && target.type !== "checkbox") ||
      name === "SELECT" || target.closest(".leaflet-container, .scroll")) { return; }
    var to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: film.count - 1 }[event.key];
    if (onSlider) {
      var more = { ArrowUp: at + 1, ArrowDown: at - 1, PageUp: at + 30, PageDown: at - 30 }[event.key];
      to = to === undefined ? more : to;
    }
    if (to !== undefined) {
      event.preventDefault();
      go(to);
    } else if (event.key === " " && (onSlider || !/^(INPUT|BUTTON|SUMMARY|A)$/.test(name))) {
      event.preventDefault();
      if (playing) { stop(); } else { play(); }
    }
  }

  function fromAddress() {
    var said = /^#(?:([^./]+)\.\.)?([^./]+)(?:\/([\d.]+)\/(-?[\d.]+)\/(-?[\d.]+))?$/.exec(location.hash.replace(/%3A/gi, ":"));
    if (!said || find(said[2]) < 0) { return false; }
    stop();
    if (said[1] && find(said[1]) >= 0) { setSince("date", find(said[1])); } else if ($("since").value === "date") { setSince(""); }
    if (said[3]) {
      map.setView([Number(said[4]), Number(said[5])], Number(said[3]), { animate: false });
      film.moved = true;
    }
    show(find(said[2]));
    return true;
  }

  function wire() {
    $("go-0").addEventListener("click", function () { go(0); });
    $("go-1").addEventListener("click", function () { go(at - 1); });
    $("go-2").addEventListener("click", function () { go(at + 1); });
    $("go-3").addEventListener("click", function () { go(film.count - 1); });
    $("play").addEventListener("click", function () { if (playing) { stop(); } else { play(); } });
    function jump(part) {
      var time = film.times[0] + part * (film.times[film.count - 1] - film.times[0]), i = Math.max(0, lastBefore(time));
      go(i + 1 < film.count && film.times[i + 1] - time < time - film.times[i] ? i + 1 : i);
    }
    $("slider").addEventListener("input", function () { jump(Number($("slider").value)); });
    $("chart").addEventListener("click", function (event) {
      var box = $("chart").getBoundingClientRect();
      jump(Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)));
    });
    $("go-to").addEventListener("change", function () { if (find($("go-to").value) >= 0) { go(find($("go-to").value)); } });
    $("since").addEventListener("change", function () {
      setSince($("since").value, $("since").value === "date" ? Math.max(0, lastBefore(film.times[at] - 30 * 86400)) : undefined);
      go(at);
    });
    $("since-day").addEventListener("change", function () {
      if (find($("since-day").value) >= 0) { cuts.since = find($("since-day").value); }
      go(at);
    });
    $("charted").addEventListener("change", function () {
      document.querySelectorAll("#player [data-chart]").forEach(function (one) {
        one.toggleAttribute("hidden", one.dataset.chart !== $("charted").value);
      });
      tell();
    });
    document.querySelectorAll("[data-track]").forEach(function (box) {
      box.addEventListener("change", function () {
        data.tracks[Number(box.dataset.track)].off = !box.checked;
        layer.draw();
      });
    });
    document.querySelectorAll("[data-change]").forEach(function (box) {
      box.addEventListener("change", function () {
        document.querySelectorAll("[data-change=" + box.dataset.change + "]").forEach(function (same) {
          same.checked = box.checked;
        });
        hidden[box.dataset.change] = !box.checked;
        layer.draw();
      });
    });
    document.addEventListener("keydown", key);
    window.addEventListener("hashchange", fromAddress);
    window.addEventListener("beforeprint", printed);
    map.on("click", tellPlace);
    map.on("dragend zoomend", function () {
      film.moved = touched = true;
      settle();
    });
  }

  // -- print ---------------------------------------------------------------------------------------------------

  function Written() { this.text = ""; }
  Written.prototype = {
    moveTo: function (x, y) { this.text += "M" + x.toFixed(1) + " " + y.toFixed(1); },
    lineTo: function (x, y) { this.text += "L" + x.toFixed(1) + " " + y.toFixed(1); },
    closePath: function () { this.text += "Z"; }
  };

  function shape(name, attributes, parent) {
    var made = document.createElementNS(SVG, name);
    Object.keys(attributes).forEach(function (k) { made.setAttribute(k, attributes[k]); });
    parent.append(made);
    return made;
  }

  // The still picture shows the date that the reader chose: the same boundaries in its own projection (geo.still).
  function printed() {
    var picture = document.querySelector(".still svg"), box = data.still, width = 1000, since = sinceOf(at);
    var squeeze = Math.cos((box[1] + box[3]) / 2 * RADIAN), wide = (box[2] - box[0]) * squeeze, high = box[3] - box[1];
    var step = Math.min(width / wide, 1.2 * width / high), height = Math.min(Math.max(high * step, 0.5 * width), 1.2 * width);
    var view = { X: film.lon, Y: film.lat, kx: squeeze * step / scale, ky: -step / scale,
      ox: box[0] * squeeze * step - (width - wide * step) / 2, oy: -(height - high * step) / 2 - box[3] * step,
      west: -9, east: width + 9, north: -9, south: height + 9 };
    function rings(k, a, b) { return trace(film.tracks[k], a, b, view, new Written()).text; }
    settle();
    picture.querySelectorAll(".changed").forEach(function (old) { old.remove(); });
    data.tracks.forEach(function (look, k) {
      var path = picture.querySelector("path[data-look='" + look.pattern + "']");
      path.setAttribute("d", look.off || !film.kinds[k][at] ? "" : rings(k, -1, at));
      if (look.off || !alike(k, since, at)) { return; }
      look.changes.forEach(function (name, i) {
        if (hidden[i ? "lost" : "gained"]) { return; }
        var group = document.createElementNS(SVG, "g"), cut = "cut-" + k + "-" + i;
        group.setAttribute("class", "changed");
        path.after(group);
        shape("path", { d: rings(k, -1, i ? since : at) }, shape("clipPath", { id: cut }, group));
        shape("path", { d: rings(k, since, at), fill: "url(#" + name + ")", "fill-rule": "evenodd", stroke: "none",
          "stroke-width": "0.9", "clip-path": "url(#" + cut + ")" }, group);
      });
    });
    put("still-date", wordsOf(at) + (since < 0 ? "" : ", " + _("and what changed since {date}", { date: wordsOf(since) })));
  }

  // -- opening -------------------------------------------------------------------------------------------------

  function fail(words) {
    document.documentElement.dataset.film = "no";
    window.geo.fail(words);
  }

  document.addEventListener("DOMContentLoaded", function () {
    var all = JSON.parse($("geo-data").textContent);
    map = window[all.map];
    data = all.film;
    scale = all.scale;
    if (!("DecompressionStream" in window)) {
      fail(_("This browser cannot unpack the timeline (that takes Chrome 80, Firefox 113 or Safari 16.4, or later ones): the picture shows the last date, the table has all of them."));
      return;
    }
    Promise.all([window.geo.inflate(data.bytes), window.geo.ground]).then(function (found) {
      data.bytes = "";
      drawGround(found[1], all.line_scale);
      film = read(found[0]);
      Object.keys(data.sources).forEach(function (name) {
        var sum = 0;
        data.sources[name] = data.sources[name].map(function (step) { return sum += step; });
      });
      film.kinds = data.tracks.map(function (look) {
        return [].concat.apply([], look.kinds.map(function (run) { return new Array(run[1]).fill(run[0]); }));
      });
      film.cells = data.tracks.map(function (_, k) { return document.querySelectorAll("[data-row='" + k + "'] td"); });
      at = film.count - 1;
      map.createPane("film").style.zIndex = 380;
      map.getPane("film").style.pointerEvents = "none";
      layer = new Dates({ pane: "film" }).addTo(map);
      wire();
      setSince($("since").value === "date" ? "" : $("since").value);
      if (!fromAddress()) {
        tell();
        settle();
      }
      document.documentElement.dataset.film = "yes";
    }).catch(function (error) {
      fail(_("The timeline could not be unpacked ({error}): the picture shows the last date.", { error: error.message }));
    });
  });
})();
