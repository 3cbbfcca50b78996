// A column for each task: how it stands, and as buttons the steps that it can take now, each with what can still come after it.
(() => {
  const { at, make, fate, say, turn, states, noun } = explore
  const STANDS = { ready: 'can go on', whim: 'if it likes', waits: 'waits', stuck: 'stuck for ever', ended: 'has ended' }
  const THEN = { waits: 'then waits', ends: 'then ends' }

  /** What a step changes for the properties that are not looked for, as many as there is room for. */
  function others(view, option, room) {
    const { future, search, properties, goal } = view
    const changes = properties.filter((name) => name !== goal).map((name) => {
      const [before, after] = [fate(name, future.here, search), fate(name, future.options[option], search)]
      return turn(before, after) ? { here: `${noun(name)}: happens`, certain: `${noun(name)}: now certain`, impossible: `no ${noun(name)} any more` }[after.kind] : ''
    }).filter(Boolean)
    const more = changes.length - room
    return [...changes.slice(0, room), ...(more > 0 ? [`${more} more`] : [])].join(' · ')
  }

  function button(view, option, take) {
    const { future, search, goal } = view
    const next = future?.options?.[option.option]
    const after = fate(goal, next, search)
    const badge = next ? turn(fate(goal, future.here, search), after) : ''
    // Steps that read alike are told apart by what is chosen in them.
    const alike = view.moment.options.filter(({ task, what }) => task === option.task && what === option.what).length > 1
    const aside = [...(alike ? option.picks : []), option.whim && 'if it likes', THEN[option.after]].filter(Boolean).join(', ')
    const known = next ? `${states(next.states)} left${search.is === 'complete' ? '' : ' so far'}` : '…'
    const changes = next ? others(view, option.option, badge ? 1 : 2) : ''
    const number = option.option + 1
    const element = make('button', { type: 'button', className: `option ${after.kind}`, data: { option: option.option, task: option.task } },
      badge ? make('strong', { className: 'badge', textContent: badge }) : null,
      make('span', { className: 'what' }, number < 10 ? make('kbd', { textContent: number, ariaHidden: 'true' }) : null, option.what, aside ? make('small', { textContent: ` ${aside}` }) : null),
      make('span', { className: 'fate', textContent: say(goal, after) }),
      make('small', { textContent: [known, changes].filter(Boolean).join(' · ') }))
    element.addEventListener('click', () => take(option.option))
    return element
  }

  /** Draws the columns anew; the focus stays with its task, or goes to the first step there is. */
  function tasks(view, take) {
    const { moment, columns } = view
    const box = at('tasks')
    const focused = box.contains(document.activeElement) ? document.activeElement.dataset.task : null
    while (box.children.length > columns) box.lastChild.remove()
    while (box.children.length < columns) box.append(make('div', { className: 'task', role: 'group' }, make('h3'), make('p', { className: 'stands' }), make('div', { className: 'body' })))
    ;[...box.children].forEach((column, n) => {
      const [title, state, body] = column.children
      if (!moment.tasks[n]) {
        // Room for one that will be started, so that the others need not move then.
        column.className = 'task to-come'
        title.textContent = 'Later'
        state.textContent = 'not started yet'
        column.setAttribute('aria-label', 'A task that is not started yet')
        body.replaceChildren()
        return
      }
      const { name, stands, words } = moment.tasks[n]
      const options = moment.options.filter((option) => option.task === name)
      column.className = `task ${stands}`
      title.textContent = name
      state.textContent = moment.crashed && stands !== 'ended' ? 'gone with the program' : (STANDS[stands] ?? stands) + (options.length > 1 ? `, ${options.length} ways` : '')
      const own = options.map((option) => button(view, option, take))
      body.replaceChildren(...(own.length ? own : [make('p', { className: 'words', textContent: words })]))
      column.setAttribute('aria-label', `${name}, ${state.textContent}`)
    })
    box.parentElement.style.setProperty('--tasks', columns)
    if (focused) focus(focused)
  }

  function focus(task) {
    const all = [...at('tasks').querySelectorAll('button')]
    const next = all.find((button) => button.dataset.task === task) ?? all[0] ?? at('undo')
    next.focus({ preventScroll: true })
  }

  Object.assign(explore, { tasks, focusTask: focus })
})()
