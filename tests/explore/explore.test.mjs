// The page of `lab explore` in Chromium, before the real server: what a learner sees, does with mouse and keyboard, and must not suffer.
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { chromium } from 'playwright-core'
import { Explore, run } from './lab.mjs'

const SHOTS = fileURLToPath(new URL('shots/', import.meta.url))
// With PICTURES set, the picture of the README is taken anew.
const README = process.env.PICTURES ? fileURLToPath(new URL('../../docs/pictures/explore.png', import.meta.url)) : `${SHOTS}explore.png`
const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const WIDE = { width: 1440, height: 900 }
const PHONE = { width: 360, height: 740 }
const LEAK = { version: 'v3.8.3', users: '2', logins: '1', pushers: '1' }
let browser, server

before(async () => {
  await mkdir(SHOTS, { recursive: true })
  server = await Explore.start()
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-sync'],
  })
})
after(async () => {
  await browser?.close()
  await server?.stop()
})

/** A window of its own on the page; an error in it, or a request to elsewhere, is one of the test. */
async function open(t, { hash = '', url = server.url, ...options } = {}) {
  const context = await browser.newContext({ viewport: WIDE, ...options })
  t.after(() => context.close())
  const page = await context.newPage()
  page.setDefaultTimeout(10_000)
  page.wrongs = []
  page.on('pageerror', (why) => page.wrongs.push(why.message))
  page.on('console', (said) => ['error', 'warning'].includes(said.type()) && page.wrongs.push(said.text()))
  page.on('request', (request) => {
    const asked = new URL(request.url())
    const own = url.startsWith('file:') ? asked.href.startsWith(new URL('.', url).href) : asked.origin === new URL(url).origin
    if (!own && asked.protocol !== 'data:') page.wrongs.push(`asks ${asked}`)
  })
  await page.goto(url + hash)
  await arrived(page)
  return page
}

/** Until the page shows this moment (or any), and what can come of each step. */
async function arrived(page, at = null) {
  const there = (at) => {
    const { at: shown } = document.body.dataset
    return shown !== undefined && (at === null || shown === at) && !/searching/i.test(document.querySelector('#standing-words').textContent)
  }
  await page.waitForFunction(there, at, { polling: 20 })
}

/** Until it is also known what could come at each moment of the line. */
const known = (page) => page.waitForFunction(() => document.body.dataset.known !== undefined && document.body.dataset.known === document.body.dataset.at, null, { polling: 20 })

/** Takes these options, by their keys or by clicks on their buttons. */
async function walk(page, options, from = [], by = 'keys') {
  const past = [...from]
  for (const option of options) {
    if (by === 'clicks') await page.locator(`.option[data-option="${option}"]`).click()
    else await page.keyboard.press(String(option + 1))
    past.push(option)
    await arrived(page, past.join('.'))
  }
}

const text = (page, id) => page.locator(`#${id}`).innerText()
const button = (page, name) => page.getByRole('button', { name, exact: true })
const way = async (property, world = {}, at = []) => {
  await searched(world)
  const answer = await server.ask('way', { ...world, property, at: at.join('.') })
  assert.ok(answer.at, answer.error)
  return answer.at
}
/** Until the search of a world has ended: what it says of its start. */
async function searched(world = {}) {
  for (;;) {
    const answer = await server.ask('future', { ...world, at: '' })
    if (answer.search.is !== 'searching') return answer
    await new Promise((next) => setTimeout(next, 50))
  }
}

/** What WCAG 2.1 AA and axe's best practices say against the page; run past the page's own policy. */
async function flaws(page) {
  await page.evaluate(AXE)
  const { violations, passes } = await page.evaluate(() => window.axe.run(document))
  assert.ok(passes.some(({ id }) => id === 'color-contrast'), 'the contrast is looked at')
  return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html).join(' ')}`)
}
const beyond = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)

describe('lab explore', { concurrency: 3 }, () => {
  test('a first visit says what to do; the hub is driven into the hang by clicks, the challenge is solved, and is so after a reload', async (t) => {
    const page = await open(t)
    await page.getByRole('heading', { name: 'Can you make this chat server hang?' }).waitFor()
    await page.screenshot({ path: `${SHOTS}welcome.png` })
    assert.equal(await page.evaluate(() => document.documentElement.scrollHeight), WIDE.height, 'all is in sight, and the page does not scroll')
    await button(page, 'Take the challenge').click()
    await page.getByRole('heading', { name: 'Challenge 1: Hang the gateway' }).waitFor()
    const { search, here } = await searched()
    const shortest = search.properties.find(({ name }) => name === 'no-deadlock').shortest
    assert.equal(here.distances['no-deadlock'], shortest)
    assert.match(await text(page, 'standing-words'), new RegExp(`^Hang possible, ${shortest} steps away at least`))

    const line = await way('no-deadlock')
    assert.equal(line.length, shortest)
    // The step that makes the hang certain has a badge that says so, before it is taken.
    let returns = 0
    for (const [n, option] of line.entries()) {
      const badge = page.locator(`.option[data-option="${option}"] .badge`)
      if (await badge.count()) {
        if ((await badge.innerText()) === 'Point of no return') {
          returns += 1
          await page.screenshot({ path: `${SHOTS}no-return.png` })
        }
      }
      await walk(page, [option], line.slice(0, n), 'clicks')
    }
    const futures = await Promise.all([...line, 0].map((_, n) => server.ask('future', { at: line.slice(0, n).join('.') })))
    const certain = futures.map(({ here }) => here.sure.includes('no-deadlock') && here.distances['no-deadlock'] > 0)
    assert.equal(returns, certain.some(Boolean) ? 1 : 0, 'a badge where the hang becomes certain, and nowhere else')

    await page.getByRole('status').filter({ hasText: /^Hang: / }).waitFor()
    assert.match(await text(page, 'waits-words'), /Deadlock: hub waits for itself\s+hub waits to send on unregister \(1\/1 full\), which only hub drains/)
    await page.getByRole('img', { name: /^Deadlock: hub waits for itself/ }).waitFor()
    assert.equal(await page.locator('.task.stuck h3').innerText(), 'hub')
    await page.locator('#history .cross').first().waitFor()
    await page.locator('#quest-state').filter({ hasText: `Solved ★★★ in ${shortest} steps` }).waitFor()
    await page.screenshot({ path: `${SHOTS}hang.png` })

    // The command beside it shows the same again.
    const command = await page.locator('#replay code').textContent()
    const replayed = await run(...command.split(' ').slice(1))
    assert.match(replayed.stdout, /Deadlock: hub waits for itself/)

    await page.reload()
    await arrived(page, line.join('.'))
    await button(page, 'Challenges 1/5').click()
    await page.getByText(`Solved ★★★ in ${shortest} steps`).first().waitFor()
    await page.screenshot({ path: `${SHOTS}challenges.png` })
    assert.deepEqual(page.wrongs, [])
  })

  test('the shortest way is played, paused and gone on with; it does not count as solved', async (t) => {
    const page = await open(t)
    const line = await way('no-deadlock')
    await button(page, 'Take the challenge').click()
    await arrived(page, '')
    await page.getByLabel('Speed').selectOption('fast')
    await button(page, 'Shortest way').click()
    await page.waitForFunction(() => document.body.dataset.at.split('.').length >= 3)
    await button(page, 'Pause').click()
    const paused = Number((await text(page, 'count')).split(' ')[0])
    assert.equal(await text(page, 'count'), `${paused} of ${line.length}`)
    await button(page, 'Play').click()
    await arrived(page, line.join('.'))
    await page.getByRole('status').filter({ hasText: /^Hang: / }).waitFor()
    await page.locator('#quest-state').filter({ hasText: 'That was shown to you' }).waitFor()
    await button(page, 'Challenges 0/5').waitFor()
    assert.deepEqual(page.wrongs, [])
  })

  test('an address restores the world, the moment and what comes later; back and forward go between moments', async (t) => {
    const page = await open(t)
    const line = await way('no-ghost', { design: 'split-loops' })
    const middle = line.length - 4
    const hash = `#design=split-loops&goal=no-ghost&at=${line.join('.')}&pos=${middle}`
    const other = await open(t, { hash })
    assert.equal(await text(other, 'count'), `${middle} of ${line.length}`)
    assert.match(await text(other, 'world'), /^split-loops/)
    assert.equal(await other.locator('#goal').inputValue(), 'no-ghost')
    const shown = (page) => page.evaluate(() => ['standing-words', 'tasks', 'history', 'channels', 'facts'].map((id) => document.getElementById(id).textContent))
    await page.goto(server.url + hash)
    await arrived(page, line.slice(0, middle).join('.'))
    await Promise.all([known(page), known(other)])
    assert.deepEqual(await shown(page), await shown(other))
    await button(other, 'Redo').click()
    await arrived(other, line.slice(0, middle + 1).join('.'))
    await other.goBack()
    await arrived(other, line.slice(0, middle).join('.'))
    await other.goForward()
    await arrived(other, line.slice(0, middle + 1).join('.'))
    assert.deepEqual([...page.wrongs, ...other.wrongs], [])
  })

  test('undo, redo, slider, keys and a click in the diagram go along the timeline, and another step forgets what came later', async (t) => {
    const page = await open(t)
    const line = (await way('no-deadlock')).slice(0, 8)
    const at = (n) => arrived(page, line.slice(0, n).join('.'))
    await walk(page, line)
    await button(page, 'Undo').click()
    await at(7)
    await button(page, 'Redo').click()
    await at(8)
    await page.keyboard.press('ArrowLeft')
    await at(7)
    await page.keyboard.press('ArrowLeft')
    await at(6)
    await page.keyboard.press('ArrowRight')
    await at(7)
    await page.keyboard.press('Home')
    await at(0)
    await page.keyboard.press('End')
    await at(8)
    await page.getByRole('slider').fill('3')
    await at(3)
    await page.getByRole('slider').press('ArrowRight')
    await at(4)
    await page.getByRole('button', { name: /^Step 6, / }).click({ position: { x: 300, y: 8 } })
    await at(6)
    assert.equal(await text(page, 'count'), '6 of 8')
    // The same step again keeps what came after it, another one does not.
    await page.keyboard.press(String(line[6] + 1))
    await at(7)
    assert.equal(await text(page, 'count'), '7 of 8')
    const { options } = await server.ask('moment', { at: line.slice(0, 7).join('.') })
    const another = options.find(({ option }) => option !== line[7]).option
    await walk(page, [another], line.slice(0, 7))
    assert.equal(await text(page, 'count'), '8 of 8')
    assert.equal(await button(page, 'Redo').getAttribute('aria-disabled'), 'true')
    await button(page, 'Restart').click()
    await at(0)
    assert.deepEqual(page.wrongs, [])
  })

  test('by the keyboard alone: the focus stays with the steps, and each is told in words', async (t) => {
    const page = await open(t)
    await page.keyboard.press('Tab')
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Go to the next steps')
    await page.keyboard.press('Enter')
    const past = []
    for (let n = 0; n < 6; n += 1) {
      const focused = await page.evaluate(() => ({ ...document.activeElement.dataset }))
      assert.ok(focused.option, `after ${n} steps the focus is on a step`)
      const { options } = await server.ask('moment', { at: past.join('.') })
      const { task, what } = options[focused.option]
      assert.equal(task, focused.task)
      await page.keyboard.press('Enter')
      past.push(Number(focused.option))
      await arrived(page, past.join('.'))
      assert.ok((await text(page, 'said')).startsWith(`${task}: ${what}`), await text(page, 'said'))
    }
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Help' }).waitFor()
    await page.getByLabel('Single keys work').uncheck()
    await page.keyboard.press('Escape')
    await page.keyboard.press('1')
    await page.keyboard.press('?')
    assert.equal(await page.evaluate(() => document.body.dataset.at), past.join('.'), 'keys are off')
    assert.equal(await page.getByRole('dialog').count(), 0)
    assert.deepEqual(page.wrongs, [])
  })

  test('the form starts another world; a ghost is made in it, and a message reaches the wrong user', async (t) => {
    const page = await open(t)
    await button(page, 'World').click()
    await page.getByLabel('Design', { exact: true }).selectOption('split-loops')
    await page.screenshot({ path: `${SHOTS}world.png` })
    await button(page, 'Start this world').click()
    await page.locator('#world').filter({ hasText: /^split-loops/ }).waitFor()
    assert.equal(new URL(page.url()).hash, '#design=split-loops')
    for (const [title, property, world] of [['Make a ghost', 'no-ghost', { design: 'split-loops' }], ['To the wrong user', 'no-leak', LEAK]]) {
      await page.getByRole('button', { name: /^Challenges / }).click()
      await button(page, `Start: ${title}`).click()
      await searched(world)
      await arrived(page, '')
      await walk(page, await way(property, world))
      await page.locator('#quest-state').filter({ hasText: 'Solved ★★★' }).waitFor()
      await page.screenshot({ path: `${SHOTS}${property}.png` })
    }
    await button(page, 'Challenges 2/5').waitFor()
    // What a step broke is said after it as well.
    const wrong = '1.1.1.2.1.1.1.1.0.0.0.0.0.0.1.0.0.0.0.0.0.1.0.1.0'
    for (const [at, words] of [[wrong, /^Wrong kick: the login of user 1 on connection 2 kicks connection 2/], [`${wrong}.0`, /^Wrong kick at step 25\. No other can happen any more/]]) {
      await page.evaluate((hash) => { location.hash = hash }, `#goal=right-kick&at=${at}`)
      await arrived(page, at)
      await page.locator('#standing-words').filter({ hasText: words }).waitFor()
    }
    assert.deepEqual(page.wrongs, [])
  })

  test('lanes are walked to their rest at random, and the search of all states has found no hang', async (t) => {
    const page = await open(t)
    await button(page, 'Challenges 0/5').click()
    await button(page, 'Start: Prove that lanes cannot hang').click()
    const { search } = await searched({ design: 'lanes', version: 'main' })
    assert.equal(search.is, 'complete')
    await arrived(page, '')
    await page.getByText(`All ${search.states.toLocaleString('en')} states were searched`).waitFor()
    await page.getByLabel('Speed').selectOption('fast')
    await page.evaluate(() => { document.querySelector('#speed').selectedOptions[0].value = '1' })
    await button(page, 'Random walk').click()
    await page.locator('#quest-state').filter({ hasText: `${search.transitions.toLocaleString('en')} steps between them, all searched: nobody is stuck` }).waitFor({ timeout: 20_000 })
    await page.screenshot({ path: `${SHOTS}lanes.png` })
    await button(page, 'Challenges 1/5').waitFor()
    assert.deepEqual(page.wrongs, [])
  })

  test('who goes to the brink of the hang and turns away has solved the last challenge', async (t) => {
    const page = await open(t)
    await button(page, 'Challenges 0/5').click()
    await button(page, 'Start: The last moment').click()
    await searched()
    await arrived(page, '')
    const line = await way('no-deadlock')
    const look = async (at) => {
      const [moment, future] = await Promise.all(['moment', 'future'].map((path) => server.ask(path, { at: at.join('.') })))
      return { moment, ...future }
    }
    const certain = ({ sure, distances }) => sure.includes('no-deadlock') && distances['no-deadlock'] > 0
    let past = []
    for (const option of line) {
      const { here, options } = await look(past)
      if (!here.sure.includes('no-deadlock') && options.some(certain)) break
      await walk(page, [option], past)
      past = [...past, option]
    }
    await page.getByText('This is such a moment').waitFor()
    await page.screenshot({ path: `${SHOTS}brink.png` })
    for (let n = 0; n < 60; n += 1) {
      const { here, options } = await look(past)
      if (here.distances['no-deadlock'] === undefined) break
      const out = options.findIndex(({ distances }) => distances['no-deadlock'] === undefined)
      const away = out >= 0 ? out : options.reduce((best, { sure, distances }, k) => (!sure.includes('no-deadlock') && distances['no-deadlock'] > (options[best]?.distances['no-deadlock'] ?? -1) ? k : best), -1)
      await walk(page, [away], past)
      past = [...past, away]
    }
    await page.locator('#quest-state').filter({ hasText: 'Solved ★★★ after step' }).waitFor()
    await page.locator('#standing-words').filter({ hasText: /^No hang can happen any more/ }).waitFor()
    await page.screenshot({ path: `${SHOTS}way-out.png` })
    assert.deepEqual(page.wrongs, [])
  })

  test('the moment of the picture in the README: the last place in a channel, and two who would take it', async (t) => {
    const page = await open(t, { hash: '#at=0.0.1.1.0.1.0.0.0.0.0.0.0.0.1.0.2.0.1.1' })
    await known(page)
    assert.deepEqual(await page.locator('.option .badge').allInnerTexts(), ['Way out', 'Point of no return'])
    const [out, certain, other] = await page.locator('.option').allInnerTexts()
    assert.match(out, /send on unregister[^]*no hang can happen any more/)
    assert.match(certain, /send on unregister[^]*the hang is now certain, 1 step away/)
    assert.match(other, /hang possible, 2 steps away at least/)
    await page.screenshot({ path: README })
    assert.deepEqual(page.wrongs, [])
  })

  // So high that all of the page is in sight: what moves out of sight is not counted.
  for (const [name, viewport] of [['wide', WIDE], ['high', { width: 1440, height: 2400 }], ['phone', { width: 360, height: 4000 }]]) {
    test(`nothing moves when a step is taken: ${name}`, async (t) => {
      const page = await open(t, { viewport })
      await button(page, 'Take the challenge').click()
      await arrived(page, '')
      const line = await way('no-deadlock')
      await page.evaluate(() => {
        window.shifts = []
        // All of them, those right after a click as well.
        new PerformanceObserver((list) => list.getEntries().forEach(({ value, sources }) => window.shifts.push([document.body.dataset.at, value, ...sources.map(({ node, previousRect, currentRect }) => `${node?.id || node?.className || node?.nodeName} from ${previousRect.y} to ${currentRect.y}`)].join(' '))))
          .observe({ type: 'layout-shift', buffered: false })
      })
      for (const [n, option] of line.entries()) {
        // By keys, so that no scrolling to a button is mistaken for a move.
        await walk(page, [option], line.slice(0, n))
      }
      await page.evaluate(() => new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next))))
      assert.deepEqual(await page.evaluate(() => window.shifts), [])
      assert.deepEqual(page.wrongs, [])
    })
  }

  test('a schedule that is none, and a server that is gone, are said with what to do, and the page goes on', async (t) => {
    const own = await Explore.start()
    t.after(() => own.stop())
    const page = await open(t, { url: own.url })
    await page.evaluate(() => { location.hash = '#at=0.99' })
    const alarm = page.getByRole('alert')
    await alarm.filter({ hasText: /option|step/i }).waitFor()
    assert.ok((await server.ask('moment', { at: '0.99' })).error)
    await button(page, 'Restart this world').click()
    await arrived(page, '')
    await alarm.waitFor({ state: 'hidden' })
    await page.evaluate(() => { location.hash = '#design=nonsense' })
    await alarm.filter({ hasText: 'design' }).waitFor()
    await page.screenshot({ path: `${SHOTS}wrong.png` })
    await page.evaluate(() => { location.hash = '#at=0.x.1' })
    await alarm.filter({ hasText: 'at is "0.x.1"' }).waitFor()
    await page.evaluate(() => { location.hash = '#goal=shutdown' })
    await page.locator('#standing-words').filter({ hasText: '«stop that fails» is not asked about in this world' }).waitFor()
    await page.evaluate(() => { location.hash = '#goal=nonsense' })
    await page.locator('#standing-words').filter({ hasText: /^Hang possible/ }).waitFor()
    await page.evaluate(() => { location.hash = '#design=nonsense' })
    await alarm.filter({ hasText: 'design' }).waitFor()
    await button(page, 'Go to the default world').click()
    await alarm.waitFor({ state: 'hidden' })

    await own.stop()
    await page.locator('.option').first().click()
    await alarm.filter({ hasText: 'The server does not answer' }).waitFor()
    const again = await Explore.start(own.port)
    t.after(() => again.stop())
    await alarm.waitFor({ state: 'hidden' })
    assert.equal(await text(page, 'count'), '1 of 1')
    // The browser itself says that it was refused.
    assert.deepEqual(page.wrongs.filter((said) => !/Failed to load resource/.test(said)), [])
  })

  test('an export works from a file, walks the same, and asks for nothing', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'explore-'))
    t.after(() => rm(folder, { recursive: true }))
    const made = await run('explore', '--export', join(folder, 'out'))
    assert.equal(made.code, 0, made.stderr)
    const page = await open(t, { url: pathToFileURL(join(folder, 'out', 'index.html')).href })
    const line = await way('no-deadlock')
    const live = await open(t)
    const shown = (page) => page.evaluate(() => ['world', 'standing-words', 'tasks', 'history', 'waits-words', 'channels', 'locks', 'future', 'facts'].map((id) => document.getElementById(id).innerText))
    // Every fifth moment by its address, the last steps by clicks.
    const same = async (n) => {
      await Promise.all([known(page), known(live)])
      assert.deepEqual(await shown(page), await shown(live), `after step ${n}`)
    }
    for (let n = 0; n < line.length - 4; n += 5) {
      for (const it of [page, live]) {
        await it.evaluate((hash) => { location.hash = hash }, `at=${line.slice(0, n).join('.')}`)
        await arrived(it, line.slice(0, n).join('.'))
      }
      await same(n)
    }
    const from = (await page.evaluate(() => document.body.dataset.at)).split('.').length
    for (let n = from; n < line.length; n += 1) {
      for (const it of [page, live]) await walk(it, [line[n]], line.slice(0, n))
      await same(n + 1)
    }
    await page.getByRole('status').filter({ hasText: /^Hang: / }).waitFor()
    await button(page, 'Restart').click()
    await arrived(page, '')
    await page.getByLabel('Speed').selectOption('fast')
    await button(page, 'Shortest way').click()
    await page.waitForFunction((length) => document.body.dataset.at.split('.').length === length, line.length)
    await page.getByRole('status').filter({ hasText: /^Hang: / }).waitFor()
    assert.deepEqual([...page.wrongs, ...live.wrongs], [])
  })

  for (const [name, world, options, least] of [
    ['whoever is started first', {}, [], 50],
    ['of two users, with a pusher', LEAK, ['--version', 'v3.8.3', '--users', '2', '--logins', '1', '--pushers', '1'], 20],
    ['with two nodes', { version: 'main', nodes: '2', peers: 'stay' }, ['--version', 'main', '--nodes', '2', '--peers', 'stay'], -1],
    ['with a writer and an administrator', { version: 'v3.8.3', logins: '1', writers: 'true', kickers: '1' }, ['--version', 'v3.8.3', '--logins', '1', '--writers', '--kickers', '1'], -1],
  ]) test(`in an export, each address means what it means before the server: ${name}`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'explore-'))
    t.after(() => rm(folder, { recursive: true }))
    const made = await run('explore', '--export', folder, ...options)
    assert.equal(made.code, 0, made.stderr)
    const page = await open(t, { url: pathToFileURL(join(folder, 'index.html')).href })
    const told = (at) => page.evaluate(async (at) => {
      const told = new explore.Export(window.TURNSTILE)
      return JSON.parse(JSON.stringify([await told.moment({}, at), (await told.future({}, at))]))
    }, at)
    await searched(world)
    // The same walks each time.
    let seed = 7
    const toss = (of) => {
      seed = (seed * 48271) % 2147483647
      return seed % of
    }
    let swapped = 0
    for (let walk = 0; walk < 25; walk += 1) {
      const at = []
      for (;;) {
        const asked = { ...world, at: at.join('.') }
        const [moment, future] = await Promise.all(['moment', 'future'].map((path) => server.ask(path, asked)))
        const [its, then] = await told(at)
        assert.deepEqual({ ...its, key: null }, { ...moment, key: null }, `after ${asked.at}`)
        assert.deepEqual([then.here, then.options], [future.here, future.options], `after ${asked.at}`)
        const peers = moment.tasks.filter(({ name }) => name.startsWith('peer')).map(({ name }) => name)
        swapped += Number(peers.join() === 'peer 2,peer 1')
        if (!moment.options.length || at.length > 40) break
        at.push(toss(moment.options.length))
      }
    }
    assert.ok(swapped > least, `walks on which peers come in another order: ${swapped} moments`)
    assert.deepEqual(page.wrongs, [])
  })

  for (const [name, options] of [
    ['light', { colorScheme: 'light' }],
    ['dark', { colorScheme: 'dark' }],
    ['phone', { colorScheme: 'light', viewport: PHONE, deviceScaleFactor: 2 }],
    ['phone-dark', { colorScheme: 'dark', viewport: PHONE, deviceScaleFactor: 2, reducedMotion: 'reduce' }],
  ]) {
    test(`the page can be read by everybody: ${name}`, async (t) => {
      const page = await open(t, options)
      assert.deepEqual(await flaws(page), [], 'at the start')
      const line = await way('no-deadlock')
      await page.evaluate((hash) => { location.hash = hash }, `at=${line.join('.')}&pos=${line.length - 2}`)
      await arrived(page, line.slice(0, -2).join('.'))
      await page.screenshot({ path: `${SHOTS}${name}-middle.png`, fullPage: true })
      assert.deepEqual(await flaws(page), [], 'on the way')
      await page.keyboard.press('End')
      await arrived(page, line.join('.'))
      await page.screenshot({ path: `${SHOTS}${name}.png`, fullPage: true })
      assert.deepEqual(await flaws(page), [], 'in the hang')
      assert.equal(await beyond(page), 0, 'nothing is beyond the edge')
      // A phone's dialogs need no second scheme: their colours are those of the wide ones.
      for (const dialog of name === 'phone-dark' ? [] : ['World', 'Challenges 0/5', 'Help and keys']) {
        await button(page, dialog).click()
        await page.getByRole('dialog').waitFor()
        assert.deepEqual(await flaws(page), [], dialog)
        assert.equal(await beyond(page), 0, dialog)
        await page.screenshot({ path: `${SHOTS}${name}-${dialog.split(' ')[0].toLowerCase()}.png` })
        await page.keyboard.press('Escape')
      }
      assert.deepEqual(page.wrongs, [])
    })
  }
})
