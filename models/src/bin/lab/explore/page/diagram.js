// The space-time diagram: a column for each task, time downwards, a dot for each step; thick while a task waits.
(() => {
  const { at, draw, wrap, width } = explore
  const GUTTER = 36
  const LEAST = 140
  const NOW = 28
  const LINE = 16
  const FONT = '12.5px system-ui, sans-serif'

  /** Where each step is: its lines of text, how high, how far down. */
  function rows(view, most) {
    let y = 8
    return view.steps.map((step, n) => {
      // Between what was and what may come again is the line of now.
      if (n === view.position) y += NOW
      const lines = [
        ...wrap(step.what, most, FONT).map((text) => ({ text, kind: 'what' })),
        ...(step.words ? wrap(step.words, most, FONT).map((text) => ({ text, kind: 'wait' })) : []),
        ...step.breaks.flatMap(({ what }) => wrap(`✗ ${what}`, most, `bold ${FONT}`)).map((text) => ({ text, kind: 'break' })),
      ]
      const row = { step, n, lines, y, mark: view.marks[n] ?? null }
      row.below = y + lines.length * LINE + 4
      row.height = lines.length * LINE + 10 + (step.wakes.length ? 12 : 0)
      row.markAt = y + row.height + 10
      y += row.height + (row.mark ? 22 : 0)
      return row
    })
  }

  /** The lifeline of a task in pieces: thick where it waits, none once it has ended. */
  function life(name, rows, bottom) {
    const pieces = []
    let [from, waits, ended] = [0, false, null]
    const cut = (y) => { if (y > from) pieces.push({ from, to: y, waits }); from = y }
    for (const { step, y, below } of rows) {
      if (step.task === name) {
        cut(y + 8)
        waits = step.after === 'waits'
        if (step.after === 'ends') { ended = y + 18; cut(ended); break }
      } else if (waits && step.wakes.includes(name)) {
        cut(below + 4)
        waits = false
      }
    }
    if (ended === null) cut(bottom)
    return { pieces, ended }
  }

  const cross = (x, y) => draw('path', { class: 'cross', d: `M${x - 6} ${y - 6}l12 12m0 -12l-12 12` })

  function arrow(from, to, y) {
    const side = to > from ? -1 : 1
    return draw('path', { class: 'wake', d: `M${from} ${y}H${to + side * 4}m${side * 6} -4l${-side * 6} 4l${side * 6} 4` })
  }

  /** Draws it for this width; `jump` goes to the moment after a step. */
  function diagram(view, jump) {
    const box = at('history')
    const focused = box.contains(document.activeElement)
    const names = view.tasks.map(({ name }) => name)
    // Its columns are those of the tasks above; where these are stacked, it is as wide as it must be.
    const whole = Math.max(at('tasks').clientWidth, GUTTER + view.columns * LEAST)
    const each = (whole - GUTTER) / view.columns
    const x = (name) => GUTTER + names.indexOf(name) * each + 14
    const all = rows(view, each - 34)
    const past = all.slice(0, view.position)
    const end = (row) => (row ? row.y + row.height + (row.mark ? 22 : 0) : 8)
    const now = end(past.at(-1)) + 6
    const bottom = Math.max(end(all.at(-1)), now) + (view.steps.length ? 34 : 50)
    const svg = draw('svg', { width: whole, height: bottom, role: 'group', 'aria-label': view.steps.length ? 'Diagram of the steps so far, one column for each task' : 'Diagram: no step has been taken yet' })

    for (const task of view.tasks) {
      const { pieces, ended } = life(task.name, all, view.steps.length ? bottom - 20 : now + 14)
      const mid = x(task.name)
      for (const { from, to, waits } of pieces) svg.append(draw('line', { class: waits ? 'life waits' : 'life', x1: mid, x2: mid, y1: from, y2: to }))
      if (ended) svg.append(draw('line', { class: 'end', x1: mid - 7, x2: mid + 7, y1: ended, y2: ended }))
    }
    all.forEach((row) => svg.append(step(row, view, x, whole, jump)))
    svg.append(draw('line', { class: 'now', x1: 0, x2: whole, y1: now, y2: now }))
    svg.append(draw('text', { class: 'now', x: 2, y: now + 15 }, 'now'))
    if (!view.steps.length) svg.append(draw('text', { class: 'hint', x: GUTTER + 26, y: now + 34 }, 'What happens is drawn here: a column for each task, time downwards.'))
    for (const task of view.moment.tasks) if (task.stands === 'stuck') svg.append(cross(x(task.name), now + 12), draw('text', { class: 'break', x: x(task.name) + 12, y: now + 16 }, 'stuck for ever'))

    box.replaceChildren(svg)
    follow(box, past.at(-1), now, past.length ? x(past.at(-1).step.task) : 0, each)
    if (focused) (svg.querySelector('[tabindex="0"]') ?? at('undo')).focus({ preventScroll: true })
  }

  function step(row, view, x, whole, jump) {
    const { step, n, lines, y, height, mark, markAt, below } = row
    const current = n === view.position - 1
    const later = n >= view.position
    const wakes = step.wakes.length ? `, wakes ${step.wakes.join(' and ')}` : ''
    const label = `Step ${n + 1}, ${step.task}: ${lines.map(({ text }) => text).join(' ')}${wakes}${mark ? `; ${mark.words}` : ''}`
    const group = draw('g', { class: `step${current ? ' current' : ''}${later ? ' later' : ''}`, role: 'button', tabindex: current || (n === 0 && view.position === 0) ? 0 : -1 }, draw('title', {}, label))
    if (current) group.setAttribute('aria-current', 'step')
    group.append(draw('rect', { class: 'touch', x: 1, y: y - 3, width: whole - 2, height: height - 1, rx: 5 }))
    group.append(draw('text', { class: 'number', x: GUTTER - 10, y: y + 12, 'text-anchor': 'end' }, String(n + 1)))
    const mid = x(step.task)
    for (const woken of step.wakes) if (!Number.isNaN(x(woken))) group.append(arrow(mid, x(woken), below + 4))
    group.append(draw('circle', { class: step.breaks.length ? 'dot bad' : 'dot', cx: mid, cy: y + 8, r: 4.5 }))
    lines.forEach(({ text, kind }, i) => group.append(draw('text', { class: kind, x: mid + 12, y: y + 12 + i * LINE }, text)))
    if (mark) {
      group.append(draw('line', { class: `mark ${mark.kind}`, x1: GUTTER, x2: whole, y1: markAt, y2: markAt }))
      const left = Math.min(mid + 12, whole - 8 - width(mark.words, `bold ${FONT}`))
      group.append(draw('text', { class: `mark ${mark.kind}`, x: left, y: markAt - 4 }, mark.words))
    }
    group.addEventListener('click', () => jump(n + 1))
    group.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' && event.key !== ' ') return
      event.preventDefault()
      jump(n + 1)
    })
    return group
  }

  /** Keeps the last step and the line of now in sight, without moving the page. */
  function follow(box, row, now, left, wide) {
    const top = row?.y ?? 0
    if (now + 30 > box.scrollTop + box.clientHeight) box.scrollTop = now + 40 - box.clientHeight
    if (top < box.scrollTop) box.scrollTop = Math.max(0, top - 40)
    // Where there are more columns than fit, it is all of them that are moved, or the diagram alone.
    const sideways = box.scrollWidth > box.clientWidth ? box : box.parentElement
    if (left - 20 < sideways.scrollLeft) sideways.scrollLeft = Math.max(0, left - GUTTER - 14)
    if (left + wide - 14 > sideways.scrollLeft + sideways.clientWidth) sideways.scrollLeft = left + wide - sideways.clientWidth
  }

  explore.diagram = diagram
})()
