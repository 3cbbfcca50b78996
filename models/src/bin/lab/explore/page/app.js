// Ties it together: the walk, what the source says of it, and the buttons and keys that change it.
(() => {
  const { at, make, Walk, Player, Quest, Lost, copy, kept, differing, fate, say, capital, sentence, states, time, noun } = explore
  const source = explore.source()
  const RETRY = 2000
  const POLL = 300
  const SOON = 150
  const MOST = 500

  let settings = null
  let walk = Walk.read(location.hash)
  let view = null
  let visit = 0
  let own = walk.position === 0
  let retry = 0
  let quest = null

  const player = new Player(() => Number(at('speed').value), tools)
  const same = (a, b) => String(new URLSearchParams(a)) === String(new URLSearchParams(b))
  const wait = (time) => new Promise((next) => setTimeout(next, time))

  /** Goes to where the walk is: asks, draws, says. True if it came about and nothing came between. */
  async function arrive(how = 'none', said = null) {
    const me = (visit += 1)
    clearTimeout(retry)
    if (how !== 'none' && walk.hash !== (location.hash || '#')) history[how === 'push' ? 'pushState' : 'replaceState'](null, '', walk.hash)
    try {
      settings ??= await begin()
      if (!settings.properties.some(({ name }) => name === walk.goal)) walk.goal = settings.properties[0].name
      const { world, past, position, goal } = walk
      const line = [...walk.line]
      const asked = source.future(world, past)
      asked.catch(() => {})
      const [moment, whole] = await Promise.all([source.moment(world, past), source.moment(world, line)])
      // What can come of each step is mostly known at once; a search that has only begun is not waited for.
      const answer = await Promise.race([asked, wait(SOON).then(() => null)])
      if (me !== visit) return false
      const before = view
      if (before && !same(before.world, world)) explore.forgetHeights()
      view = { me, world, goal, line, position, moment, steps: whole.steps, tasks: whole.tasks.length > moment.tasks.length ? whole.tasks : moment.tasks, marks: [], properties: settings.properties.map(({ name }) => name) }
      view.columns = Math.max(columns(world), view.tasks.length, before && same(before.world, world) ? before.columns : 0)
      at('alarm').hidden = true
      know(answer)
      mark()
      draw()
      announce(said)
      follow(me, answer)
      return true
    } catch (why) {
      if (me === visit) wrong(why)
      return false
    }
  }

  async function begin() {
    const found = await source.settings()
    // An export has its one world; without an address, the page begins with the one that `lab explore` was called with.
    walk.world = differing(found.fields, found.fixed ?? (location.hash.length > 1 ? walk.world : found.start ?? {}))
    at('goal').replaceChildren(...found.properties.map(({ name, about }) => make('option', { value: name, textContent: noun(name), title: about })))
    const here = (world) => same(differing(found.fields, world), walk.world)
    quest = new Quest({ begin: challenge, show: async () => {
      if (!found.fixed) await start({}, 'no-deadlock')
      showWay()
    }, can: (world) => !found.fixed || here(world), here, say: tell })
    quest.draw()
    return found
  }

  /** How many tasks there will be at least: a loop, connections with their peers, who pushes and who kicks. */
  function columns(world) {
    const value = (name) => Number(world[name] ?? settings.fields.find((it) => it.name === name)?.default ?? 0)
    return 1 + value('users') * value('logins') * (world.peers === 'stay' ? 1 : 2) + value('pushers') + value('kickers')
  }

  /** Takes what the search has said into the view. */
  function know(answer) {
    view.search = answer?.search ?? view.search ?? null
    view.future = answer?.here ? answer : null
    // Only what is judged in this world can go wrong in it.
    const judged = view.search?.properties.map(({ name }) => name) ?? []
    if (judged.length) view.properties = judged
  }

  /** Asks until the search has ended, then what could come at each moment of the line. */
  async function follow(me, answer) {
    try {
      for (let first = true; !answer || answer.search.is === 'searching'; first = false) {
        if (!first) await wait(POLL)
        if (me !== visit) return
        answer = await source.future(view.world, view.line.slice(0, view.position))
        if (me !== visit) return
        know(answer)
        if (answer.search.is === 'searching') standing()
        else draw()
      }
      const futures = []
      for (let n = 0; n <= view.line.length; n += 1) {
        futures[n] = await source.future(view.world, view.line.slice(0, n))
        if (me !== visit) return
      }
      view.futures = futures
      if (mark()) explore.diagram(view, jump)
      document.body.dataset.known = document.body.dataset.at
      quest.look({ view, futures }, own)
    } catch (why) {
      if (me === visit) wrong(why)
    }
  }

  /** Where on the line something became certain, or impossible; what is not known is left out. */
  function mark() {
    if (!view.futures) return false
    const { goal, futures } = view
    view.marks = view.steps.map((_, n) => {
      const [before, after] = [n, n + 1].map((it) => fate(goal, futures[it]?.here, futures[it]?.search).kind)
      if (before === after || before === 'unknown') return null
      if (after === 'certain') return { kind: 'certain', words: `from here on the ${noun(goal)} is certain` }
      if (after === 'impossible') return { kind: 'impossible', words: `from here on no ${noun(goal)} can happen` }
      return null
    })
    return view.marks.some(Boolean)
  }

  function draw() {
    at('world').textContent = view.moment.world
    explore.tasks(view, take)
    explore.diagram(view, jump)
    explore.waits(view.moment)
    explore.side(view)
    explore.futureTable(view)
    standing()
    tools()
    delete document.body.dataset.known
    document.body.dataset.at = view.line.slice(0, view.position).join('.')
  }

  /** Where we stand, in one sentence; where something is broken, what, and how to see it again. */
  function standing() {
    const { moment, search, future, goal } = view
    const here = fate(goal, future?.here, search)
    const [first, ...others] = moment.broken.map(({ property, what }) => [capital(noun(property)), ...what.split('; ')])
    const kind = moment.crashed || first ? 'here' : here.kind
    const quiet = !moment.at_rest ? '' : moment.options.length ? ' At rest, but for what may come or not.' : ' At rest: nothing moves any more.'
    // What a step broke is broken at that step alone; who goes on should not think that nothing was.
    const broke = view.steps.slice(0, view.position).findIndex(({ breaks }) => breaks.some(({ property }) => property === goal))
    const before = broke < 0 ? '' : `${capital(noun(goal))} at step ${broke + 1}. `
    const next = before && here.kind === 'impossible' ? 'No other can happen any more.' : sentence(say(goal, here))
    const words = first ? `${first[0]}: ${first[1].replace(/^Deadlock: /, '')}` : moment.crashed ? `The program broke: ${moment.crashed}` : before + next + quiet
    at('standing').className = before && !first ? 'possible' : kind
    if (at('standing-words').textContent !== words) at('standing-words').textContent = words
    const whole = search && {
      complete: `${states(search.states)}; all were searched, in ${time(search.seconds)}`,
      stopped: `${states(search.states)} so far; ${search.why} stopped the search, and the rest is not known`,
      searching: `${states(search.states)} so far`,
    }[search.is]
    const left = future ? `${future.here.states.toLocaleString('en')} can still be reached, of ${whole}` : whole
    const [, , ...rest] = first ?? []
    const reasons = rest.length > 2 ? [rest[0], `${rest.length - 1} more: see who waits for whom`] : rest
    const why = first && [...reasons, ...others.slice(0, 2).map(([name]) => `${name} as well`)].join('; ')
    at('standing-more').textContent = why || (left ? `${left}.` : '')
    at('replay').hidden = !moment.key
    if (moment.key) at('replay').firstChild.textContent = `lab replay ${moment.key}`
    document.title = `${kind === 'here' ? 'Broken' : `Step ${view.position}`} – turnstile`
  }

  function tools() {
    if (!view) return
    const { moment, position, goal, future, search } = view
    const total = walk.line.length
    const off = (id, no) => at(id).setAttribute('aria-disabled', String(no))
    off('restart', position === 0 && total === 0)
    off('undo', position === 0)
    off('redo', position === total)
    off('choice', moment.options.length !== 1)
    off('random', moment.options.length === 0)
    off('play', !player.plays && position === total)
    at('play').textContent = player.plays ? 'Pause' : 'Play'
    at('slider').max = Math.max(total, 1)
    at('slider').disabled = total === 0
    at('slider').value = position
    at('slider').setAttribute('aria-valuetext', `after step ${position} of ${total}`)
    at('count').textContent = `${position} of ${total}`
    if (at('goal').value !== goal) at('goal').value = goal
    const kind = fate(goal, future?.here, search).kind
    const known = search?.properties.find(({ name }) => name === goal)
    off('way', kind === 'here' || (known && known.shortest === null) || (search?.properties.length > 0 && !known))
    at('way').textContent = kind === 'impossible' && known?.shortest ? 'Shortest, from start' : 'Shortest way'
  }

  /** Says, for those who cannot see it, what has happened. */
  function announce(said) {
    if (said === null) return
    const step = view.steps[view.position - 1]
    const here = view.future && fate(view.goal, view.future.here, view.search)
    const last = said === 'step' && step ? `${step.task}: ${step.what}${step.words ? `, and ${step.words}` : ''}${step.wakes.length ? `, which wakes ${step.wakes.join(' and ')}` : ''}.` : said === 'step' ? '' : said
    tell([last, said === 'step' || !step ? '' : `After step ${view.position}.`, here ? sentence(say(view.goal, here)) : ''].filter(Boolean).join(' '))
  }
  const tell = (words) => { at('said').textContent = words }

  function wrong(why) {
    player.pause()
    const [words, button] = at('alarm').children
    words.textContent = why.message
    at('alarm').hidden = false
    const lost = why instanceof Lost
    button.textContent = lost ? 'Try again' : walk.line.length ? 'Restart this world' : 'Go to the default world'
    button.onclick = () => {
      if (!lost && !walk.line.length) walk = new Walk()
      if (!lost) walk = new Walk(walk.world, [], 0, walk.goal)
      arrive('push')
    }
    if (lost) retry = setTimeout(() => arrive(), RETRY)
    else if (!(why instanceof explore.Refused)) throw why
  }

  // What changes the walk. A click on what is no longer there is nothing.
  const settled = () => view?.me === visit
  async function take(option) {
    player.pause()
    return step(option)
  }
  async function step(option, how = 'push') {
    if (!settled() || !view.moment.options.some((it) => it.option === option)) return false
    if (walk.position === 0) own = true
    walk.take(option)
    return arrive(how, 'step')
  }
  function jump(position, how = 'push', said = 'step') {
    player.pause()
    walk.go(position)
    return arrive(how, said)
  }
  function restart() {
    player.pause()
    own = true
    walk = new Walk(walk.world, [], 0, walk.goal)
    return arrive('push', 'Restarted.')
  }
  function start(world, goal = walk.goal) {
    player.pause()
    own = true
    walk = new Walk(world, [], 0, goal)
    return arrive('push', 'A new world.')
  }
  const challenge = async ({ world, goal }) => (await start(differing(settings.fields, world), goal)) && explore.focusTask()

  async function forward() {
    if (walk.position >= walk.line.length) return false
    walk.go(walk.position + 1)
    return (await arrive('replace', 'step')) && walk.position < walk.line.length
  }
  function play() {
    if (player.plays) return player.pause()
    if (walk.position < walk.line.length) player.start(forward)
  }
  async function random() {
    if (player.plays) return player.pause()
    const before = view.moment.broken.length
    let left = MOST
    player.start(async () => {
      const { options, broken } = view.moment
      left -= 1
      if (!options.length || broken.length > before || left === 0) return false
      return step(options[Math.floor(Math.random() * options.length)].option)
    })
  }
  async function toChoice() {
    player.pause()
    for (let left = MOST; left && settled() && view.moment.options.length === 1 && !view.moment.broken.length; left -= 1) {
      if (!(await step(view.moment.options[0].option))) return
    }
  }
  async function showWay() {
    player.pause()
    const gone = fate(walk.goal, view?.future?.here, view?.search).kind === 'impossible'
    const from = gone ? [] : walk.past
    const me = visit
    try {
      // Before the search is over, nobody can tell.
      while ((await source.future(walk.world, walk.past)).search.is === 'searching') {
        await wait(POLL)
        if (me !== visit) return
      }
      const { at: line } = await source.way(walk.world, from, walk.goal)
      if (me !== visit) return
      own = false
      walk.line = line
      walk.go(from.length)
      if (await arrive('push', `The shortest way to the ${noun(walk.goal)} has ${line.length} steps.`)) player.start(forward)
    } catch (why) {
      if (me === visit) wrong(why)
    }
  }

  const live = (id, act) => at(id).addEventListener('click', () => at(id).getAttribute('aria-disabled') !== 'true' && view && act())
  live('restart', restart)
  live('undo', () => jump(walk.position - 1, 'push', 'Undone.'))
  live('redo', () => jump(walk.position + 1))
  live('play', play)
  live('choice', toChoice)
  live('random', random)
  live('way', showWay)
  at('slider').addEventListener('input', () => jump(Number(at('slider').value), 'replace'))
  at('goal').addEventListener('change', () => {
    walk.goal = at('goal').value
    arrive('replace', `Looking for: ${noun(walk.goal)}.`)
  })
  at('skip').addEventListener('click', (event) => {
    event.preventDefault()
    ;(at('tasks').querySelector('button') ?? at('next')).focus()
  })
  live('open-world', () => settings && explore.askWorld(settings, walk.world, start))
  const button = (element, act, done) => element.addEventListener('click', async () => {
    const before = element.textContent
    if (await act()) {
      tell(done)
      element.textContent = 'Copied'
      setTimeout(() => { element.textContent = before }, 1500)
    }
  })
  button(at('copy-link'), () => copy(location.href), 'The link is copied.')
  button(at('replay').querySelector('button'), () => copy(at('replay').firstChild.textContent), 'The command is copied.')

  const KEYS = [
    ['1 to 9', 'take the step of that number'], ['←  →', 'undo, redo', ['ArrowLeft', () => at('undo').click()], ['ArrowRight', () => at('redo').click()]],
    ['Home  End', 'to the start, to the end of the timeline', ['Home', () => jump(0)], ['End', () => jump(walk.line.length)]],
    ['p', 'play or pause', ['p', () => at('play').click()]], ['w', 'show the shortest way', ['w', () => at('way').click()]],
    ['c', 'to the next choice', ['c', () => at('choice').click()]], ['r', 'random walk', ['r', () => at('random').click()]],
    ['?', 'this help', ['?', help]],
  ]
  const TERMS = [
    ['Step', 'what a task does at one go. Between two steps, anybody else may go first.'],
    ['Waits', 'the task cannot go on until somebody lets it: by taking from a channel, by unlocking.'],
    ['If it likes', 'a step that may never come, as a client that leaves. Nobody may count on it.'],
    ['Possible', 'there is an order of the steps to come that leads there. The number is the length of the shortest.'],
    ['Certain', 'every order leads there, whatever you do. The step that makes it so is a point of no return.'],
    ['No more', 'all orders that are left were searched, and none leads there.'],
  ]
  function help() {
    at('terms').replaceChildren(...TERMS.flatMap(([term, text]) => [make('dt', { textContent: term }), make('dd', { textContent: text })]))
    at('keys').replaceChildren(...KEYS.flatMap(([keys, text]) => [make('dt', {}, ...keys.split('  ').map((textContent) => make('kbd', { textContent }))), make('dd', { textContent: text })]))
    at('keys-on').checked = kept.read('keys', true)
    at('help-dialog').showModal()
  }
  at('open-help').addEventListener('click', help)
  at('help-close').addEventListener('click', () => at('help-dialog').close())
  at('keys-on').addEventListener('change', () => kept.write('keys', at('keys-on').checked))

  document.addEventListener('keydown', (event) => {
    const { key, target } = event
    const typing = target.closest('input, select, textarea, dialog[open]')
    if (!view || typing || event.ctrlKey || event.altKey || event.metaKey || document.querySelector('dialog[open]')) return
    if (key.length === 1 && !kept.read('keys', true)) return
    const act = /^[1-9]$/.test(key) ? () => take(Number(key) - 1) : KEYS.flatMap(([, , ...acts]) => acts).find(([name]) => name === key)?.[1]
    if (!act) return
    event.preventDefault()
    act()
  })

  window.addEventListener('hashchange', () => {
    player.pause()
    walk = Walk.read(location.hash)
    if (settings) walk.world = differing(settings.fields, settings.fixed ?? walk.world)
    own = walk.position === 0
    arrive('none', '')
  })
  let resized = 0
  new ResizeObserver(() => {
    cancelAnimationFrame(resized)
    resized = requestAnimationFrame(() => {
      if (!view) return
      explore.diagram(view, jump)
      explore.waits(view.moment)
    })
  }).observe(at('columns'))

  arrive()
})()
