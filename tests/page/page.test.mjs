// The administrator's page in Chromium: what a person sees, does with the keyboard, and must not be able to suffer.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import WebSocket from 'ws'
import { Gateway } from '../clients/server.mjs'

const SHOTS = fileURLToPath(new URL('shots/', import.meta.url))
const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const WEB = 5
const HOSTILE = ['<img src=x onerror=document.title=1>', '"><script>document.title=1</script>', '‮gnp.exe']
const begun = []
let browser

before(async () => {
  await mkdir(SHOTS, { recursive: true })
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-sync'],
  })
})
after(async () => {
  await browser?.close()
  await Promise.all(begun.map((gateway) => gateway.stop()))
})

async function gateway(...options) {
  const gateway = await Gateway.start(...options)
  begun.push(gateway)
  return gateway
}

/** A client that has connected, and hears its own end. */
async function client(gateway, user, platform = WEB, token) {
  token ??= await gateway.token(user, platform)
  const query = new URLSearchParams({ sendID: user, token, platformID: platform, operationID: 'page', sdkType: 'js', isBackground: false, isMsgResp: true })
  const socket = new WebSocket(`${gateway.ws}/?${query}`)
  socket.closed = once(socket, 'close').then(([code]) => code)
  await once(socket, 'message')
  return socket
}

/** A window of its own on the page; an error in it is one of the test. */
async function open(t, gateway, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1180, height: 900 }, ...options })
  t.after(() => context.close())
  const page = await context.newPage()
  page.setDefaultTimeout(10_000)
  page.wrongs = []
  page.on('pageerror', (why) => page.wrongs.push(why.message))
  page.on('console', (said) => said.type() === 'error' && page.wrongs.push(said.text()))
  page.on('request', (request) => {
    const { origin, protocol } = new URL(request.url())
    if (origin !== gateway.page && !['blob:', 'data:'].includes(protocol)) page.wrongs.push(`asks ${request.url()}`)
  })
  await page.goto(gateway.page)
  return page
}

/** Signs in as a person does who has only a keyboard. */
async function enter(page, gateway) {
  await page.keyboard.type(await gateway.adminToken())
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Sessions' }).waitFor()
}

const number = async (page, name) => {
  const said = await page.getByRole('img', { name: new RegExp(`^${name}: `) }).getAttribute('aria-label')
  return Number(said.match(/: ([\d.]+)/)?.[1])
}

async function eventually(what, look) {
  const end = Date.now() + 10_000
  while (!(await look())) {
    assert.ok(Date.now() < end, `${what} has not come about`)
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

describe('the page', { concurrency: 4 }, () => {
  test('a wrong token is told so, one of a user as well, and a right one is remembered until one signs out', async (t) => {
    const server = await gateway()
    const page = await open(t, server)
    for (const [token, why] of [['nonsense', /no dots/], [await server.token('anna', WEB), /imAdmin/]]) {
      await page.getByLabel('Token of an administrator').fill(token)
      await page.keyboard.press('Enter')
      await page.getByRole('alert').filter({ hasText: why }).waitFor()
    }
    await enter(page, server)
    await page.reload()
    await page.getByRole('heading', { name: 'Sessions' }).waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('Token of an administrator').waitFor()
    assert.equal(await page.evaluate(() => sessionStorage.length + localStorage.length + document.cookie.length), 0)
    await page.reload()
    await page.getByLabel('Token of an administrator').waitFor()
    // The browser itself says that it was refused.
    assert.deepEqual(page.wrongs.filter((said) => !/status of 40[13]/.test(said)), [])
  })

  test('counts move when clients come and go, and one is kicked by the keyboard alone', async (t) => {
    const server = await gateway()
    const page = await open(t, server)
    await enter(page, server)
    assert.equal(await number(page, 'Connections'), 0)
    const shift = await page.evaluate(() => {
      window.shift = 0
      new PerformanceObserver((list) => list.getEntries().forEach((entry) => (window.shift += entry.hadRecentInput ? 0 : entry.value)))
        .observe({ type: 'layout-shift', buffered: false })
      return window.shift
    })
    const anna = await client(server, 'anna')
    const bert = await client(server, 'bert', 2)
    await eventually('two connections', async () => (await number(page, 'Connections')) === 2)
    await page.getByRole('cell', { name: 'bert', exact: true }).waitFor()
    await eventually('logins on the chart', async () => /at most [1-9]/.test(await page.getByRole('img', { name: /^Logins/ }).getAttribute('aria-label')))
    assert.match(await page.getByText('queue a', { exact: true }).locator('..').textContent(), /0 of 1000/)

    // Search, then on to the button, the question and the answer, without a mouse.
    await page.getByLabel('Users whose ID has this in it').focus()
    await page.keyboard.type('ann')
    await page.getByText('1 user', { exact: true }).waitFor()
    for (let n = 0; n < 6; n += 1) {
      await page.keyboard.press('Tab')
      if ((await page.evaluate(() => document.activeElement.ariaLabel)) === 'Kick anna off Web') break
    }
    await page.keyboard.press('Enter')
    const question = page.getByRole('dialog', { name: 'Kick anna off Web?' })
    await question.waitFor()
    await page.keyboard.press('Escape')
    await question.waitFor({ state: 'hidden' })
    assert.equal(anna.readyState, WebSocket.OPEN, 'who thinks better of it kicks nobody')
    await page.keyboard.press('Enter')
    await question.waitFor()
    await page.screenshot({ path: `${SHOTS}question.png` })
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    assert.equal(await anna.closed, 4500)
    await page.getByText('anna is to be kicked off Web').waitFor()
    await page.getByText('0 users', { exact: true }).waitFor()
    assert.equal(bert.readyState, WebSocket.OPEN)
    bert.close()
    await eventually('nobody is connected', async () => (await number(page, 'Connections')) === 0)
    const moved = await page.evaluate(() => window.shift)
    assert.ok(shift === 0 && moved < 0.02, `the layout has shifted by ${moved}`)
    assert.deepEqual(page.wrongs, [])
  })

  test('an ID that is markup is shown as it is, and runs nothing', async (t) => {
    const server = await gateway()
    await Promise.all(HOSTILE.map((user) => client(server, user)))
    const page = await open(t, server)
    await enter(page, server)
    for (const user of HOSTILE) await page.locator('td', { hasText: user }).first().waitFor()
    assert.equal(await page.locator('td img, td script').count(), 0)
    await page.getByRole('button', { name: `Kick ${HOSTILE[0]} off Web` }).click()
    await page.getByRole('dialog').getByText(`Kick ${HOSTILE[0]} off Web?`).waitFor()
    await page.getByRole('button', { name: 'Kick', exact: true }).click()
    await page.getByText(`${HOSTILE[0]} is to be kicked off Web`).waitFor()
    assert.equal(await page.title(), 'turnstile')
    assert.deepEqual(page.wrongs, [])
    // And if some markup came in after all, the browser would not run it.
    const ran = await page.evaluate(async () => {
      const inlet = document.createElement('div')
      try { inlet.innerHTML = '<img src=x onerror="window.ran=1">' } catch { /* As it should be. */ }
      document.body.append(inlet)
      await new Promise((next) => setTimeout(next, 100))
      return window.ran
    })
    assert.equal(ran, undefined)
  })

  test('a hub that hangs is said in words, drawn, and seen to be not ready', async (t) => {
    const server = await gateway('--design', 'single-select', '--openim', 'v3.5.1', '--set', 'capacity=0')
    const page = await open(t, server)
    await enter(page, server)
    const first = await server.token('anna', WEB)
    await client(server, 'anna', WEB, first)
    const second = await server.token('anna', WEB, { not: [first] })
    await client(server, 'anna', WEB, second)
    const alarm = page.getByRole('alert').filter({ hasText: 'Deadlock' })
    await alarm.getByText('hub waits to send on unregister (unbuffered), which only hub drains').waitFor()
    await page.getByRole('status').filter({ hasText: /^not ready$/ }).waitFor()
    assert.match(await page.title(), /^deadlock/)
    const graph = page.getByRole('img', { name: /^Deadlock: hub waits for itself/ })
    await graph.waitFor()
    await eventually('the graph is drawn', () => graph.evaluate((image) => image.complete && image.naturalWidth > 100))
    await page.screenshot({ path: `${SHOTS}deadlock.png`, fullPage: true })
    assert.deepEqual(await flaws(page), [])
    assert.deepEqual(page.wrongs, [])
  })

  for (const [name, options] of [
    ['light', { colorScheme: 'light' }],
    ['dark', { colorScheme: 'dark' }],
    ['phone', { colorScheme: 'light', viewport: { width: 360, height: 740 }, deviceScaleFactor: 2 }],
  ]) {
    test(`the page can be read by everybody: ${name}`, async (t) => {
      const server = await gateway()
      const page = await open(t, server, options)
      assert.deepEqual(await flaws(page), [], 'the door')
      await page.screenshot({ path: `${SHOTS}${name}-door.png` })
      await page.getByLabel('Token of an administrator').focus()
      await enter(page, server)
      const users = Array.from({ length: 12 }, (_, n) => `user${n}-of-a-name-of-some-length`)
      await Promise.all(users.map((user, n) => client(server, user, 1 + (n % 9))))
      await page.getByText('12 users', { exact: true }).waitFor()
      await eventually('some seconds on the charts', () => page.locator('.line').first().evaluate((line) => line.getAttribute('d').split('L').length > 3))
      await page.screenshot({ path: `${SHOTS}${name}.png`, fullPage: true })
      assert.deepEqual(await flaws(page), [], 'inside')
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
      assert.equal(wide, 0, 'nothing is beyond the edge')
      await page.getByRole('button', { name: 'Kick user0-of' }).click()
      assert.deepEqual(await flaws(page), [], 'the question')
      assert.deepEqual(page.wrongs, [])
    })
  }
})
