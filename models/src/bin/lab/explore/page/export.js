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

    /** The states on a way, from the first. */
    along(at) {
      const states = [0]
      at.forEach((option, n) => {
        const next = this.states[states[n]].to[option]
        if (next === undefined) throw new Refused(`Step ${n + 1}: there is no option ${option} in this export.`)
        states.push(next)
      })
      return states
    }

    async settings() { return this.all }

    async moment(_, at) {
      const states = this.along(at)
      const steps = at.map((option, n) => this.value(this.states[states[n]].steps[option]))
      return { ...this.value(this.states[states.at(-1)].moment), world: this.world, at, steps, key: null }
    }

    async future(_, at) {
      const { future, futures } = this.states[this.along(at).at(-1)]
      return { search: this.search, here: this.value(future), options: futures.map((number) => this.value(number)) }
    }

    /** Goes down the distances, one step at a time. */
    async way(_, at, property) {
      const line = [...at]
      let state = this.along(at).at(-1)
      let left = this.value(this.states[state].future)?.distances[property]
      if (left === undefined) throw new Refused(`No way from here breaks ${property}.`)
      for (; left > 0; left -= 1) {
        const { to, futures } = this.states[state]
        const option = futures.findIndex((number) => this.value(number)?.distances[property] === left - 1)
        if (option < 0) throw new Refused(`This export has no way on to ${property}; export it again.`)
        line.push(option)
        state = to[option]
      }
      return { at: line, shortest: true }
    }
  }

  explore.Export = Export
})()
