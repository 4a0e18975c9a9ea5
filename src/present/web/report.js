// Makes the still plots of a report interactive: zoom, the figures of the nearest point, series on and
// off, and all of it by keyboard too. Without this script the stills and the tables stay.
(function () {
    'use strict';

    const GLYPHS = 8; // as many as the style has series, s0 to s7
    const DASHES = [[], [7, 4], [2, 3], [9, 3, 2, 3]]; // d0 to d3
    const NEAR_PX = 40;
    const DAY_S = 86400;

    const AFTER = {
        gops: ' GOPS', gbps: ' GB/s', percent: ' %', ratio: ' %', mhz: ' MHz', gib: ' GiB',
        w: ' W', celsius: ' °C', days: ' d',
    };
    const LADDERS = {
        s: [[1, 's'], [1e-3, 'ms'], [1e-6, 'µs'], [1e-9, 'ns']],
        j: [[1, 'J'], [1e-3, 'mJ'], [1e-6, 'µJ']],
        bytes: [[2 ** 40, 'TiB'], [2 ** 30, 'GiB'], [2 ** 20, 'MiB'], [2 ** 10, 'KiB'], [1, 'B']],
    };

    function digits(value) {
        const size = Math.abs(value);
        if (size >= 1e7 || (size > 0 && size < 1e-3)) return value.toExponential(2);
        return String(Number(value.toPrecision(size >= 1000 ? 5 : 4)));
    }

    function figure(value, unit) {
        const ladder = LADDERS[unit];
        if (!ladder) return digits(unit === 'ratio' ? value * 100 : value) + (AFTER[unit] || '');
        const step = ladder.find(([size]) => Math.abs(value) >= size) || ladder[ladder.length - 1];
        return digits(value / step[0]) + ' ' + step[1];
    }

    function instant(seconds) {
        const text = new Date(seconds * 1000).toISOString();
        return seconds % DAY_S === 0 ? text.slice(0, 10) : text.slice(0, 16).replace('T', ' ') + ' UTC';
    }

    function position(axis, value) {
        return axis.scale === 'time' ? instant(value) : figure(value, axis.unit);
    }

    function tickTexts(axis, splits, step) {
        return splits.map((value) => {
            if (value === null) return '';
            if (axis.scale === 'time') {
                const text = new Date(value * 1000).toISOString();
                if (step >= 365 * DAY_S) return text.slice(0, 4);
                if (step >= 28 * DAY_S) return text.slice(0, 7);
                return step >= DAY_S ? text.slice(0, 10) : text.slice(5, 16).replace('T', ' ');
            }
            if (LADDERS[axis.unit]) return figure(value, axis.unit);
            const text = digits(axis.unit === 'ratio' ? value * 100 : value);
            return axis.unit === 'ratio' || axis.unit === 'percent' ? text + ' %' : text;
        });
    }

    function element(tag, className, text) {
        const made = document.createElement(tag);
        if (className) made.className = className;
        if (text) made.textContent = text;
        return made;
    }

    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue('--' + name).trim();
    const live = [];

    function start(figureElement) {
        const data = JSON.parse(figureElement.querySelector('script').textContent);
        const still = figureElement.querySelector('.still');
        const box = element('div', 'live');
        still.before(box);
        const series = data.series.map((s) => ({
            ...s, xs: data.xs[s.x], shown: true,
            doubt: (i) => (s.doubts ? data.words[s.doubts[i]] : ''),
            note: (i) => (s.detail ? data.words[s.detail[i]] : ''),
        }));
        const legend = figureElement.querySelector('.legend');
        const shapes = series.map((s, i) => {
            const path = legend.querySelector('li[data-series="' + i + '"] .glyph');
            return path ? new Path2D('M0 0' + path.getAttribute('d').slice('M17 6'.length)) : null;
        });

        const tip = element('div', 'tip');
        const said = element('div', 'said');
        said.setAttribute('aria-live', 'polite');
        let chosen = null; // {s, i}: the point whose figures are shown

        function clip(u, draw) {
            const c = u.ctx;
            c.save();
            c.beginPath();
            c.rect(u.bbox.left - 4, u.bbox.top - 4, u.bbox.width + 8, u.bbox.height + 8);
            c.clip();
            draw(c);
            c.restore();
        }

        function drawBelow(u) {
            const x = (v) => u.valToPos(v, 'x', true);
            const y = (v) => u.valToPos(v, 'y', true);
            const { left, top, width, height } = u.bbox;
            const pixel = devicePixelRatio;
            clip(u, (c) => {
                series.forEach((s, n) => {
                    if (!s.shown || !s.low) return;
                    const at = s.xs.map((_, i) => i).filter((i) => s.low[i] !== null && s.high[i] !== null && !s.doubt(i));
                    if (!at.length) return;
                    if (s.style === 'marks' || at.length === 1) {
                        c.strokeStyle = colour('s' + (n % GLYPHS));
                        c.lineWidth = pixel;
                        c.setLineDash([]);
                        c.beginPath();
                        at.forEach((i) => {
                            c.moveTo(x(s.xs[i]), y(s.high[i]));
                            c.lineTo(x(s.xs[i]), y(s.low[i]));
                        });
                        c.stroke();
                        return;
                    }
                    c.beginPath();
                    at.forEach((i, k) => (k ? c.lineTo : c.moveTo).call(c, x(s.xs[i]), y(s.high[i])));
                    at.reverse().forEach((i) => c.lineTo(x(s.xs[i]), y(s.low[i])));
                    c.closePath();
                    c.globalAlpha = 0.18;
                    c.fillStyle = colour('s' + (n % GLYPHS));
                    c.fill();
                    c.globalAlpha = 1;
                });
                c.lineWidth = pixel;
                c.font = 12 * pixel + 'px system-ui, sans-serif';
                c.fillStyle = colour('dim');
                c.strokeStyle = colour('dim');
                c.setLineDash([2 * pixel, 3 * pixel]);
                data.levels.forEach(([value, label]) => {
                    c.beginPath();
                    c.moveTo(left, y(value));
                    c.lineTo(left + width, y(value));
                    c.stroke();
                    c.textAlign = 'right';
                    c.fillText(label, left + width - 4 * pixel, y(value) - 4 * pixel);
                });
                data.marks.forEach(([value, letter]) => {
                    c.setLineDash(letter === 'S' ? [4 * pixel, 4 * pixel] : []);
                    c.strokeStyle = colour(letter === 'R' ? 'bad' : letter === 'I' ? 'good' : 'dim');
                    c.beginPath();
                    c.moveTo(x(value), top);
                    c.lineTo(x(value), top + height);
                    c.stroke();
                });
            });
            // The letters stand above the area, so that no point hides them.
            let last = -Infinity;
            u.ctx.save();
            u.ctx.font = 'bold ' + 11 * pixel + 'px system-ui, sans-serif';
            u.ctx.textAlign = 'center';
            u.ctx.fillStyle = colour('text');
            data.marks.forEach(([value, letter]) => {
                const at = x(value);
                if (at < left || at > left + width || at - last < 13 * pixel) return;
                u.ctx.fillText(letter, at, top - 5 * pixel);
                last = at;
            });
            u.ctx.restore();
        }

        function drawAbove(u) {
            const pixel = devicePixelRatio;
            clip(u, (c) => {
                c.setLineDash([]);
                series.forEach((s, n) => {
                    if (!s.shown || !shapes[n]) return;
                    const many = s.xs.length * 9 > u.bbox.width / pixel;
                    const every = many ? Math.ceil((s.xs.length * 12) / (u.bbox.width / pixel)) : 1;
                    s.xs.forEach((at, i) => {
                        const held = chosen && chosen.s === n && chosen.i === i;
                        const doubtful = s.doubt(i) !== '';
                        if (s.y[i] === null || (i % every && !doubtful && !held)) return;
                        c.save();
                        c.translate(u.valToPos(at, 'x', true), u.valToPos(s.y[i], 'y', true));
                        c.scale(pixel * (held ? 1.8 : 1), pixel * (held ? 1.8 : 1));
                        c.lineWidth = 1.3;
                        c.strokeStyle = colour('s' + (n % GLYPHS));
                        c.fillStyle = doubtful ? colour('page') : c.strokeStyle;
                        c.fill(shapes[n]);
                        c.stroke(shapes[n]);
                        c.restore();
                    });
                });
            });
        }

        function words(s, i) {
            const lines = [[s.name || data.y.title, 'strong'], [position(data.x, s.xs[i])], [figure(s.y[i], data.y.unit), 'value']];
            if (s.low && s.low[i] !== null)
                lines.push(['95 %: ' + figure(s.low[i], data.y.unit) + ' to ' + figure(s.high[i], data.y.unit)]);
            if (s.doubt(i)) lines.push(['⚠ ' + s.doubt(i), 'doubtful']);
            if (s.note(i)) lines.push([s.note(i), 'dim']);
            const step = data.x.scale === 'time' ? DAY_S / 2 : 0;
            data.marks.filter((m) => step && Math.abs(m[0] - s.xs[i]) <= step).slice(0, 3)
                .forEach((m) => lines.push([m[1] + ' ' + m[3], 'dim']));
            return lines;
        }

        function choose(u, found, aloud) {
            chosen = found;
            tip.hidden = !found;
            if (found) {
                const s = series[found.s];
                const lines = words(s, found.i);
                tip.replaceChildren(...lines.map(([text, name]) => element('div', name, text)));
                const left = u.valToPos(s.xs[found.i], 'x');
                const top = u.valToPos(s.y[found.i], 'y');
                const room = u.over.clientWidth - tip.offsetWidth;
                tip.style.left = Math.max(0, left > room - 14 ? left - tip.offsetWidth - 14 : left + 14) + 'px';
                tip.style.top = Math.max(0, Math.min(top, u.over.clientHeight - tip.offsetHeight)) + 'px';
                if (aloud) said.textContent = lines.map((line) => line[0]).join(', ');
            }
            u.redraw(false, false);
        }

        function nearest(u, left, top) {
            let best = null;
            let far = NEAR_PX ** 2;
            series.forEach((s, n) => {
                if (!s.shown || !shapes[n]) return;
                s.xs.forEach((at, i) => {
                    if (s.y[i] === null) return;
                    const dx = u.valToPos(at, 'x') - left;
                    const dy = u.valToPos(s.y[i], 'y') - top;
                    if (dx * dx + dy * dy < far) {
                        far = dx * dx + dy * dy;
                        best = { s: n, i };
                    }
                });
            });
            return best;
        }

        function axis(of, side) {
            return {
                scale: side === 2 ? 'x' : 'y', side, label: of.title, labelSize: 18, labelGap: 0,
                labelFont: '12px system-ui, sans-serif', font: '12px system-ui, sans-serif',
                stroke: () => colour('dim'), size: side === 2 ? 30 : 58, space: side === 2 ? 90 : 34,
                grid: { stroke: () => colour('rule'), width: 1 }, ticks: { show: false },
                values: (u, splits, at, space, step) => tickTexts(of, splits, step),
            };
        }
        // What is seen of each axis; the library would choose anew whenever a series goes.
        const view = { x: [data.x.from, data.x.to], y: [data.y.from, data.y.to] };
        const scale = (key) => ({
            time: false, distr: data[key].scale === 'log10' ? 3 : 1, range: () => view[key],
        });
        const size = () => ({
            width: Math.max(260, box.clientWidth),
            height: Math.round(Math.min(440, Math.max(270, box.clientWidth * 0.5))),
        });
        const timeSteps = [60, 300, 900, 3600, 10800, 21600, 43200, DAY_S, 2 * DAY_S, 5 * DAY_S, 10 * DAY_S, 15 * DAY_S];

        const options = {
            ...size(), padding: [18, 26, 0, 0],
            scales: { x: scale('x'), y: scale('y') },
            axes: [axis(data.x, 2), axis(data.y, 3)],
            legend: { show: false },
            cursor: {
                points: { show: false }, drag: { x: true, y: true, uni: 30, setScale: false },
                bind: { dblclick: () => () => { all(); return null; } },
            },
            series: [{}].concat(series.map((s, n) => ({
                label: s.name, stroke: () => colour('s' + (n % GLYPHS)), width: s.style === 'line' ? 2 : 1.3,
                dash: DASHES[(n + Math.floor(n / GLYPHS)) % DASHES.length], points: { show: false },
                ...(s.style === 'marks' ? { paths: () => null } : {}),
            }))),
            hooks: {
                drawAxes: [drawBelow], draw: [drawAbove],
                setCursor: [(u) => {
                    if (u.cursor.left < 0) return;
                    const found = nearest(u, u.cursor.left, u.cursor.top);
                    if (JSON.stringify(found) !== JSON.stringify(chosen)) choose(u, found, false);
                }],
                setSelect: [(u) => {
                    const { left, top, width, height } = u.select;
                    if (width < 4 && height < 4) return;
                    view.x = [u.posToVal(left, 'x'), u.posToVal(left + width, 'x')];
                    view.y = [u.posToVal(top + height, 'y'), u.posToVal(top, 'y')];
                    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
                    show();
                }],
            },
        };
        if (data.x.scale === 'time') {
            options.axes[0].incrs = timeSteps.concat([30, 61, 91, 182, 365, 730, 1826, 3652].map((d) => d * DAY_S));
            options.axes[0].splits = (u, at, from, to, step) => timeSplits(from, to, step);
        }
        [data.x, data.y].forEach((of, at) => {
            if (of.scale !== 'log10') return;
            options.axes[at].splits = (u, index, from, to) => logSplits(from, to, at ? 8 : box.clientWidth / 70);
            options.axes[at].filter = (u, splits) => splits;
        });
        // Doubtful points are shown and never joined.
        const aligned = uPlot.join(series.map((s) => [s.xs, s.y.map((v, i) => (s.doubt(i) ? undefined : v))]));
        const u = new uPlot(options, aligned, box);
        u.over.append(tip);
        box.append(said);
        tip.hidden = true;

        function show() {
            chosen = null;
            tip.hidden = true;
            u.batch(() => {
                u.setScale('x', { min: view.x[0], max: view.x[1] });
                u.setScale('y', { min: view.y[0], max: view.y[1] });
            });
        }
        function all() {
            view.x = [data.x.from, data.x.to];
            view.y = [data.y.from, data.y.to];
            show();
        }
        function zoom(factor) {
            const [min, max] = view.x;
            const log = data.x.scale === 'log10';
            const a = log ? Math.log(min) : min;
            const b = log ? Math.log(max) : max;
            const at = chosen ? series[chosen.s].xs[chosen.i] : null;
            const middle = at === null ? (a + b) / 2 : log ? Math.log(at) : at;
            const half = ((b - a) * factor) / 2;
            const ends = [middle - half, middle + half].map((v) => (log ? Math.exp(v) : v));
            view.x = [Math.max(ends[0], data.x.from), Math.min(ends[1], data.x.to)];
            show();
        }
        function walk(key) {
            const shown = series.map((s, n) => n).filter((n) => series[n].shown && shapes[n]);
            if (!shown.length) return;
            if (!chosen) {
                choose(u, { s: shown[0], i: series[shown[0]].xs.length - 1 }, true);
                return;
            }
            let { s, i } = chosen;
            const by = key === 'ArrowRight' ? 1 : key === 'ArrowLeft' ? -1 : 0;
            if (by) {
                do i += by; while (i >= 0 && i < series[s].xs.length && series[s].y[i] === null);
                if (i < 0 || i >= series[s].xs.length) return;
            } else {
                const next = shown[(shown.indexOf(s) + (key === 'ArrowDown' ? 1 : shown.length - 1)) % shown.length];
                const x = series[s].xs[i];
                s = next;
                i = series[s].xs.reduce((best, v, k) => (series[s].y[k] !== null && Math.abs(v - x) < Math.abs(series[s].xs[best] - x) ? k : best), 0);
            }
            if (series[s].y[i] !== null) choose(u, { s, i }, true);
        }

        const tools = element('div', 'tools');
        [['Zoom in', () => zoom(0.5)], ['Zoom out', () => zoom(2)], ['Show all', all]].forEach(([name, act]) => {
            const button = element('button', '', name);
            button.type = 'button';
            button.addEventListener('click', act);
            tools.append(button);
        });
        tools.append(element('span', 'dim', 'Drag to zoom; arrow keys walk from point to point.'));
        box.before(tools);

        u.over.addEventListener('mouseleave', () => choose(u, null, false));
        u.over.addEventListener('pointermove', (event) => {
            if (event.pointerType !== 'touch') return;
            const area = u.over.getBoundingClientRect();
            const found = nearest(u, event.clientX - area.left, event.clientY - area.top);
            if (found) choose(u, found, false);
        });
        box.tabIndex = 0;
        box.setAttribute('role', 'application');
        box.setAttribute('aria-label', data.title + ': interactive plot. Arrow keys walk through its points.');
        box.addEventListener('keydown', (event) => {
            if (event.key.startsWith('Arrow')) walk(event.key);
            else if (event.key === 'Escape') choose(u, null, false);
            else if (event.key === '+') zoom(0.5);
            else if (event.key === '-') zoom(2);
            else if (event.key === '0') all();
            else return;
            event.preventDefault();
        });

        legend.querySelectorAll('li[data-series]').forEach((item) => {
            const n = Number(item.dataset.series);
            const button = element('button', '');
            button.type = 'button';
            button.append(...item.childNodes);
            button.setAttribute('aria-pressed', 'true');
            button.addEventListener('click', () => {
                series[n].shown = !series[n].shown;
                button.setAttribute('aria-pressed', String(series[n].shown));
                chosen = null;
                tip.hidden = true;
                u.setSeries(n + 1, { show: series[n].shown });
            });
            item.append(button);
        });

        figureElement.classList.add('has-live');
        new ResizeObserver(() => {
            if (size().width !== u.width) requestAnimationFrame(() => u.setSize(size()));
        }).observe(box);
        live.push(u);
    }

    // 1, 2 and 5 of every decade, or fewer of them where there are many.
    function logSplits(from, to, most) {
        let out = [];
        for (const digits of [[1, 2, 5], [1, 3], [1]]) {
            out = [];
            for (let decade = Math.floor(Math.log10(from)); decade <= Math.log10(to); decade += 1)
                digits.forEach((digit) => out.push(Number((digit * 10 ** decade).toPrecision(3))));
            out = out.filter((value) => value >= from && value <= to);
            if (out.length <= most) break;
        }
        return out;
    }

    // Months and years begin where the calendar says.
    function timeSplits(from, to, step) {
        const out = [];
        if (step < 28 * DAY_S) {
            for (let at = Math.ceil(from / step) * step; at <= to; at += step) out.push(at);
            return out;
        }
        const months = Math.max(1, Math.round(step / (30.44 * DAY_S)));
        const first = new Date(from * 1000);
        let month = first.getUTCFullYear() * 12 + first.getUTCMonth();
        for (month -= month % months; ; month += months) {
            const at = Date.UTC(Math.floor(month / 12), month % 12, 1) / 1000;
            if (at > to) return out;
            if (at >= from) out.push(at);
        }
    }

    document.querySelectorAll('figure.plot').forEach((one) => {
        // One plot that fails leaves its still, and the others.
        try {
            start(one);
        } catch (error) {
            console.error(error);
        }
    });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => live.forEach((u) => u.redraw()));
})();
