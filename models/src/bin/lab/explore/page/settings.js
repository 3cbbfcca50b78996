// The form for the world: a field for each setting that the server names.
(() => {
  const { at, make, differing } = explore

  function input({ name, options, least, most, default: usual }, value) {
    if (options) return make('select', { name }, ...options.map((option) => make('option', { value: option.name, textContent: option.name, selected: option.name === value })))
    if (typeof usual === 'boolean') return make('input', { name, type: 'checkbox', checked: value === true || value === 'true' })
    return make('input', { name, type: 'number', min: least, max: most, value, required: true })
  }

  function field(it, value) {
    const about = make('small', { id: `about-${it.name}`, textContent: it.about ?? '' })
    const control = input(it, value)
    control.id = `set-${it.name}`
    control.setAttribute('aria-describedby', about.id)
    if (it.options) {
      const say = () => { about.textContent = it.options.find(({ name }) => name === control.value)?.about ?? '' }
      control.addEventListener('change', say)
      say()
    }
    return make('div', { className: control.type === 'checkbox' ? 'field check' : 'field' }, make('label', { htmlFor: control.id, textContent: it.label }), control, about)
  }

  /** Asks for a world, beginning with this one; `start` gets what differs from the default. */
  function askWorld({ fields, fixed }, world, start) {
    const dialog = at('world-dialog')
    const fill = (from) => at('world-fields').replaceChildren(...fields.map((it) => field(it, from[it.name] ?? it.default)))
    fill(world)
    if (fixed) at('world-fields').replaceChildren(make('p', { textContent: 'This page is an export: it holds one world, and no other can be started. Run lab explore for all of them.' }))
    for (const id of ['world-default', 'world-apply']) at(id).hidden = Boolean(fixed)
    at('world-default').onclick = () => fill({})
    at('world-cancel').onclick = () => dialog.close()
    at('world-form').onsubmit = (event) => {
      event.preventDefault()
      const form = event.target.elements
      const value = ({ name, default: usual }) => (typeof usual === 'boolean' ? form[name].checked : form[name].value)
      dialog.close()
      start(differing(fields, Object.fromEntries(fields.map((it) => [it.name, value(it)]))))
    }
    dialog.showModal()
  }

  explore.askWorld = askWorld
})()
