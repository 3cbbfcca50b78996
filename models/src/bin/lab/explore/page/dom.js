// Elements of the page: found, made, drawn. What comes from elsewhere goes in as text, never as markup.
window.explore = {};
(() => {
  const SVG = 'http://www.w3.org/2000/svg'

  const at = (id) => document.getElementById(id)

  /** An HTML element: its properties, then its children, elements or text. */
  function make(name, properties = {}, ...children) {
    const { data, label, ...rest } = properties
    const element = Object.assign(document.createElement(name), rest)
    Object.assign(element.dataset, data)
    if (label) element.setAttribute('aria-label', label)
    element.append(...children.filter((child) => child !== null && child !== undefined))
    return element
  }

  /** An SVG element: its attributes, then its children. */
  function draw(name, attributes = {}, ...children) {
    const element = document.createElementNS(SVG, name)
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
    element.append(...children)
    return element
  }

  const ruler = document.createElement('canvas').getContext('2d')
  const widths = new Map()

  /** How wide a text is in a font, in pixels. */
  function width(text, font) {
    const key = `${font}\n${text}`
    if (!widths.has(key)) {
      if (widths.size > 20_000) widths.clear()
      ruler.font = font
      widths.set(key, ruler.measureText(text).width)
    }
    return widths.get(key)
  }

  /** A text as lines that fit; a word that is too long alone is broken. */
  function wrap(text, most, font) {
    const lines = []
    let line = ''
    for (const word of text.split(' ')) {
      const longer = line ? `${line} ${word}` : word
      if (width(longer, font) <= most) {
        line = longer
        continue
      }
      if (line) lines.push(line)
      line = ''
      for (const letter of word) {
        if (line && width(line + letter, font) > most) {
          lines.push(line)
          line = ''
        }
        line += letter
      }
    }
    return line ? [...lines, line] : lines
  }

  /** Copies a text; where the browser does not allow it, it is shown to be copied by hand. */
  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text)
      return true
    } catch {
      window.prompt('Copy this:', text)
      return false
    }
  }

  /** What the browser keeps for this page. A page from a file may be denied it; then nothing is kept. */
  const kept = {
    read(name, otherwise) {
      try {
        return JSON.parse(localStorage.getItem(`turnstile-explore-${name}`)) ?? otherwise
      } catch {
        return otherwise
      }
    },
    write(name, value) {
      try {
        localStorage.setItem(`turnstile-explore-${name}`, JSON.stringify(value))
      } catch { /* Then it is not kept. */ }
    },
  }

  Object.assign(explore, { at, make, draw, width, wrap, copy, kept })
})()
