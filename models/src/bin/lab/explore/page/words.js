// What may come of a step, in words.
(() => {
  // What breaks a property, by its name, as a noun.
  const NOUNS = {
    'no-deadlock': 'hang', 'no-crash': 'crash', 'no-ghost': 'ghost', 'no-lost-session': 'lost session', 'policy-holds': 'broken policy',
    'right-kick': 'wrong kick', 'one-stays': 'mutual kick', 'no-leak': 'leak', once: 'double end', counters: 'wrong count',
    shutdown: 'stop that fails', 'kick-heard': 'unheard kick', progress: 'login without end',
  }
  const noun = (property) => NOUNS[property] ?? `breach of ${property}`
  const steps = (count) => `${count.toLocaleString('en')} step${count === 1 ? '' : 's'}`
  const states = (count) => `${count.toLocaleString('en')} state${count === 1 ? '' : 's'}`

  const time = (seconds) => (seconds < 1 ? `${Math.max(1, Math.round(seconds * 1000))}\u00a0ms` : `${seconds.toFixed(1)}\u00a0s`)

  /** What becomes of a property: here, certain, possible, impossible; unseen where the search was cut short; unasked, over, unknown. */
  function fate(property, future, search) {
    if (!search || search.is === 'searching') return { kind: 'unknown' }
    if (search.properties.length && !search.properties.some(({ name }) => name === property)) return { kind: 'unasked' }
    if (!future) return { kind: search.is === 'complete' ? 'over' : 'unseen' }
    const distance = future.distances[property]
    const partly = search.is !== 'complete'
    if (distance === 0) return { kind: 'here', distance }
    if (future.sure.includes(property)) return { kind: partly ? 'possible' : 'certain', distance, partly }
    if (distance !== undefined) return { kind: 'possible', distance, partly }
    return { kind: partly ? 'unseen' : 'impossible', partly }
  }

  /** The same in words, as a sentence without its full stop. */
  function say(property, { kind, distance }) {
    const what = noun(property)
    switch (kind) {
      case 'here': return `the ${what} is here`
      case 'certain': return `the ${what} is now certain` + (distance ? `, ${steps(distance)} away` : '')
      case 'possible': return `${what} possible, ${steps(distance)} away at least`
      case 'impossible': return `no ${what} can happen any more`
      case 'over': return 'the program has broken, and nothing comes after that'
      case 'unasked': return `«${what}» is not asked about in this world`
      case 'unseen': return `no ${what} found so far`
      default: return 'searching what can still happen'
    }
  }

  /** The badge of a step that turns one fate into another, or nothing. */
  function turn(before, after) {
    if (before.kind === after.kind) return ''
    if (after.kind === 'here') return 'It happens'
    if (before.kind !== 'possible') return ''
    return { certain: 'Point of no return', impossible: 'Way out' }[after.kind] ?? ''
  }

  const capital = (words) => words.charAt(0).toUpperCase() + words.slice(1)
  const sentence = (words) => `${capital(words)}.`

  Object.assign(explore, { noun, steps, states, time, fate, say, turn, capital, sentence })
})()
