// A column for each task: how it stands, and as buttons the steps that it can take now, each with what can still come after it.
(() => {
  const { at, make, fate, say, turn, states, noun } = explore
  const STANDS = { ready: 'can go on', whim: 'if it likes', waits: 'waits', stuck: 'stuck for ever', ended: 'has ended' }
  const THEN = { waits: 'then waits', ends: 'then ends' }

  /** What a step changes for the properties that are not looked for. */
  function others(view, option) {
    const { future, search, properties, goal } = view
    const changes = properties.filter((name) => name !== goal).map((name) => {
      const [before, after] = [fate(name, future.here, search), fate(name, future.options[option], search)]
      return turn(before, after) ? { here: `${noun(name)}: happens`, certain: `${noun(name)}: now certain`, impossible: `no ${noun(name)} any more` }[after.kind] : ''
    })
    return changes.filter(Boolean).join(' · ')
  }

  function button(view, option, take) {
    const { future, search, goal } = view
    const next = future?.options?.[option.option]
    const after = fate(goal, next, search)
    const badge = next ? turn(fate(goal, future.here, search), after) : ''
    const aside = [option.whim && 'if it likes', THEN[option.after]].filter(Boolean).join(', ')
    const known = next ? `${states(next.states)} left${search.is === 'complete' ? '' : ' so far'}` : '…'
    const changes = next ? others(view, option.option) : ''
    const number = option.option + 1
    const element = make('button', { type: 'button', className: `option ${after.kind}`, data: { option: option.option, task: option.task } },
      make('span', { className: 'what' }, number < 10 ? make('kbd', { textContent: number, ariaHidden: 'true' }) : null, option.what, aside ? make('small', { textContent: ` ${aside}` }) : null),
      badge ? make('strong', { className: 'badge', textContent: badge }) : null,
      make('span', { className: 'fate', textContent: say(goal, after) }),
      make('small', { textContent: [known, changes].filter(Boolean).join(' · ') }))
    element.addEventListener('click', () => take(option.option))
    return element
  }

  /** Draws the columns anew; the focus stays with its task, or goes to the first step there is. */
  function tasks(view, take) {
    const { moment } = view
    const box = at('tasks')
    const focused = box.contains(document.activeElement) ? document.activeElement.dataset.task : null
    while (box.children.length > moment.tasks.length) box.lastChild.remove()
    moment.tasks.forEach(({ name, stands, words }, n) => {
      if (!box.children[n]) box.append(make('section', { className: 'task' }, make('h3'), make('p', { className: 'stands' }), make('div', { className: 'body' })))
      const column = box.children[n]
      const [title, state, body] = column.children
      const options = moment.options.filter((option) => option.task === name)
      column.className = `task ${stands}`
      title.textContent = name
      state.textContent = STANDS[stands] ?? stands
      const own = options.map((option) => button(view, option, take))
      body.replaceChildren(...(own.length ? own : [make('p', { className: 'words', textContent: words })]))
      column.setAttribute('aria-label', `${name}, ${state.textContent}`)
    })
    box.style.setProperty('--tasks', moment.tasks.length)
    if (focused) focus(focused)
  }

  function focus(task) {
    const all = [...at('tasks').querySelectorAll('button')]
    const next = all.find((button) => button.dataset.task === task) ?? all[0] ?? at('undo')
    next.focus({ preventScroll: true })
  }

  Object.assign(explore, { tasks, focusTask: focus })
})()
