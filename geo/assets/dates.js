/* Two dates on one map: the earlier left of the divider, the later right of it. Where the divider stands is the native
   slider's value; everything else follows it. Text from outside arrives as JSON and is shown with textContent only. */
(function () {
  "use strict";
  // A text in the page's language: the page has its words in words-dates; {name} in it stands for a value.
  var block = document.getElementById("words-dates"), texts = block ? JSON.parse(block.textContent) : {};
  function _(text, values) {
    return (texts[text] || text).replace(/\{(\w+)\}/g, function (all, name) { return values[name]; });
  }
  var THUMB = 44;  // as wide as the slider's thumb is in dates.css: the line goes through its middle
  var map, data, slider, panes, halves, line, settling = 0, moved = false, touched = false;

  function $(id) { return document.getElementById(id); }

  // Where the line stands, in pixels of the map; at either end of the slider one date has all of it.
  function place(width) {
    var share = Number(slider.value) / 100;
    return share <= 0 ? 0 : share >= 1 ? width : THUMB / 2 + share * (width - THUMB);
  }

  function clip(pane, from, to, top, bottom) {
    pane.style.clipPath = "polygon(" + [[from, top], [to, top], [to, bottom], [from, bottom]].map(function (corner) {
      return corner[0] + "px " + corner[1] + "px";
    }).join(", ") + ")";
  }

  function cut() {
    var size = map.getSize(), x = place(size.x), share = Math.round(Number(slider.value));
    var first = map.containerPointToLayerPoint([0, 0]), last = map.containerPointToLayerPoint(size);
    clip(panes[0], first.x, first.x + x, first.y, last.y);
    clip(panes[1], first.x + x, last.x, first.y, last.y);
    line.style.left = x + "px";
    // a name is there where its half has room for it
    [x, size.x - x].forEach(function (room, i) {
      halves[i].style.visibility = room < halves[i].offsetWidth + 14 ? "hidden" : "visible";
    });
    slider.setAttribute("aria-valuetext", x <= 0 ? _("{date} alone", { date: data.names[1] }) :
      x >= size.x ? _("{date} alone", { date: data.names[0] }) :
        _("left {share} percent {first}, right {rest} percent {last}", { share: share, first: data.names[0],
          rest: 100 - share, last: data.names[1] }));
  }

  // What stands over the map covers no button, and no name by half: the button moves, the name goes.
  function clearNames() {
    var below = Math.max.apply(null, halves.map(function (half) { return half.offsetTop + half.offsetHeight; }));
    map.getContainer().querySelectorAll(".leaflet-top").forEach(function (corner) { corner.style.top = below + "px"; });
    var over = halves.concat([map.zoomControl.getContainer()]).map(function (one) { return one.getBoundingClientRect(); });
    map.getPane("places").querySelectorAll(".place").forEach(function (name) {
      var box = name.getBoundingClientRect();
      name.hidden = over.some(function (other) {
        return box.left - 9 < other.right && box.right > other.left && box.top < other.bottom && box.bottom > other.top;
      });
    });
  }

  // The address waits until the reader rests.
  function settle() {
    var view = map.getCenter(), address = "#" + Number(Number(slider.value).toFixed(1));
    if (moved) { address += "/" + map.getZoom() + "/" + view.lat.toFixed(4) + "/" + view.lng.toFixed(4); }
    $("link").href = address;
    if (!touched) { return; }
    // a sandboxed frame may refuse: the link under the map has the address all the same
    try { history.replaceState(null, "", address); } catch (refused) { $("link").title = String(refused.name); }
  }

  function later() {
    clearTimeout(settling);
    settling = setTimeout(settle, 200);
  }

  function go(value) {
    touched = true;
    slider.value = Math.max(0, Math.min(100, value));
    cut();
    later();
  }

  function fromAddress() {
    var found = /^#(\d{1,3}(?:\.\d+)?)(?:\/([\d.]+)\/(-?[\d.]+)\/(-?[\d.]+))?$/.exec(location.hash);
    if (!found || Number(found[1]) > 100) { return; }
    slider.value = found[1];
    if (found[2] && Math.abs(found[3]) <= 90 && Math.abs(found[4]) <= 180) {
      map.setView([Number(found[3]), Number(found[4])], Number(found[2]), { animate: false });
      moved = true;
    }
    cut();
    settle();
  }

  function key(event) {
    var at = Number(slider.value), to = { ArrowLeft: at - 2, ArrowDown: at - 2, ArrowRight: at + 2, ArrowUp: at + 2,
      PageDown: at - 10, PageUp: at + 10, Home: 0, End: 100 }[event.key];
    if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) { return; }
    event.preventDefault();
    go(to);
  }

  // The line can be taken hold of at any height, with a pointer or a finger.
  function drag(event) {
    var box = map.getContainer().getBoundingClientRect(), width = map.getSize().x, x = event.clientX - box.left - 1;
    go(100 * (x - THUMB / 2) / (width - THUMB));
  }

  function wire() {
    slider.addEventListener("input", function () { go(Number(slider.value)); });
    slider.addEventListener("keydown", key);
    line.addEventListener("pointerdown", function (event) {
      if (event.button) { return; }
      line.setPointerCapture(event.pointerId);
      line.addEventListener("pointermove", drag);
      event.preventDefault();
      slider.focus({ preventScroll: true });
    });
    ["pointerup", "pointercancel"].forEach(function (name) {
      line.addEventListener(name, function () { line.removeEventListener("pointermove", drag); });
    });
    document.querySelectorAll("[data-place]").forEach(function (button) {
      button.addEventListener("click", function () {
        var at = data.places[Number(button.dataset.place)];
        moved = touched = true;
        map.setView(at, Math.max(map.getZoom(), 10), { animate: false });
        map.getContainer().scrollIntoView({ block: "nearest" });
        L.circleMarker(at, { radius: 11, weight: 3, color: "#1c2024", fill: false, interactive: false, pane: "marked" })
          .addTo(data.mark.clearLayers());
        later();
      });
    });
    document.querySelectorAll("[data-view]").forEach(function (button) {
      button.addEventListener("click", function () {
        moved = touched = true;
        later();
      });
    });
    window.addEventListener("hashchange", fromAddress);
    map.on("move zoom zoomend moveend viewreset resize", cut);
    map.on("zoomend moveend resize", clearNames);
    document.querySelector("[data-layer=places]").addEventListener("change", clearNames);
    map.on("dragend zoomend", function () {
      moved = touched = true;
      later();
    });
  }

  document.addEventListener("geo-ready", function () {
    var all = JSON.parse($("geo-data").textContent);
    map = window[all.map];
    data = all.dates;
    slider = $("slider");
    line = $("divider");
    halves = [$("half-0"), $("half-1")];
    document.querySelectorAll("[data-layer^=moved]:not(:checked)").forEach(function (box) {
      window.geo.layers[box.dataset.layer].remove();
    });
    panes = [map.getPane("control"), map.getPane("later")];
    map.createPane("marked").style.zIndex = 430;
    data.mark = L.layerGroup().addTo(map);
    map.zoomControl.setPosition("bottomright");
    wire();
    if (data.at !== null) {
      var size = map.getSize(), x = map.latLngToContainerPoint([map.getCenter().lat, data.at]).x;
      slider.value = Math.round(Math.max(20, Math.min(80, 100 * (x - THUMB / 2) / Math.max(size.x - THUMB, 1))));
    }
    cut();
    clearNames();
    fromAddress();
    settle();
    document.documentElement.dataset.dates = "yes";
  });
})();
