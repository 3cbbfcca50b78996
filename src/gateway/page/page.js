// The administrator's page. Whatever comes from the server is put as text, never as markup.
const EVERY = 1000
const KEPT = 120
const RECENT = 10
const PLATFORMS = ['', 'iOS', 'Android', 'Windows', 'macOS', 'Web', 'Mini web', 'Linux', 'Android pad', 'iPad', 'Admin', 'HarmonyOS']
const at = (id) => document.getElementById(id)

function make(name, properties = {}, ...children) {
  const element = document.createElement(name)
  Object.assign(element, properties)
  element.append(...children)
  return element
}

function draw(name, attributes) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name)
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
  return element
}

// Who may not, or not any more, is shown the door.
class Refused extends Error {}

let token = sessionStorage.getItem('token')

async function call(path, body) {
  const answer = await fetch(path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { token },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: AbortSignal.timeout(5000),
  })
  if (answer.status === 401 || answer.status === 403) throw new Refused((await answer.json()).errDlt)
  return answer
}

const short = (number) => {
  if (number === undefined || number === null) return '–'
  if (number >= 1e6) return `${(number / 1e6).toFixed(1)} M`
  if (number >= 1e4) return `${(number / 1e3).toFixed(1)} k`
  return number >= 100 || Number.isInteger(number) ? number.toFixed(0) : number.toFixed(number >= 10 ? 1 : 2)
}
const time = (seconds) => {
  if (seconds === undefined || seconds === null) return '–'
  if (seconds >= 1) return `${short(seconds)} s`
  return seconds >= 1e-3 ? `${short(seconds * 1e3)} ms` : `${short(seconds * 1e6)} µs`
}
const bytes = (number) => (number >= 1024 ? `${short(number / 1024)} KiB` : short(number))

// What is drawn: a name, its value from one answer and the one before, and how to write it.
const sum = (counts, ...names) => names.reduce((all, name) => all + counts[name], 0)
const per = (...names) => (now, before) => before && (sum(now.counts, ...names) - sum(before.counts, ...names)) / (now.uptime - before.uptime)
const refusals = ['refused_full', 'refused_address', 'refused_user', 'refused_arguments', 'refused_token', 'refused_store', 'refused_draining', 'refused_stopping']
const CHARTS = [
  ['Connections', (now) => now.connections, short],
  ['Logins/s', per('registered'), short],
  ['Ends/s', per('unregistered'), short],
  ['Kicks/s', per('kicked_by_login', 'kicked_by_administrator'), short],
  ['Refused/s', per(...refusals), short],
  ['Slow consumers/s', per('slow_consumers'), short],
  ['Requests/s', (now, before) => before && (now.requests - before.requests) / (now.uptime - before.uptime), short],
  ['Messages stored/s', per('stored'), short],
  ['Bytes in/s', per('received_bytes'), bytes],
  ['Bytes out/s', per('sent_bytes'), bytes],
  ['Time to log in, p50', () => quantile(0.5), time],
  ['Time to log in, p99', () => quantile(0.99), time],
].map(([name, value, write]) => ({ name, value, write, values: [] }))

let recent = []

// Of the logins of the last seconds: the bucket that so many of them are within.
function quantile(part) {
  if (recent.length < 2) return null
  const [first, last] = [recent[0], recent[recent.length - 1]].map((state) => state.registering.counts)
  const counts = last.map((count, bucket) => count - first[bucket])
  const all = counts.reduce((a, b) => a + b, 0)
  if (!all) return null
  let seen = 0
  const bucket = counts.findIndex((count) => (seen += count) >= part * all)
  const bounds = recent[0].registering.bounds
  return bounds[Math.min(bucket, bounds.length - 1)]
}

function chart(it) {
  it.figure = make('div', { className: 'chart' })
  it.figure.setAttribute('role', 'img')
  it.most = make('span')
  it.now = make('strong', { textContent: '–' })
  it.svg = draw('svg', { viewBox: `0 0 ${KEPT - 1} 40`, preserveAspectRatio: 'none', 'aria-hidden': 'true' })
  it.under = draw('path', { class: 'under' })
  it.line = draw('path', { class: 'line' })
  it.svg.append(draw('path', { class: 'floor', d: `M0 40H${KEPT - 1}` }), it.under, it.line)
  it.figure.append(make('p', {}, make('span', { textContent: it.name }), it.most), it.now, it.svg)
  return it.figure
}

function plot(it, value) {
  it.values = [...it.values, value ?? null].slice(-KEPT)
  const most = Math.max(...it.values, 0)
  const [now, top] = [it.write(value), it.write(most)]
  it.now.textContent = now
  it.most.textContent = `most ${top}`
  it.figure.setAttribute('aria-label', `${it.name}: ${now} now, at most ${top} in the last two minutes`)
  const left = KEPT - it.values.length
  const place = (value, n) => `${left + n} ${(40 - (most ? (value / most) * 38 : 0)).toFixed(2)}`
  // Where there was no answer or no login, the line has a gap.
  const runs = []
  it.values.forEach((value, n) => {
    if (value === null) return
    if (n && it.values[n - 1] !== null) runs[runs.length - 1].push([value, n])
    else runs.push([[value, n]])
  })
  const path = (run) => `M${run.map(([value, n]) => place(value, n)).join('L')}`
  it.line.setAttribute('d', runs.map((run) => path(run) + (run.length === 1 ? 'h.5' : '')).join(''))
  it.under.setAttribute('d', runs.map((run) => `${path(run)}L${left + run[run.length - 1][1]} 40L${left + run[0][1]} 40Z`).join(''))
}

const queues = new Map()

function queue({ name, filled, capacity, aside, stuck }) {
  let it = queues.get(name)
  if (!it) {
    it = { box: make('div', { className: 'queue' }), fill: make('span'), aside: make('small'), bar: draw('rect', { height: 10 }) }
    const bar = draw('svg', { class: 'bar', viewBox: '0 0 100 10', preserveAspectRatio: 'none', 'aria-hidden': 'true' })
    bar.append(it.bar)
    it.box.append(make('p', {}, make('span', { textContent: name }), it.fill), bar, it.aside)
    queues.set(name, it)
    at('queues').append(it.box)
  }
  it.fill.textContent = capacity === null ? short(filled) : `${filled} of ${capacity}`
  it.aside.textContent = aside
  const part = capacity ? filled / capacity : Math.min(filled, 1)
  it.bar.setAttribute('width', Math.min(part, 1) * 100)
  // A wait for somebody who takes it is nothing, unless it lasts.
  it.box.classList.toggle('full', part >= 1 && (capacity !== null || stuck))
}

function show(state) {
  at('about').textContent = `${state.version}, ${state.design} at ${state.openim}, policy ${state.policy}`
  // A deadlock has its own words, below.
  at('ready').textContent = state.deadlock ? 'not ready' : state.unready ? `not ready: ${state.unready}` : 'ready'
  at('ready').className = state.unready ? 'bad' : 'good'
  const before = recent[recent.length - 1]
  recent = [...recent, state].slice(-RECENT)
  for (const it of CHARTS) plot(it, it.value(state, before))
  const { coming, leaving, push } = state
  const stuck = Boolean(state.deadlock || state.starved)
  queue({ name: 'logins', filled: coming, capacity: null, aside: 'told to the hub, not in the user table', stuck })
  queue({ name: 'ends', filled: leaving, capacity: null, aside: 'told to the hub, not dealt with', stuck })
  for (const { name, len, capacity, senders, drained_by } of state.queues) {
    const who = drained_by.length ? `drained by ${drained_by.join(', ')}` : ''
    const wait = senders ? `, ${senders} wait${senders === 1 ? 's' : ''} to send` : ''
    // At capacity 0 whoever sends waits for who takes it.
    const filled = capacity === 0 ? senders : len
    queue({ name, filled, capacity: capacity === 0 ? null : capacity, aside: who + wait, stuck })
  }
  queue({ name: 'pushes', filled: push.waiting, capacity: push.most, aside: 'drained by 8 push workers' })
  alarm(state.deadlock, state.starved)
}

// Only said again when it has changed: it is read aloud.
let alarmed = ''
function alarm(deadlock, starved) {
  const words = deadlock ?? (starved ? [`${starved} task${starved === 1 ? ' has' : 's have'} waited for too long`] : [])
  if (words.join() === alarmed) return
  alarmed = words.join()
  at('alarm').hidden = !words.length
  at('alarm').replaceChildren(...words.map((textContent) => make('p', { textContent })))
  document.title = deadlock ? 'deadlock – turnstile' : 'turnstile'
}

let listed = ''
function list({ users, total }) {
  const shown = users.length
  at('found').textContent = total > shown ? `the first ${shown} of ${total} users; search for the others` : `${total} user${total === 1 ? '' : 's'}`
  const said = JSON.stringify(users)
  if (said === listed) return
  listed = said
  const focused = document.activeElement?.dataset?.key
  const rows = users.flatMap(({ userID, sessions }) => sessions.map((session, n) => row(userID, session, n === 0)))
  at('rows').replaceChildren(...rows)
  if (focused) ([...at('rows').querySelectorAll('button')].find((button) => button.dataset.key === focused) ?? at('search')).focus()
}

function row(userID, { platformID, connection }, first) {
  const platform = PLATFORMS[platformID] ?? String(platformID)
  const button = make('button', { type: 'button', textContent: 'Kick', className: 'danger' })
  button.dataset.key = `${connection} ${userID}`
  button.setAttribute('aria-label', `Kick ${userID} off ${platform}`)
  button.addEventListener('click', () => kick(userID, platformID, platform))
  const user = make('td', {}, first ? userID : make('span', { className: 'unseen', textContent: userID }))
  return make('tr', {}, user, make('td', { textContent: platform }), make('td', { textContent: connection }), make('td', {}, button))
}

function kick(userID, platformID, platform) {
  at('question').textContent = `Kick ${userID} off ${platform}?`
  at('ask').returnValue = 'stay'
  at('ask').onclose = async () => {
    if (at('ask').returnValue !== 'kick') return
    try {
      const answer = await call('/kick', { userID, platformID })
      at('said').textContent = answer.ok ? `${userID} is to be kicked off ${platform}` : `${userID} was not kicked: ${(await answer.json()).errDlt}`
      await sessions()
    } catch (why) {
      wrong(why)
    }
  }
  at('ask').showModal()
}

const sessions = async () => {
  const answer = await call('/sessions', { search: at('search').value })
  if (answer.ok) list(await answer.json())
}

let picture = ''
async function waits() {
  const answer = await call('/debug/waits?format=svg')
  const svg = await answer.text()
  if (svg === picture) return
  picture = svg
  if (!answer.ok) {
    at('words').textContent = `the graph is not there: ${answer.status}`
    return at('graph').replaceChildren()
  }
  const { deadlock, crash, waiting } = await (await call('/debug/waits?format=json')).json()
  const calm = waiting.total ? waiting.in_words.join('; ') : 'Nobody waits in the midst of work.'
  const words = crash ? `The program broke: ${crash}` : deadlock ? deadlock.words.join('; ') : calm
  at('words').textContent = words
  // As an image, in which no script runs.
  const image = make('img', { alt: words, src: URL.createObjectURL(new Blob([svg], { type: 'image/svg+xml' })) })
  image.addEventListener('load', () => URL.revokeObjectURL(image.src))
  at('graph').replaceChildren(image)
}

function wrong(why) {
  if (why instanceof Refused) return out(why.message)
  at('ready').textContent = 'the server does not answer'
  at('ready').className = 'bad'
}

let visit = 0
function out(why = '') {
  visit += 1
  token = null
  sessionStorage.removeItem('token')
  at('ask').close()
  at('wrong').textContent = why
  at('door').hidden = false
  at('inside').hidden = at('leave').hidden = true
  at('about').textContent = at('ready').textContent = ''
  at('rows').replaceChildren()
  listed = picture = ''
  recent = []
  at('token').value = ''
  at('token').focus()
}

async function inside() {
  const me = (visit += 1)
  const first = await (await call('/state')).json()
  if (me !== visit) return
  sessionStorage.setItem('token', token)
  at('door').hidden = true
  at('inside').hidden = at('leave').hidden = false
  for (const it of CHARTS) it.values = []
  at('charts').replaceChildren(...CHARTS.map(chart))
  queues.clear()
  at('queues').replaceChildren()
  show(first)
  for (let turn = 0; me === visit; turn += 1) {
    try {
      await sessions()
      if (turn % 2 === 0) await waits()
      await new Promise((next) => setTimeout(next, EVERY))
      if (me !== visit) return
      const answer = await call('/state')
      if (me === visit && answer.ok) show(await answer.json())
    } catch (why) {
      if (me !== visit) return
      wrong(why)
      await new Promise((next) => setTimeout(next, EVERY))
    }
  }
}

at('enter').addEventListener('submit', (event) => {
  event.preventDefault()
  token = at('token').value.trim()
  at('wrong').textContent = ''
  inside().catch(wrongAtTheDoor)
})
const wrongAtTheDoor = (why) => out(why instanceof Refused ? why.message : 'the server does not answer')
at('leave').addEventListener('click', () => out())
at('search').addEventListener('input', () => sessions().catch(wrong))
if (token) inside().catch(wrongAtTheDoor)
else at('token').focus()
