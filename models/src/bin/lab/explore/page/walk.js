// The walk: a world, the options taken one after the other, and how many of them have happened. It is what the address holds.
(() => {
  const OWN = ['at', 'pos', 'goal']

  class Walk {
    constructor(world = {}, line = [], position = line.length, goal = 'no-deadlock') {
      Object.assign(this, { world, line, position, goal })
    }

    /** From an address: `#design=lanes&at=0.2.1&pos=2`. What is no number stays as it is, to be refused by whoever is asked. */
    static read(hash) {
      const query = new URLSearchParams(hash.replace(/^#/, ''))
      const at = query.get('at')
      const line = at ? at.split('.').map((part) => (/^\d{1,9}$/.test(part) ? Number(part) : part)) : []
      const position = query.has('pos') ? Math.min(Number(query.get('pos')) || 0, line.length) : line.length
      const world = Object.fromEntries([...query].filter(([name]) => !OWN.includes(name)))
      return new Walk(world, line, Math.max(0, Math.trunc(position)), query.get('goal') ?? undefined)
    }

    get hash() {
      const query = new URLSearchParams(this.world)
      if (this.goal !== 'no-deadlock') query.set('goal', this.goal)
      if (this.line.length) query.set('at', this.line.join('.'))
      if (this.position < this.line.length) query.set('pos', this.position)
      return `#${query}`
    }

    /** The options that have happened. */
    get past() { return this.line.slice(0, this.position) }
    get later() { return this.line.length - this.position }

    /** Takes a step. What came later is forgotten, unless it began with this very step. */
    take(option) {
      if (this.line[this.position] !== option) this.line = [...this.past, option]
      this.position += 1
    }
    go(position) { this.position = Math.max(0, Math.min(position, this.line.length)) }
  }

  /** Only what differs from the default, in the order of the fields; `design=lanes` and the like. */
  function differing(fields, world) {
    const differs = ({ name, default: usual }) => world[name] !== undefined && String(world[name]) !== String(usual)
    return Object.fromEntries(fields.filter(differs).map(({ name }) => [name, String(world[name])]))
  }

  Object.assign(explore, { Walk, differing })
})()
