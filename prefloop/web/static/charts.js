// Charts that grow: a line per quantity, bars per hour, and accuracy over labels with its forecast.
// Each keeps beside the drawing what it says in words and in a table.

import { LANGUAGE, clock, count, element, figure, percent, row, say } from "./owner.js";

const HEIGHT = 190;
const TABLE_ROWS = 200;
const HOUR = 3600;
const UPDATE_STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000];

const color = (name) =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim() || "#777";
const font = (ratio = 1) => [`${11 * ratio}px`, getComputedStyle(document.body).fontFamily].join(" ");

function axes(x, y) {
  const axis = (more) => ({
    stroke: () => color("--soft"),
    grid: { stroke: () => color("--rule"), width: 0.7 },
    ticks: { show: false },
    font: font(),
    gap: 6,
    ...more,
  });
  return [axis({ size: 26, ...x }), axis({ size: 46, ...y })];
}

const tickTold = (tick) => String(Number(tick.toPrecision(6)));

// Draws on the canvas in data coordinates: what uPlot has no series for.
function pen(plot) {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio || 1;
  const at = (x, y) => [plot.valToPos(x, "x", true), plot.valToPos(y, "y", true)];
  return {
    inside(draw) {
      ctx.save();
      ctx.beginPath();
      ctx.rect(bbox.left, bbox.top - 4 * ratio, bbox.width, bbox.height + 8 * ratio);
      ctx.clip();
      draw();
      ctx.restore();
    },
    line(points, { stroke, width = 1, dash = [] }) {
      ctx.strokeStyle = stroke;
      ctx.lineWidth = width * ratio;
      ctx.setLineDash(dash.map((part) => part * ratio));
      ctx.beginPath();
      points.forEach(([x, y], place) => ctx[place ? "lineTo" : "moveTo"](...at(x, y)));
      ctx.stroke();
      ctx.setLineDash([]);
    },
    area(points, fill) {
      ctx.fillStyle = fill;
      ctx.globalAlpha = 0.13;
      ctx.beginPath();
      points.forEach(([x, y], place) => ctx[place ? "lineTo" : "moveTo"](...at(x, y)));
      ctx.fill();
      ctx.globalAlpha = 1;
    },
    dot([x, y], fill, { isHollow = false, size = 4 } = {}) {
      const [left, top] = at(x, y);
      ctx.beginPath();
      ctx.arc(left, top, size * ratio, 0, 2 * Math.PI);
      ctx.fillStyle = isHollow ? color("--paper") : fill;
      ctx.strokeStyle = fill;
      ctx.lineWidth = 1.6 * ratio;
      ctx.fill();
      ctx.stroke();
    },
    vertical(x, stroke) {
      const [left] = at(x, 0);
      ctx.strokeStyle = stroke;
      ctx.lineWidth = ratio;
      ctx.beginPath();
      ctx.moveTo(left, bbox.top);
      ctx.lineTo(left, bbox.top + bbox.height);
      ctx.stroke();
    },
    word(text, x, y, fill) {
      const [left, top] = at(x, y);
      ctx.fillStyle = fill;
      ctx.font = font(ratio);
      ctx.textBaseline = "bottom";
      ctx.textAlign = "left";
      ctx.fillText(text, left + 4 * ratio, top - 2 * ratio);
    },
  };
}

// What all charts share: the drawing appears with the first point, fits its place, and has a description.
class Chart {
  constructor(name, options) {
    this.figure = document.getElementById(`chart-${name}`);
    this.title = this.figure.dataset.title;
    this.place = this.figure.querySelector(".plot");
    this.readout = this.figure.querySelector(".readout");
    this.details = this.figure.querySelector("details");
    this.options = options;
    this.plot = null;
    this.details.addEventListener("toggle", () => this.fillTable());
  }

  show(data) {
    if (!data[0].length) return;
    if (this.plot) {
      this.plot.setData(data);
    } else {
      this.place.replaceChildren();
      this.plot = new uPlot(this.prepared(), data, this.place);
      new ResizeObserver(() => {
        const width = this.place.clientWidth;
        if (width && width !== this.plot.width) this.plot.setSize({ width, height: HEIGHT });
      }).observe(this.place);
      matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
        this.plot.redraw(true, true));
    }
    if (this.details.open) this.fillTable();
  }

  prepared() {
    return {
      width: this.place.clientWidth || 300,
      height: HEIGHT,
      legend: { show: false },
      cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
      padding: [8, 10, 0, 0],
      ...this.options,
      hooks: {
        setCursor: [(plot) => this.read(plot.cursor.idx)],
        ...this.options.hooks,
      },
    };
  }

  read(place) {
    this.readout.textContent =
      place === null || place === undefined ? "" : this.pointTold(place);
  }

  tell(text) {
    const label = say("chart.description", { title: this.title, text });
    if (this.place.getAttribute("aria-label") !== label) {
      this.place.setAttribute("aria-label", label);
      this.figure.querySelector(".chart-text").textContent = text;
    }
  }

  fillTable() {
    if (!this.details.open) return;
    const [head, lines] = this.table();
    const header = element("tr", {}, head.map((text) => element("th", { text, scope: "col" })));
    this.details.querySelector("thead").replaceChildren(header);
    this.details.querySelector("tbody").replaceChildren(...lines.map(row));
  }
}

export class LineChart extends Chart {
  constructor(name, { hue, level = null, write = figure }) {
    super(name, {
      scales: { x: { time: false } },
      axes: axes(
        { incrs: UPDATE_STEPS },
        { values: (_plot, ticks) => ticks.map(tickTold) },
      ),
      series: [{}, { stroke: () => color(hue), width: 1.9, points: { show: false } }],
      hooks: { drawAxes: [(plot) => this.drawBehind(plot)] },
    });
    this.level = level;
    this.write = write;
    this.x = [];
    this.y = [];
    this.rounds = [];
  }

  // Lines come in order; a second line of one update replaces the first: a roll back took it back.
  add(update, round, value) {
    const last = this.x.findLastIndex((known) => known < update) + 1;
    this.x.length = this.y.length = this.rounds.length = last;
    this.x.push(update);
    this.y.push(Number.isFinite(value) ? value : null);
    this.rounds.push(round);
  }

  forget() {
    this.x.length = this.y.length = this.rounds.length = 0;
  }

  draw() {
    this.show([this.x, this.y]);
    const here = this.y.findLastIndex((value) => value !== null);
    if (here < 0) return;
    const start = this.y.find((value) => value !== null);
    const [value, update] = [this.write(this.y[here]), this.x[here]];
    this.tell(here
      ? say("chart.course", { value, update, start: figure(start), first: this.x[0] })
      : say("chart.one_point", { value, update }));
  }

  drawBehind(plot) {
    const draw = pen(plot);
    draw.inside(() => {
      for (let place = 1; place < this.x.length; place += 1) {
        if (this.rounds[place] !== this.rounds[place - 1]) {
          draw.vertical((this.x[place] + this.x[place - 1]) / 2, color("--tie"));
        }
      }
      if (this.level !== null) {
        const ends = [plot.scales.x.min, plot.scales.x.max].map((x) => [x, this.level]);
        draw.line(ends, { stroke: color("--soft"), dash: [5, 4] });
      }
    });
  }

  pointTold(place) {
    return say("chart.point", { update: this.x[place], round: this.rounds[place], value: this.write(this.y[place]) });
  }

  table() {
    const lines = this.x.map((x, place) => [count(x), count(this.rounds[place]), figure(this.y[place])]);
    return [[say("chart.update"), say("chart.round"), this.title], lines.slice(-TABLE_ROWS).reverse()];
  }
}

const KINDS = { best: "chart.best", tie: "own.tie", all_bad: "own.all_bad", skip: "own.skip", flag: "own.flag" };

export class HoursChart extends Chart {
  constructor(name) {
    super(name, {
      scales: {
        // A bar stands to the right of its hour: this hour's, too, needs room.
        x: { range: (_plot, first, last) => [first ?? 0, (last ?? 0) + HOUR] },
        y: { range: (_plot, _low, high) => [0, Math.max(5, high * 1.08)] },
      },
      axes: axes(
        { space: 60, values: (_plot, ticks) => ticks.map(hourTick) },
        { values: (_plot, ticks) => ticks.map(count), incrs: UPDATE_STEPS },
      ),
      series: [{}, ...["--tie", "--policy"].map((hue) => ({
        stroke: () => color(hue),
        fill: () => color(hue),
        width: 0,
        points: { show: false },
        paths: uPlot.paths.bars({ size: [0.8, 40], align: 1, radius: 0.12 }),
      }))],
    });
    this.hours = [];
  }

  draw(hours) {
    this.hours = hours;
    const good = hours.map((hour) => hour.best + hour.tie + hour.all_bad);
    const all = hours.map((hour, place) => good[place] + hour.skip + hour.flag);
    this.show([hours.map((hour) => HOUR * hour.hour), all, good]);
    if (!hours.length) return;
    const total = good.reduce((sum, n) => sum + n, 0);
    this.tell(say("chart.hours", { now: good.at(-1), total, n: hours.length }));
  }

  pointTold(place) {
    const hour = this.hours[place];
    const [time, answers] = [hourTold(hour), hour.best + hour.tie + hour.all_bad];
    const rest = hour.skip + hour.flag;
    return rest ? say("chart.hour_and_rest", { time, answers, rest }) : say("chart.hour_point", { time, answers });
  }

  table() {
    const kinds = Object.keys(KINDS);
    const lines = this.hours.map((hour) => [hourTold(hour), ...kinds.map((kind) => count(hour[kind]))]);
    return [[say("chart.hour"), ...kinds.map((kind) => say(KINDS[kind]))], lines.reverse()];
  }
}

// Midnight is labeled with its day, every other hour with the time.
function hourTick(seconds) {
  const date = new Date(1000 * seconds);
  return date.getHours() || date.getMinutes()
    ? clock(seconds)
    : date.toLocaleDateString(LANGUAGE, { weekday: "short", day: "numeric" });
}

const hourTold = ({ hour }) => {
  const date = new Date(3_600_000 * hour);
  return date.toLocaleString(LANGUAGE, { weekday: "short", hour: "2-digit", minute: "2-digit" });
};

const BINS = 16;

// Accuracy of single batches jumps about: neighbors are put together, so that the eye sees a course.
function binned(points) {
  const size = Math.ceil(points.length / BINS);
  const found = [];
  for (let start = 0; start < points.length; start += size) {
    const part = points.slice(start, start + size);
    const mean = (key) => part.reduce((sum, point) => sum + point[key], 0) / part.length;
    found.push({ labels: mean("labels"), accuracy: mean("accuracy") });
  }
  return found;
}

const HEADS = {
  labels: "chart.labels", kind: "chart.kind", accuracy: "chart.accuracy", from: "chart.from", to: "chart.to",
};

export class LearningChart extends Chart {
  constructor(name) {
    super(name, {
      scales: {
        x: { time: false, range: () => [0, 1.04 * this.widest()] },
        y: { range: () => this.reach() },
      },
      axes: axes(
        { values: (_plot, ticks) => ticks.map(count) },
        { values: (_plot, ticks) => ticks.map((tick) => percent(tick)) },
      ),
      series: [{}, { stroke: "transparent", points: { show: false } }],
      hooks: { draw: [(plot) => this.drawOver(plot)] },
    });
    this.points = [];
    this.curve = [];
    this.n = 0;
    this.doubled = null;
  }

  draw(found) {
    this.points = binned(found.points);
    this.curve = found.status === "estimated" ? found.curve : found.curve.filter((p) => p.labels <= found.n_labels);
    this.doubled = found.status === "estimated" ? found.doubled : null;
    this.n = found.n_labels;
    const shown = this.curve.length ? this.curve : this.points;
    this.show([shown.map((p) => p.labels), shown.map((p) => p.accuracy)]);
    this.tell(found.message);
  }

  widest() {
    return Math.max(1, this.n, ...this.curve.map((p) => p.labels), ...this.points.map((p) => p.labels));
  }

  // The first few labels say next to nothing: their interval may leave the picture.
  reach() {
    const shown = this.curve.filter((p) => p.labels >= this.n / 6);
    const lows = [...this.points.map((p) => p.accuracy), ...shown.map((p) => p.low)];
    const highs = [...this.points.map((p) => p.accuracy), ...shown.map((p) => p.high)];
    return [Math.max(0, Math.min(...lows) - 0.03), Math.min(1, Math.max(...highs) + 0.03)];
  }

  drawOver(plot) {
    const draw = pen(plot);
    const [soft, hue] = ["--soft", "--best"].map(color);
    const line = (points) => points.map((p) => [p.labels, p.accuracy]);
    const known = this.curve.filter((p) => p.labels <= this.n);
    const beyond = this.curve.filter((p) => p.labels >= (known.at(-1)?.labels ?? 0));
    draw.inside(() => {
      const edge = [...this.curve.map((p) => [p.labels, p.high]), ...this.curve.map((p) => [p.labels, p.low]).reverse()];
      if (edge.length) draw.area(edge, hue);
      for (const point of this.points) draw.dot([point.labels, point.accuracy], soft, { size: 2.5 });
      if (known.length) draw.line(line(known), { stroke: hue, width: 2 });
      if (this.doubled) {
        draw.line(line(beyond), { stroke: hue, width: 1.6, dash: [5, 4] });
        draw.dot([this.doubled.labels, this.doubled.accuracy], hue, { isHollow: true });
        draw.vertical(this.n, color("--tie"));
        draw.word(say("chart.now"), this.n, plot.scales.y.min, soft);
      }
    });
  }

  pointTold(place) {
    const point = (this.curve.length ? this.curve : this.points)[place];
    const [labels, accuracy] = [Math.round(point.labels), percent(point.accuracy, 1)];
    if (point.low === undefined) return say("chart.measured", { labels, accuracy });
    const [low, high] = [percent(point.low), percent(point.high)];
    if (point.labels <= this.n) return say("chart.fitted_at", { labels, accuracy, low, high });
    return say("chart.forecast_at", { labels, accuracy, low, high });
  }

  table() {
    const lines = this.curve.map((p) => [
      count(p.labels), p.labels > this.n ? say("chart.forecast") : say("chart.fitted"), percent(p.accuracy, 1), percent(p.low), percent(p.high)]);
    return [["labels", "kind", "accuracy", "from", "to"].map((name) => say(HEADS[name])), lines.reverse()];
  }
}
