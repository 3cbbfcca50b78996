// The answers of an export: all states of one world, packed into `window.TURNSTILE`, so that nothing needs to be asked for.
(() => {
  const { Refused } = explore

  class Export {
    constructor({ settings, search, world, pool, states }) {
      Object.assign(this, { all: settings, search, world, pool, states, unpacked: new Map() })
    }

    /** A value of the pool: as it is, or a list or an object of others. */
    value(number) {
      if (this.unpacked.has(number)) return this.unpacked.get(number)
      const packed = this.pool[number]
      let value = packed
      if (Array.isArray(packed)) {
        const [kind, ...rest] = packed
        if (kind === '[') value = rest.map((item) => this.value(item))
        else value = Object.fromEntries(rest.flatMap((key, n) => (n % 2 ? [] : [[key, this.value(rest[n + 1])]])))
      }
      this.unpacked.set(number, value)
      return value
    }

    /**
     * The states on a way, from the first. Those who are started in another order come to the same state; what is shown there has them in
     * the order of this way, `started`, and so `numbers` says which option of the state each of the way's is.
     */
    along(at) {
      const started = []
      const enter = (state) => {
        const { tasks, options } = this.value(this.states[state].moment)
        for (const { name } of tasks) if (!started.includes(name)) started.push(name)
        const place = (option) => started.indexOf(options[option].task)
        const numbers = options.map(({ option }) => option).sort((a, b) => place(a) - place(b) || a - b)
        return { state, numbers, started: [...started] }
      }
      const way = [enter(0)]
      at.forEach((option, n) => {
        const { state, numbers } = way[n]
        if (numbers[option] === undefined) throw new Refused(`Step ${n + 1}: there is no option ${option} in this export.`)
        way.push(enter(this.states[state].to[numbers[option]]))
      })
      return way
    }

    async settings() { return this.all }

    async moment(_, at) {
      const way = this.along(at)
      const { state, numbers, started } = way.at(-1)
      const seen = this.value(this.states[state].moment)
      const steps = at.map((option, n) => ({ ...this.value(this.states[way[n].state].steps[way[n].numbers[option]]), option }))
      const place = (name) => started.indexOf(name)
      const tasks = [...seen.tasks].sort((a, b) => place(a.name) - place(b.name))
      const waits = [...seen.waits].sort((a, b) => place(a.task) - place(b.task))
      const options = numbers.map((number, option) => ({ ...seen.options[number], option }))
      return { ...seen, tasks, waits, options, world: this.world, at, steps, key: null }
    }

    async future(_, at) {
      const { state, numbers } = this.along(at).at(-1)
      const { future, futures } = this.states[state]
      return { search: this.search, here: this.value(future), options: numbers.map((number) => this.value(futures[number])) }
    }

    /** Goes down the distances, one step at a time. */
    async way(_, at, property) {
      const line = [...at]
      for (;;) {
        const { here, options } = await this.future(_, line)
        const left = here?.distances[property]
        if (left === undefined && line.length === at.length) throw new Refused(`No way from here breaks ${property}.`)
        if (!left) return { at: line, shortest: true }
        const option = options.findIndex((next) => next?.distances[property] === left - 1)
        if (option < 0) throw new Refused(`This export has no way on to ${property}; export it again.`)
        line.push(option)
        // What a step breaks may be broken no longer where it leads.
        if (left === 1) return { at: line, shortest: true }
      }
    }
  }

  explore.Export = Export
})()
