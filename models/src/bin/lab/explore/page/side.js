// What the tasks share: channels with what is queued, locks with who holds them, tables; and what can still go wrong, step by step.
(() => {
  const { at, make, noun, fate, say } = explore
  const SLOTS = 5
  const many = (names, none = 'nobody') => (names.length ? names.join(', ') : none)

  /** A box never gets lower, so that what is below it stays where it is. */
  function keep(box) {
    box.style.minHeight = `${Math.max(parseFloat(box.style.minHeight) || 0, box.offsetHeight)}px`
  }
  function forget() {
    for (const box of document.querySelectorAll('#side [style*="min-height"]')) box.style.minHeight = ''
  }

  function channel({ name, len, capacity, drained_by, senders, receivers, closed }) {
    const full = capacity !== null && len >= capacity
    const count = closed ? 'closed' : capacity === null ? `${len}, never full` : capacity === 0 ? 'unbuffered' : `${len} of ${capacity}${full ? ', full' : ''}`
    const slots = Math.min(capacity ?? Math.max(len, 1), SLOTS)
    const boxes = Array.from({ length: slots }, (_, n) => make('i', { className: n < Math.ceil((len * slots) / Math.max(capacity ?? len, 1)) ? 'taken' : '' }))
    const about = receivers.length ? `${many(receivers)} wait${receivers.length === 1 ? 's' : ''} to receive` : drained_by?.length ? `only ${many(drained_by)} drain${drained_by.length === 1 ? 's' : ''} it` : ''
    const waiting = senders.length ? make('strong', { textContent: `${many(senders)} wait${senders.length === 1 ? 's' : ''} to send` }) : null
    return make('li', { className: full && capacity !== 0 ? 'full' : '' },
      make('p', {}, make('span', { className: 'name', textContent: name }), make('span', { className: 'slots', ariaHidden: 'true' }, ...boxes), make('span', { className: 'count', textContent: count })),
      make('small', {}, waiting, waiting && about ? '; ' : '', about))
  }

  function lock({ name, holders, waiting }) {
    return make('li', { className: waiting.length ? 'full' : '' },
      make('p', {}, make('span', { className: 'name', textContent: name }), make('span', { className: 'count', textContent: holders.length ? `held by ${many(holders)}` : 'free' })),
      waiting.length ? make('small', {}, make('strong', { textContent: `${many(waiting)} wait${waiting.length === 1 ? 's' : ''} for it` })) : null)
  }

  function facts(list) {
    const box = at('facts')
    while (box.children.length > list.length) box.lastChild.remove()
    list.forEach(({ title, rows }, n) => {
      if (!box.children[n]) box.append(make('section', {}, make('h2', { id: `fact-${n}` }), make('div', { className: 'wide' }, make('table', {}, make('tbody')))))
      const [heading, wide] = box.children[n].children
      heading.textContent = title
      wide.firstChild.setAttribute('aria-labelledby', heading.id)
      const cells = ([first, ...rest]) => [make('th', { scope: 'row', textContent: first }), ...rest.map((textContent) => make('td', { textContent }))]
      const none = make('tr', {}, make('td', { className: 'soft', textContent: 'empty' }))
      wide.firstChild.firstChild.replaceChildren(...(rows.length ? rows.map((row) => make('tr', {}, ...cells(row))) : [none]))
      keep(wide)
    })
  }

  /** A row for each property, a column for now and for each step: how far away, never again, certain, here. */
  function future({ search, properties, moment, future: found, goal }) {
    const about = { complete: 'Steps to it at least, after each step by its number', stopped: 'Found so far, the search was stopped', searching: 'Searching …' }
    at('future-about').textContent = about[search?.is] ?? about.searching
    const futures = found?.here ? [found.here, ...found.options] : []
    const signs = { here: '✗', certain: '!', impossible: '–', unseen: '?', unknown: '…' }
    const cell = (name, next) => {
      const what = fate(name, next, search)
      const text = what.kind === 'possible' ? String(what.distance) : what.kind === 'certain' ? `!${what.distance ?? ''}` : signs[what.kind]
      return make('td', { className: what.kind }, make('span', { ariaHidden: 'true', textContent: text }), make('span', { className: 'unseen', textContent: say(name, what) }))
    }
    const heads = ['now', ...moment.options.map(({ option }) => String(option + 1))]
    const head = make('tr', {}, make('th', { scope: 'col', textContent: 'What' }), ...heads.map((textContent) => make('th', { scope: 'col', textContent })))
    const rows = properties.map((name) => make('tr', { className: name === goal ? 'goal' : '' }, make('th', { scope: 'row', textContent: noun(name), title: name }), ...(futures.length ? futures : heads.map(() => null)).map((next) => cell(name, next))))
    const signsSaid = make('caption', { textContent: '4: possible, 4 steps away. !4: certain. –: never again. ✗: here.' })
    at('future').replaceChildren(make('table', {}, signsSaid, make('thead', {}, head), make('tbody', {}, ...rows)))
  }

  function side(view) {
    const { channels, locks } = view.moment
    at('channels').replaceChildren(...channels.map(channel))
    at('locks').replaceChildren(...(locks.length ? locks.map(lock) : [make('li', { className: 'soft', textContent: 'No lock is held.' })]))
    for (const id of ['channels', 'locks', 'waits-words']) keep(at(id))
    facts(view.moment.facts)
  }

  Object.assign(explore, { side, futureTable: future, forgetHeights: forget })
})()
