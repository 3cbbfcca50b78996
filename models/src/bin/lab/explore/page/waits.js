// The wait-for graph as it is now: who waits, for what, and who alone could end it. A deadlock is highlighted, and said below.
(() => {
  const { at, make, draw, width } = explore
  const FONT = '13px system-ui, sans-serif'
  const SMALL = '12px system-ui, sans-serif'
  const [TOP, ROW, HIGH] = [30, 66, 26]

  /** How far above those that wait for nobody a task stands; those on one circle share a row. */
  function ranks(names, edges, cycle) {
    const rank = new Map(names.map((name) => [name, 0]))
    for (let round = 0; round < names.length; round += 1) {
      for (const { from, to } of edges) {
        const level = cycle.has(from) && cycle.has(to)
        if (from !== to && rank.get(from) < rank.get(to) + (level ? 0 : 1)) rank.set(from, Math.min(rank.get(to) + (level ? 0 : 1), names.length))
      }
    }
    // A circle that is no deadlock would climb for ever.
    const used = [...new Set(rank.values())].sort((a, b) => b - a)
    return new Map([...rank].map(([name, value]) => [name, used.indexOf(value)]))
  }

  /** Who appears, and what is between them. Who waits for work, which anybody may bring, has no edge. */
  function picture({ waits, knot }) {
    const edges = waits.flatMap(({ task, on, helpers }) => (helpers ?? []).map((to) => ({ from: task, to, on })))
    const names = [...new Set([...edges.flatMap(({ from, to }) => [from, to])])]
    return { names, edges, cycle: new Set(knot?.cycle), collateral: new Set(knot?.collateral) }
  }

  function graph(moment) {
    const box = at('graph')
    const { names, edges, cycle, collateral } = picture(moment)
    if (!names.length) {
      box.replaceChildren(make('p', { className: 'soft', textContent: moment.waits.length ? 'Nobody waits for one particular task.' : 'Nobody waits.' }))
      return
    }
    const whole = Math.max(box.clientWidth, 240)
    const { place, high } = places(names, ranks(names, edges, cycle), moment.knot?.cycle ?? [], whole)
    const svg = draw('svg', { width: whole, height: high, role: 'img', 'aria-label': '' })
    const words = moment.knot ? moment.knot.words.join('; ') : moment.waits.map((wait) => wait.words).join('; ')
    svg.setAttribute('aria-label', words)
    const labels = []
    edges.forEach((edge) => {
      const bad = cycle.has(edge.from) && cycle.has(edge.to)
      const { path, label } = line(edge, place, edges, bad)
      svg.append(draw('path', { class: bad ? 'edge bad' : 'edge', d: path }), head(path, bad))
      labels.push(draw('text', { class: bad ? 'label bad' : 'label', x: label.x, y: label.y, 'text-anchor': label.anchor }, edge.on))
    })
    for (const [name, { x, y, wide }] of place) {
      const kind = cycle.has(name) ? 'node bad' : collateral.has(name) ? 'node caught' : 'node'
      svg.append(draw('rect', { class: kind, x: x - wide / 2, y: y - HIGH / 2, width: wide, height: HIGH, rx: 6 }), draw('text', { class: kind, x, y: y + 4.5, 'text-anchor': 'middle' }, name))
    }
    svg.append(...labels)
    box.replaceChildren(svg)
  }

  /** Where each task stands: a row for each rank, more if they do not fit; a circle of three and more goes down on the left and up on the right. */
  function places(names, rank, cycle, whole) {
    const place = new Map()
    let y = TOP
    const put = (name, x) => place.set(name, { x, y, wide: width(name, FONT) + 20 })
    for (const level of [...new Set(rank.values())].sort((a, b) => a - b)) {
      let here = names.filter((name) => rank.get(name) === level)
      if (cycle.length > 2 && here.includes(cycle[0])) {
        here = here.filter((name) => !cycle.includes(name))
        const down = Math.ceil(cycle.length / 2)
        for (let row = 0; row < down; row += 1) {
          put(cycle[row], whole * 0.29)
          const back = cycle[cycle.length - 1 - row]
          if (back !== cycle[row]) put(back, whole * 0.71)
          y += ROW
        }
      }
      while (here.length) {
        let count = 0
        for (let used = 0; count < here.length; count += 1) {
          used += width(here[count], FONT) + 34
          if (count && used > whole) break
        }
        here.splice(0, count).forEach((name, n) => put(name, (whole * (n + 0.5)) / count))
        y += ROW
      }
    }
    return { place, high: y - ROW + HIGH + 30 }
  }

  /** From one to another: straight down, bent to one on the same row, around to itself. */
  function line({ from, to, on }, place, edges, bad) {
    const [a, b] = [place.get(from), place.get(to)]
    if (from === to) {
      const x = a.x + a.wide / 2
      const left = x + 46 + width(on, SMALL) > a.x * 2 + 10 && x + 40 + width(on, SMALL) > at('graph').clientWidth
      const side = left ? -1 : 1
      const edge = a.x + (side * a.wide) / 2
      return { path: `M${edge} ${a.y - 6}C${edge + side * 40} ${a.y - 26} ${edge + side * 40} ${a.y + 26} ${edge} ${a.y + 6}`, label: { x: edge + side * 36, y: a.y + 4, anchor: left ? 'end' : 'start' } }
    }
    const down = b.y > a.y ? 1 : b.y < a.y ? -1 : 0
    if (!down) {
      const back = edges.some((other) => other.from === to && other.to === from) && a.x > b.x ? 1 : -1
      const middle = (a.x + b.x) / 2
      const between = [...place.values()].some(({ x, y }) => y === a.y && x > Math.min(a.x, b.x) && x < Math.max(a.x, b.x))
      if (!between && !edges.some((other) => other.from === to && other.to === from)) {
        const way = b.x > a.x ? 1 : -1
        return { path: `M${a.x + (way * a.wide) / 2} ${a.y}L${b.x - (way * b.wide) / 2} ${a.y}`, label: { x: middle, y: a.y + (way < 0 ? -18 : 27), anchor: 'middle' } }
      }
      const y = a.y + (back * HIGH) / 2
      return { path: `M${a.x} ${y}Q${middle} ${y + back * 26} ${b.x} ${y}`, label: { x: middle, y: y + (back > 0 ? 24 : -17), anchor: 'middle' } }
    }
    const [y1, y2] = [a.y + (down * HIGH) / 2, b.y - (down * HIGH) / 2]
    // The label stands nearer to who waits, where there is more room.
    const part = 0.42
    const x = a.x + (b.x - a.x) * part
    const whole = at('graph').clientWidth
    // Those of a circle stand outside of it.
    const left = x + 6 + width(on, SMALL) > whole || (bad && a.x === b.x && x < whole / 2 - 20)
    return { path: `M${a.x} ${y1}L${b.x} ${y2}`, label: { x: left ? x - 6 : x + 6, y: y1 + (y2 - y1) * part + 4, anchor: left ? 'end' : 'start' } }
  }

  /** An arrow's head in the direction in which the path ends. */
  function head(path, bad) {
    const numbers = path.match(/-?[\d.]+/g).map(Number)
    const [x0, y0, x, y] = numbers.slice(-4)
    const turn = Math.atan2(y - y0, x - x0)
    const corner = (angle) => `${x - 8 * Math.cos(turn + angle)} ${y - 8 * Math.sin(turn + angle)}`
    return draw('path', { class: bad ? 'head bad' : 'head', d: `M${x} ${y}L${corner(0.45)}L${corner(-0.45)}Z` })
  }

  function waits(moment) {
    graph(moment)
    const { knot } = moment
    const words = knot ? knot.words : moment.waits.map((wait) => wait.words)
    const caught = knot?.collateral.length ? [`${knot.collateral.join(', ')} can never go on either`] : []
    const lines = [...words, ...caught]
    at('waits-words').replaceChildren(...lines.map((textContent) => make('li', { textContent, className: knot ? 'bad' : '' })))
  }

  explore.waits = waits
})()
