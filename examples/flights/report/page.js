(function () {
  "use strict";
  var data = JSON.parse(document.getElementById("data").textContent);
  var tip = document.getElementById("tip");
  var cells = data.cells.map(function (text) { return text.split(","); });
  var cursor = null;

  function clamp(x, n) { return Math.max(0, Math.min(n - 1, Math.floor(x))); }

  function cell(origin, day, row) {
    var text = cells[origin][day * data.rows + row];
    if (!text) { return null; }
    var part = text.split(" ").map(Number);
    return { flights: part[0], mean: part[1] / 10, worst: part[2] };
  }

  function whole(origin, day) {
    var all = { flights: 0, mean: 0, worst: -1e9 };
    for (var row = 0; row !== data.rows; row++) {
      var c = cell(origin, day, row);
      if (!c) { continue; }
      all.flights += c.flights;
      all.mean += c.mean * c.flights;
      all.worst = Math.max(all.worst, c.worst);
    }
    all.mean /= all.flights;
    return all.flights ? all : null;
  }

  function date(day) {
    var parts = data.first.split("-").map(Number);
    return new Date(Date.UTC(parts[0], parts[1] - 1, parts[2] + day)).toLocaleDateString("en-US", {
      weekday: "long", month: "long", day: "numeric", timeZone: "UTC"
    });
  }

  function clock(hour) {
    if (hour === 12) { return "noon"; }
    return (hour % 12 || 12) + (hour % 24 > 11 ? " pm" : " am");
  }

  function words(c) {
    if (!c) { return "no flights"; }
    return c.mean.toFixed(1).replace("-", "\u2212") + " min mean delay\n" +
      c.flights + (c.flights === 1 ? " flight" : " flights") + ", longest delay " +
      String(c.worst).replace("-", "\u2212") + " min";
  }

  function hide() {
    tip.hidden = true;
    if (cursor) { cursor.classList.remove("on"); }
  }

  function show(event) {
    var hit = event.target;
    var box = hit.getBoundingClientRect();
    var across = (event.clientX - box.left) / box.width;
    var down = (event.clientY - box.top) / box.height;
    var origin = Number(hit.dataset.origin);
    var head = Number(hit.dataset.head || 0);
    var along = hit.dataset.tall ? down : across;
    var day = clamp(along * data.days, data.days);
    var row = hit.dataset.tall ? clamp(across * data.rows, data.rows) :
      clamp((down - head) / (1 - head) * data.rows, data.rows);
    var daily = !hit.dataset.tall ? head > down : false;
    var hour = data.from + row;
    tip.textContent = data.origins[origin] + ", " + date(day) +
      (daily ? "" : ", " + clock(hour) + "\u2013" + clock(hour + 1)) + "\n" +
      words(daily ? whole(origin, day) : cell(origin, day, row));
    tip.hidden = false;
    var size = tip.getBoundingClientRect();
    var left = event.clientX + 16;
    if (left + size.width > document.documentElement.clientWidth - 8) { left = event.clientX - size.width - 16; }
    var top = event.clientY - size.height - 14;
    if (8 > top) { top = event.clientY + 20; }
    tip.style.transform = "translate(" + Math.max(8, left) + "px," + top + "px)";
    if (cursor) { cursor.classList.remove("on"); }
    cursor = hit.parentNode.querySelectorAll(".cursor")[hit.dataset.tall ? origin : 0];
    cursor.setAttribute("x", day);
    cursor.setAttribute("y", daily ? 0 : row);
    cursor.setAttribute("height", daily ? data.rows : 1);
    cursor.classList.add("on");
  }

  document.querySelectorAll(".hit").forEach(function (hit) {
    hit.addEventListener("pointermove", show);
    hit.addEventListener("pointerdown", show);
    hit.addEventListener("pointerleave", hide);
  });
  window.addEventListener("scroll", hide, { passive: true });
}());
