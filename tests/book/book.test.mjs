// The built book in Chromium: nothing that a page asks for is missing, nothing is beyond the edge of a phone, and the search finds.
import assert from 'node:assert/strict'
import { readFile, readdir } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { extname, join } from 'node:path'
import { after, before, test } from 'node:test'

const { chromium } = createRequire(new URL('../explore/package.json', import.meta.url))('playwright-core')
const BOOK = process.env.BOOK
const KINDS = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.png': 'image/png' }
let browser, server, url, pages

before(async () => {
  server = createServer(async (request, answer) => {
    const { pathname } = new URL(request.url, 'http://book')
    const name = pathname.endsWith('/') ? `${pathname}index.html` : pathname
    try {
      const text = await readFile(join(BOOK, decodeURIComponent(name)))
      answer.writeHead(200, { 'content-type': KINDS[extname(name)] ?? 'application/octet-stream' }).end(text)
    } catch {
      answer.writeHead(404).end()
    }
  })
  await new Promise((next) => server.listen(0, '127.0.0.1', next))
  url = `http://127.0.0.1:${server.address().port}/`
  const html = async (folder) => (await readdir(join(BOOK, folder))).filter((name) => name.endsWith('.html')).map((name) => join(folder, name))
  pages = [...(await html('')), ...(await html('course'))].filter((name) => !/^(404|print|toc)\.html$/.test(name))
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-sync'],
  })
})
after(async () => {
  await browser?.close()
  server?.close()
})

for (const [name, viewport] of [['wide', { width: 1440, height: 900 }], ['phone', { width: 360, height: 740 }]]) {
  test(`each page has all that it asks for, and fits: ${name}`, async () => {
    assert.ok(pages.length > 20, `${pages.length} pages`)
    const page = await browser.newPage({ viewport })
    const wrongs = []
    page.on('pageerror', (why) => wrongs.push(why.message))
    page.on('response', (answer) => answer.status() >= 400 && wrongs.push(`${answer.status()} ${answer.url()}`))
    page.on('request', (request) => new URL(request.url()).origin !== new URL(url).origin && !request.url().startsWith('data:') && wrongs.push(`asks ${request.url()}`))
    for (const one of pages) {
      await page.goto(url + one, { waitUntil: 'load' })
      const [beyond, unseen] = await page.evaluate(() => [
        document.documentElement.scrollWidth - document.documentElement.clientWidth,
        [...document.images].filter((image) => !image.complete || !image.naturalWidth).map(({ src }) => src),
      ])
      assert.deepEqual([beyond, unseen, wrongs], [0, [], []], one)
    }
    await page.close()
  })
}

test('the search finds a word of a chapter, and leads there', async () => {
  const page = await browser.newPage()
  page.setDefaultTimeout(15_000)
  await page.goto(url)
  await page.getByRole('button', { name: /search/i }).first().click()
  await page.getByRole('searchbox').pressSequentially('goleak')
  const found = page.locator('#mdbook-searchresults a').filter({ hasText: 'Who waits for whom' }).first()
  await found.click()
  await page.waitForURL(/course\/04-waits\.html/)
  await page.close()
})
