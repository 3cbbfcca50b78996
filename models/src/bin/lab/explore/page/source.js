// Where the answers come from: the server that runs the core, or an export that holds them all.
(() => {
  /** An answer that says what is wrong with what was asked. */
  class Refused extends Error {}
  /** No answer at all. */
  class Lost extends Error {}

  class Live {
    async ask(path, world = {}, more = {}) {
      const query = new URLSearchParams({ ...world, ...more })
      let answer
      try {
        answer = await fetch(`api/${path}?${query}`, { cache: 'no-store' })
      } catch {
        throw new Lost('The server does not answer. Is lab explore still running? Start it again in your terminal, with the same --port; this page goes on by itself.')
      }
      let said
      try {
        said = await answer.json()
      } catch {
        throw new Refused(`The server's answer to ${path} is no JSON (status ${answer.status}). Is another program on its port?`)
      }
      if (!answer.ok) throw new Refused(said.error ?? `The server refused ${path} (status ${answer.status}).`)
      return said
    }
    settings() { return this.ask('settings') }
    moment(world, at) { return this.ask('moment', world, { at: at.join('.') }) }
    future(world, at) { return this.ask('future', world, { at: at.join('.') }) }
    way(world, at, property) { return this.ask('way', world, { at: at.join('.'), property }) }
  }

  /** Remembers what cannot change: a moment, and what can come after it once the search has ended. */
  class Remembering {
    constructor(source) {
      this.source = source
      this.known = new Map()
    }
    async once(kind, world, at, final) {
      const key = `${kind} ${new URLSearchParams(world)} ${at.join('.')}`
      if (this.known.has(key)) return this.known.get(key)
      const answer = await this.source[kind](world, at)
      if (this.known.size > 4000) this.known.clear()
      if (final(answer)) this.known.set(key, answer)
      return answer
    }
    settings() { return this.source.settings() }
    moment(world, at) { return this.once('moment', world, at, () => true) }
    future(world, at) { return this.once('future', world, at, (answer) => answer.search.is !== 'searching') }
    way(world, at, property) { return this.source.way(world, at, property) }
  }

  const source = () => new Remembering(window.TURNSTILE ? new explore.Export(window.TURNSTILE) : new Live())

  Object.assign(explore, { Refused, Lost, source })
})()
