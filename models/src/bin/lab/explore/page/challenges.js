// Something to do: five challenges, each with a check. What is solved stays in the browser.
(() => {
  const { at, make, kept, fate, steps, states } = explore

  const broken = (property) => ({ view }) => view.moment.broken.some((it) => it.property === property)

  /** Three stars for a shortest way, two for one nearly as short. */
  function rated(property) {
    return (it) => {
      if (!broken(property)(it)) return null
      const taken = it.view.position
      const shortest = it.view.search?.properties.find(({ name }) => name === property)?.shortest
      if (!shortest) return null
      const more = taken - shortest
      const stars = more <= 0 ? 3 : more <= 6 ? 2 : 1
      return { stars, words: more <= 0 ? `in ${steps(taken)}, and no way is shorter` : `in ${steps(taken)}; the shortest way has ${shortest}` }
    }
  }

  const CHALLENGES = [
    {
      name: 'hang', title: 'Hang the gateway', goal: 'no-deadlock', world: {},
      text: 'Two logins of one user, channels with room for one. Make the hub wait for itself, in as few steps as you can.',
      hint: 'The hub drains unregister, and to kick the older session it sends on unregister. What if that is full just then?',
      check: rated('no-deadlock'),
    },
    {
      name: 'ghost', title: 'Make a ghost', goal: 'no-ghost', world: { design: 'split-loops' },
      text: 'The fix has a loop for each channel, and does not hang here. Leave a closed connection in the user table all the same.',
      hint: 'With two loops, the end of a connection can be dealt with before its beginning.',
      check: rated('no-ghost'),
    },
    {
      name: 'leak', title: 'To the wrong user', goal: 'no-leak', world: { version: 'v3.8.3', users: '2', logins: '1', pushers: '1' },
      text: 'Two users with one login each, and a message for one of them. Have it written to the other, in v3.8.3.',
      hint: 'A client object goes back to the pool when its connection ends. Who still holds it, and who gets it next?',
      check: rated('no-leak'),
    },
    {
      name: 'lanes', title: 'Prove that lanes cannot hang', goal: 'no-deadlock', world: { design: 'lanes', version: 'main' },
      text: 'Walk this design to its rest, where nothing moves any more, and see that the search of all its states has found no hang.',
      hint: 'Take steps until no task must go on. The search tells how many states there are, and in how many of them somebody is stuck.',
      check({ view }) {
        const found = view.search?.properties.find(({ name }) => name === 'no-deadlock')
        if (view.search?.is !== 'complete' || found?.verdict !== 'holds' || !view.moment.at_rest || view.position === 0) return null
        return { stars: 3, words: `${states(view.search.states)} and ${view.search.transitions.toLocaleString('en')} steps between them, all searched: nobody is stuck in any` }
      },
      progress: ({ view }) => (view.search?.is === 'complete' ? `All ${states(view.search.states)} were searched: in ${view.search.properties.find(({ name }) => name === 'no-deadlock')?.states ?? 0} of them somebody is stuck. ${view.moment.at_rest && view.position ? '' : 'Now walk to a rest.'}` : ''),
    },
    {
      name: 'brink', title: 'The last moment', goal: 'no-deadlock', world: {},
      text: 'Go to a moment where one step would make the hang certain, and take another one. Then go on until no hang can happen any more.',
      hint: 'The step that makes it certain has the badge «Point of no return». Get there, then do something else.',
      check({ view, futures }) {
        const now = futures[view.position]
        if (fate('no-deadlock', now?.here, now?.search).kind !== 'impossible') return null
        const brink = futures.slice(0, view.position).findLastIndex((it) => onBrink(it))
        return brink < 0 ? null : { stars: 3, words: `after step ${brink} it was one step from certain, and you went another way` }
      },
      progress: ({ view, futures }) => (onBrink(futures[view.position]) ? 'This is such a moment: one step makes the hang certain. Take another.' : futures.slice(0, view.position).some(onBrink) ? 'You were on the brink, and avoided it. Go on until no hang can happen.' : ''),
    },
  ]

  function onBrink(answer) {
    const { here, options, search } = answer ?? {}
    return fate('no-deadlock', here, search).kind === 'possible' && options.some((next) => fate('no-deadlock', next, search).kind === 'certain')
  }

  class Quest {
    /** `begin` starts a challenge's world, `show` plays the way into the hang; whether a world `can` be started, whether we are `here`. */
    constructor({ begin, show, can, here, say }) {
      Object.assign(this, { begin, show, can, here, say, solved: kept.read('solved', {}), active: kept.read('active', null), first: !kept.read('met', false), said: '' })
      at('open-challenges').addEventListener('click', () => this.list())
      at('challenges-close').addEventListener('click', () => at('challenges-dialog').close())
      at('challenges-forget').addEventListener('click', () => this.forget())
    }
    get challenge() { return CHALLENGES.find(({ name }) => name === this.active) ?? null }
    get next() { return CHALLENGES.find((it) => !this.solved[it.name] && this.can(it.world)) ?? null }

    start(challenge) {
      at('challenges-dialog').close()
      this.set(challenge.name)
      this.begin(challenge)
    }
    set(name) {
      this.active = name
      this.first = false
      kept.write('active', name)
      kept.write('met', true)
    }
    forget() {
      this.solved = {}
      kept.write('solved', {})
      this.list()
    }

    /** Looks whether this moment solves what is to be done. `own`: every step was the learner's. */
    look(it, own) {
      const { challenge, here } = this
      const found = challenge && here(challenge.world) ? challenge.check(it) : null
      let state = ''
      if (found && own) {
        const before = this.solved[challenge.name]
        if (!before || before.stars < found.stars) {
          this.solved[challenge.name] = found
          kept.write('solved', this.solved)
        }
        state = `Solved ${'★'.repeat(found.stars)}${'☆'.repeat(3 - found.stars)} ${found.words}.`
        if (this.said !== state) this.say(state.replace(/[★☆]+/, ` with ${found.stars} of 3 stars,`))
        this.said = state
      } else if (found && !this.solved[challenge.name]) {
        state = 'That was shown to you. Restart, and do it yourself.'
      } else {
        this.said = ''
        state = (challenge && !here(challenge.world) ? 'You have left the world of this challenge.' : challenge?.progress?.(it)) || ''
      }
      this.draw(state, Boolean(found && own), challenge && !here(challenge.world))
    }

    draw(state = '', done = false, away = false) {
      const { challenge } = this
      const total = CHALLENGES.length
      const solved = CHALLENGES.filter(({ name }) => this.solved[name]).length
      at('open-challenges').textContent = `Challenges ${solved}/${total}`
      at('quest').classList.toggle('first', this.first)
      const button = (textContent, act, main = false) => {
        const element = make('button', { type: 'button', textContent, className: main ? 'main' : '' })
        element.addEventListener('click', act)
        return element
      }
      const focused = at('quest-buttons').contains(document.activeElement) && document.activeElement.textContent
      const buttons = []
      if (!challenge) {
        const hangs = this.first && this.here({})
        at('quest-title').textContent = hangs ? 'Can you make this chat server hang?' : 'You decide who goes next'
        at('quest-text').textContent = hangs
          ? 'Each column below is a task of the server, each button in it a step that it could take now. You decide who goes next. Most orders end well; in some, the server waits for itself for ever.'
          : 'Each column below is a task of a chat server, each button in it a step that it could take now. Walk as you like, or take a challenge.'
        if (this.next) buttons.push(button(this.first ? 'Take the challenge' : `Challenge: ${this.next.title}`, () => this.start(this.next), true))
        if (hangs) buttons.push(button('Show me how it hangs', () => { this.set(null); this.show() }))
      } else {
        const before = this.solved[challenge.name]
        at('quest-title').textContent = `Challenge ${CHALLENGES.indexOf(challenge) + 1}: ${challenge.title}`
        at('quest-text').textContent = challenge.text
        state ||= before ? `Solved before ${'★'.repeat(before.stars)}${'☆'.repeat(3 - before.stars)} ${before.words}.` : ''
        if (done || before) { if (this.next) buttons.push(button('Next challenge', () => this.start(this.next), done)) }
        if (away) buttons.push(button('Back to its world', () => this.start(challenge), true))
        if (!done) buttons.push(button('Hint', () => { at('quest-state').textContent = challenge.hint; this.say(challenge.hint) }))
        buttons.push(button('Leave it', () => { this.set(null); this.draw() }))
      }
      at('quest').classList.toggle('done', done)
      at('quest-state').textContent = state
      at('quest-buttons').replaceChildren(...buttons)
      if (focused) (buttons.find((it) => it.textContent === focused) ?? buttons[0] ?? at('open-challenges')).focus({ preventScroll: true })
    }

    list() {
      const item = (challenge) => {
        const { name, title, text, world } = challenge
        const solved = this.solved[name]
        const can = this.can(world)
        const begin = make('button', { type: 'button', textContent: solved ? 'Again' : 'Start', className: solved ? '' : 'main', disabled: !can, label: `${solved ? 'Again' : 'Start'}: ${title}` })
        begin.addEventListener('click', () => this.start(challenge))
        const state = solved ? `Solved ${'★'.repeat(solved.stars)}${'☆'.repeat(3 - solved.stars)} ${solved.words}.` : can ? 'Not solved yet.' : 'Not in this export: run lab explore.'
        return make('li', { className: solved ? 'solved' : '' }, make('div', {}, make('h3', { textContent: title }), make('p', { textContent: text }), make('p', { className: 'soft', textContent: state })), begin)
      }
      at('challenges').replaceChildren(...CHALLENGES.map(item))
      if (!at('challenges-dialog').open) at('challenges-dialog').showModal()
      this.draw()
    }
  }

  explore.Quest = Quest
})()
